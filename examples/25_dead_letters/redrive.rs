//! Scene 4: the records of the dead-letter topic are sent again.

use std::sync::Arc;

use anyhow::{Context, Result};
use helpers::{
    CommitOnRevoke, ConsumerBuilder, RepeatedErrors, is_permanent, seek_back, store_processed,
    topic_metadata, unique_name,
};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::FutureProducer;

use super::commit::{GroupConsumer, LIMIT, PAUSE, close, commit};
use super::forward::{Forwarded, Origin, forward};
use super::topics::Topics;

// ANCHOR: redrive
/// Sends the dead letters again, and returns how many there were.
pub(crate) async fn redrive(
    brokers: &str,
    topics: &Topics,
    producer: &FutureProducer,
) -> Result<usize> {
    // It ends where the topic ends now. Letters that fail again are appended, and a redrive that
    // kept reading would resend them forever.
    let metadata = topic_metadata(brokers, &topics.dead_letters).await?;
    let end = metadata.partitions[0].watermarks.context("the partition has no leader")?.high;
    // In production it has a fixed name, and continues after what it has already sent.
    let builder = ConsumerBuilder::new(brokers, unique_name("redrive")).enable_partition_eof();
    let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
    let sent = send_again(&consumer, topics, end, producer).await;
    close(consumer, sent).await
}

async fn send_again(
    consumer: &GroupConsumer,
    topics: &Topics,
    end: i64,
    producer: &FutureProducer,
) -> Result<usize> {
    consumer.subscribe(&[&topics.dead_letters])?;
    let (mut sent, mut errors) = (0, RepeatedErrors::new(LIMIT));
    loop {
        let message = match consumer.recv().await {
            Ok(message) if message.offset() < end => message,
            // The offset before the end need not be a letter's: the end of a transaction has one
            // too, and compaction leaves gaps. Waiting for a record there would never end.
            Ok(_) | Err(KafkaError::PartitionEOF(_)) => return Ok(sent),
            Err(error) if is_permanent(&error) => return Err(helpers::Error::from(error).into()),
            Err(error) => {
                errors.line(&error).iter().for_each(|line| eprintln!("{line}"));
                continue;
            }
        };
        let mut origin = Origin::of(&message);
        origin.attempt = 1;
        origin.redrives += 1;
        // Not to the original topic: every group that reads it would get the record again.
        let (first_retry, _) = &topics.retries[0];
        match forward(producer, &message, &origin, first_retry, "redriven").await? {
            Forwarded::Yes => sent += 1,
            Forwarded::NotYet => {
                seek_back(&**consumer, message.topic(), message.partition(), message.offset())?;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        }
        store_processed(&**consumer, &message)?;
        commit(consumer).await?;
    }
}
// ANCHOR_END: redrive
