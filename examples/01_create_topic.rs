//! 01 · Create a topic
//!
//! Lists the topics of the cluster, creates `airports`, and lists them again. Records live in
//! topics: before a program can write or read any, it needs one with the right number of
//! partitions and copies.
//!
//! Run:      cargo run --example 01_create_topic
//! Chapter:  docs/01-create-topic.md

use std::time::Duration;

use anyhow::Result;
use helpers::{client_config, cluster_metadata, list_topics, wait_for_leaders};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

const TOPIC: &str = "airports";
const PARTITIONS: i32 = 3;
const REPLICATION_FACTOR: i32 = 3;
const LIMIT: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() -> Result<()> {
    workshop::run(show).await
}

async fn show(brokers: &str) -> Result<()> {
    // The first five examples share this topic: while the lock is held, 05 does not delete it.
    let _lock = airports::lock_shared(brokers).await?;

    // ANCHOR: list
    println!("topics before  {}", names(&list_topics(brokers).await?));
    // ANCHOR_END: list

    // ANCHOR: choices
    let admin: AdminClient<DefaultClientContext> = client_config(brokers)?.create()?;
    let mut created = create(&admin, REPLICATION_FACTOR).await;
    if let Err(KafkaError::AdminOp(RDKafkaErrorCode::InvalidReplicationFactor)) = created {
        // No broker keeps two copies of the same partition, so a cluster of one has one copy.
        let nodes = cluster_metadata(brokers).await?.brokers.len();
        let noun = if nodes == 1 { "broker" } else { "brokers" };
        println!("               the cluster has {nodes} {noun}, so ask for as many copies");
        created = create(&admin, nodes as i32).await;
    }
    created?;
    // ANCHOR_END: choices

    // ANCHOR: wait
    wait_for_leaders(brokers, TOPIC).await?;
    // ANCHOR_END: wait
    println!("topics after   {}", names(&list_topics(brokers).await?));
    Ok(())
}

// ANCHOR: create
/// Asks the cluster for the topic. If the topic exists already, that is no error: the program can
/// continue, with the topic as it is.
async fn create(
    admin: &AdminClient<DefaultClientContext>,
    replication_factor: i32,
) -> Result<(), KafkaError> {
    println!(
        "create         {TOPIC}: {PARTITIONS} partitions, {replication_factor} copies of each"
    );
    let topic = NewTopic::new(TOPIC, PARTITIONS, TopicReplication::Fixed(replication_factor));
    let options = AdminOptions::new().operation_timeout(Some(LIMIT)).request_timeout(Some(LIMIT));
    // One result for each topic, in the order of the request.
    for result in admin.create_topics([&topic], &options).await? {
        match result {
            Ok(_) => println!("outcome        created"),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {
                println!("outcome        was there, left as it is");
            }
            Err((_, code)) => {
                println!("outcome        {code}");
                return Err(KafkaError::AdminOp(code));
            }
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
