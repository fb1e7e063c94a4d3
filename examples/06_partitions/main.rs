//! 06 · Partitions
//!
//! Departures, keyed by their airport, and the partition that each lands on: by its key under two
//! partitioners, without a key, with an explicit partition, and after the topic has grown. The key
//! decides, as long as all producers hash it in the same way.
//!
//! Run:      cargo run --example 06_partitions
//! Chapter:  docs/06-partitions.md

mod departure;
mod explicit;
mod growing;
mod keyless;
mod keys;
mod partitioners;

use anyhow::Result;
use helpers::{create_topic, delete_topic, unique_name};

#[tokio::main]
async fn main() -> Result<()> {
    // Of this run only, so they can be deleted however the run ends.
    let topics = [unique_name("departures"), unique_name("departures-growing")];
    workshop::run_and_clean_up(
        async |brokers| scenes(brokers, &topics).await,
        async |brokers| {
            for topic in &topics {
                delete_topic(brokers, topic).await?;
            }
            Ok(())
        },
    )
    .await
}

async fn scenes(brokers: &str, [topic, growing_topic]: &[String; 2]) -> Result<()> {
    for topic in [topic, growing_topic] {
        create_topic(brokers, topic, 3, -1).await?;
    }
    let airports = airports::all()?;
    println!("1 · the same {} keys, two partitioners, 3 partitions\n", airports.len());
    keys::show(brokers, topic, &airports).await?;

    println!("\n2 · no key, and an empty one\n");
    keyless::show(brokers, topic).await?;

    println!("\n3 · the record names its partition\n");
    explicit::show(brokers, topic).await?;

    println!("\n4 · 3 partitions become {}\n", growing::PARTITIONS);
    growing::show(brokers, growing_topic, &airports).await
}
