//! 01 · Create a topic
//!
//! Lists the topics of the cluster, creates `airports`, and lists them again. Records live in
//! topics: before a program can write or read any, it needs one with the right number of
//! partitions and copies.
//!
//! Run:      cargo run --example 01_create_topic
//! Chapter:  docs/01-create-topic.md

use anyhow::Result;
use helpers::{CreateOutcome, Error, TopicOptions, airports_turn, create_topic_with, list_topics};

const TOPIC: &str = "airports";
const PARTITIONS: i32 = 3;
const REPLICATION_FACTOR: i32 = 3;

#[tokio::main]
async fn main() -> Result<()> {
    let cluster = workshop::cluster().await?;
    let brokers = cluster.bootstrap_servers();

    // The first five examples share this topic: until the turn ends, 05 does not delete it.
    let turn = airports_turn(brokers).await?;

    // ANCHOR: list
    println!("topics before  {}", names(&list_topics(brokers).await?));
    // ANCHOR_END: list

    // ANCHOR: choices
    let mut created = create(brokers, REPLICATION_FACTOR).await;
    if let Err(Error::InvalidReplicationFactor { brokers: nodes, .. }) = created {
        // No broker keeps two copies of the same partition, so a cluster of one has one copy.
        created = create(brokers, nodes as i32).await;
    }
    created?;
    // ANCHOR_END: choices

    println!("topics after   {}", names(&list_topics(brokers).await?));
    drop(turn);
    cluster.close().await?;
    Ok(())
}

// ANCHOR: create
/// Asks for the topic, and says what came of it. That it exists already is an outcome and no
/// error: the program can go on, with the topic as it is.
async fn create(brokers: &str, replication_factor: i32) -> Result<(), Error> {
    println!(
        "create         {TOPIC}: {PARTITIONS} partitions, {replication_factor} copies of each"
    );
    let options = TopicOptions::new(PARTITIONS, replication_factor);
    match create_topic_with(brokers, TOPIC, &options).await {
        Ok(CreateOutcome::Created) => println!("outcome        created"),
        Ok(CreateOutcome::AlreadyExists) => println!("outcome        was there, left as it is"),
        Err(error) => {
            println!("outcome        {error}");
            return Err(error);
        }
    }
    Ok(())
}
// ANCHOR_END: create

fn names(topics: &[String]) -> String {
    if topics.is_empty() {
        return "none".to_owned();
    }
    topics.join(", ")
}
