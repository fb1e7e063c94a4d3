//! Scene 4: what lies in the dead-letter topic is sent again.

use std::time::Duration;

use anyhow::Result;
use helpers::{ConsumerBuilder, unique_name};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::FutureProducer;

use crate::Topics;
use crate::forward::{Origin, forward};

// ANCHOR: redrive
/// Sends the dead letters again, and returns how many there were.
pub(crate) async fn redrive(
    brokers: &str,
    topics: &Topics,
    producer: &FutureProducer,
) -> Result<usize> {
    // A real one has a fixed name, and goes on behind what it has sent already.
    let consumer = ConsumerBuilder::new(brokers, unique_name("redrive"));
    let consumer = consumer.tell_end_of_partitions().build().await?;
    // It ends where the topic ends now. Letters that fail again come in behind, and a redrive that
    // read on would send them round for ever.
    let limit = Duration::from_secs(10);
    let (_, end) = consumer.fetch_watermarks(&topics.dead_letters, 0, limit)?;
    consumer.subscribe(&[&topics.dead_letters])?;
    let mut sent = 0;
    loop {
        let message = match consumer.recv().await {
            Ok(message) if message.offset() < end => message,
            // The offset before the end need not be a letter's: the end of a transaction has one
            // too, and compaction leaves gaps. To wait for a record there would be for ever.
            Ok(_) | Err(KafkaError::PartitionEOF(_)) => return Ok(sent),
            Err(error) => return Err(error.into()),
        };
        let mut origin = Origin::of(&message);
        origin.attempt = 1;
        origin.redrives += 1;
        // Not to the original topic: every group that reads it would get the record again.
        let (first_retry, _) = &topics.retries[0];
        forward(producer, &message, &origin, first_retry, "redriven").await?;
        consumer.commit_message(&message, CommitMode::Sync)?;
        sent += 1;
    }
}
// ANCHOR_END: redrive
