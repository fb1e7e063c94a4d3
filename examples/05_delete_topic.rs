//! 05 · Delete a topic
//!
//! Deletes `airports` with all its records, waits until no broker knows it any more, and asks once
//! more. Deleting is an agreement of the whole cluster, and it takes a moment until everyone has
//! heard of it.
//!
//! Run:      cargo run --example 05_delete_topic
//! Chapter:  docs/05-delete-topic.md

use anyhow::Result;
use helpers::{DeleteOutcome, Error, delete_topic, list_topics};

const TOPIC: &str = "airports";

#[tokio::main]
async fn main() -> Result<()> {
    workshop::run(show).await
}

async fn show(brokers: &str) -> Result<()> {
    // There is something to delete, whichever example runs first.
    let topic = airports::filled_topic(brokers).await?;
    // Wait for the examples that write or read it.
    let _lock = topic.lock.exclusive().await;

    println!("topics before  {}", names(brokers).await?);
    println!("delete         {TOPIC}, {} records", topic.metadata.records());
    delete(brokers).await?;
    println!("topics after   {}", names(brokers).await?);
    println!("delete         {TOPIC} again");
    delete(brokers).await?;
    Ok(())
}

// ANCHOR: delete
/// Deletes the topic, and says what came of it. That there is none is an outcome and no error:
/// what the program wants is so already.
async fn delete(brokers: &str) -> Result<(), Error> {
    match delete_topic(brokers, TOPIC).await {
        Ok(DeleteOutcome::Deleted) => println!("outcome        deleted"),
        Ok(DeleteOutcome::UnknownTopic) => println!("outcome        there is no such topic"),
        // The cluster agreed, and shows a topic of this name all the same.
        Err(Error::NotVisible { .. }) => {
            println!("outcome        deleted, and there again: another program creates it");
        }
        Err(error) => return Err(error),
    }
    Ok(())
}
// ANCHOR_END: delete

// ANCHOR: names
/// The topics of the cluster's users. Kafka keeps notes in topics of its own, such as
/// `__consumer_offsets`, which nobody should delete.
async fn names(brokers: &str) -> Result<String, Error> {
    let mut topics = list_topics(brokers).await?;
    topics.retain(|topic| !topic.starts_with("__"));
    if topics.is_empty() {
        return Ok("none".to_owned());
    }
    Ok(topics.join(", "))
}
// ANCHOR_END: names
