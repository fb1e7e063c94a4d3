//! 02 · Topic metadata
//!
//! Asks the cluster what the topic `airports` looks like: which broker leads each partition, which
//! hold a copy, which copies are up to date, and which offsets can be read. Every client requests
//! this before it sends or fetches, and you look at it when something is wrong.
//!
//! Run:      cargo run --example 02_topic_metadata
//! Chapter:  docs/02-topic-metadata.md

use anyhow::{Result, bail};
use helpers::{Error, topic_metadata};

const TOPIC: &str = "airports";
const MISSPELT: &str = "airprots";

#[tokio::main]
async fn main() -> Result<()> {
    workshop::run(show).await
}

async fn show(brokers: &str) -> Result<()> {
    // There is something to look at, whichever example runs first, and none deletes it now.
    let _lock = airports::filled_topic(brokers).await?.lock;

    // ANCHOR: ask
    println!("topic  {TOPIC}\n");
    let topic = topic_metadata(brokers, TOPIC).await?;
    println!("{topic}\n");
    // ANCHOR_END: ask

    // ANCHOR: read
    println!("in all, {} records can be read", topic.records());
    for partition in &topic.partitions {
        // The first replica is the one that Kafka prefers as leader, when it is in sync.
        let preferred = partition.replicas.first().copied();
        let missing = partition.replicas.len() - partition.in_sync_replicas.len();
        match partition.leader {
            None => println!("partition {} has no leader: it is offline", partition.id),
            Some(_) if missing > 0 => {
                println!("partition {}: {missing} copies out of sync", partition.id);
            }
            leader if leader == preferred => {}
            Some(leader) => println!("partition {} moved to broker {leader}", partition.id),
        }
    }
    // ANCHOR_END: read

    // ANCHOR: unknown
    println!("\ntopic  {MISSPELT}\n");
    match topic_metadata(brokers, MISSPELT).await {
        Err(error @ Error::UnknownTopic { .. }) => println!("{error}"),
        Err(error) => return Err(error.into()),
        Ok(_) => bail!("another program has created {MISSPELT}"),
    }
    // ANCHOR_END: unknown

    Ok(())
}
