//! Sends a file of JSON lines, and sets the bad lines aside.
//!
//! The task is in exercises/12-json-lines/README.md.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::{Publisher, producer};
use rdkafka::producer::BaseRecord;
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<()> {
    let producer = producer(&env::var("KAFKA_BOOTSTRAP_SERVERS")?).await?;
    // Reading a file blocks, and so does a full queue: that needs a thread of its own.
    tokio::task::spawn_blocking(move || load(&producer)).await?
}

fn load(producer: &Publisher) -> Result<()> {
    let topic = env::var("TOPIC")?;
    let file = BufReader::new(File::open(env::var("FILE")?)?);
    let mut bad_lines = BufWriter::new(File::create(env::var("BAD_LINES")?)?);
    for line in file.lines() {
        // Your part: which lines arrive, how, and what happens to the others?
        let value: Value = serde_json::from_str(&line?)?;
        producer.send(BaseRecord::<(), _>::to(&topic).payload(&value.to_string()))?;
    }
    bad_lines.flush()?;
    let summary = producer.flush(Duration::from_secs(60))?;
    ensure!(summary.failed + summary.still_queued == 0, "{summary}");
    Ok(())
}
