//! Writes orders as Avro and reads them, with a schema registry.
//!
//! `my-registry write` sends each JSON line of stdin as a record. `my-registry read` reads as a
//! member of a group, and prints each record as a JSON line. Keep the half that you need.

mod avro;
mod blocking;
mod commits;
mod config;
mod dead_letters;
mod errors;
mod order;
mod read;
mod stop;
mod write;

use anyhow::{Result, bail};

use config::Config;
use stop::Stop;

#[tokio::main]
async fn main() -> Result<()> {
    let config = Config::load()?;
    config.start_log();
    let stop = Stop::listen()?;
    match std::env::args().nth(1).as_deref() {
        Some("write") => write::run(&config, &stop).await,
        Some("read") => read::run(&config, &stop).await,
        _ => bail!("usage: my-registry write|read"),
    }
}
