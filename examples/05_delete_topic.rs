//! 05 · Delete a topic
//!
//! Deletes `airports` with all its records, waits until no broker lists it any more, and deletes it
//! once more. The controller deletes a topic, and it takes a moment until every broker has learned
//! of it.
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
/// Deletes the topic, and prints the outcome. A topic that does not exist is an outcome and not an
/// error: the program has what it wants already.
async fn delete(brokers: &str) -> Result<(), Error> {
    match delete_topic(brokers, TOPIC).await {
        Ok(DeleteOutcome::Deleted) => println!("outcome        deleted"),
        Ok(DeleteOutcome::UnknownTopic) => println!("outcome        there is no such topic"),
        // The cluster deleted it, and shows a topic of this name again.
        Err(Error::NotVisible { .. }) => {
            println!("outcome        deleted, and there again: another program creates it");
        }
        Err(error) => return Err(error),
    }
    Ok(())
}
// ANCHOR_END: delete

// ANCHOR: names
/// The topics of the cluster's users. Kafka has internal topics, such as `__consumer_offsets`,
/// which you should not delete.
async fn names(brokers: &str) -> Result<String, Error> {
    let mut topics = list_topics(brokers).await?;
    topics.retain(|topic| !topic.starts_with("__"));
    if topics.is_empty() {
        return Ok("none".to_owned());
    }
    Ok(topics.join(", "))
}
// ANCHOR_END: names
