//! Scene 4: what lies in the dead-letter topic is sent again.

use std::sync::Arc;

use anyhow::Result;
use helpers::{CommitOnRevoke, ConsumerBuilder, RepeatedErrors, store_processed, unique_name};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::FutureProducer;

use super::commit::{GroupConsumer, LIMIT, close, commit};
use super::forward::{Origin, forward};
use super::topics::Topics;

// ANCHOR: redrive
/// Sends the dead letters again, and returns how many there were.
pub(crate) async fn redrive(
    brokers: &str,
    topics: &Topics,
    producer: &FutureProducer,
) -> Result<usize> {
    // A real one has a fixed name, and goes on behind what it has sent already.
    let builder = ConsumerBuilder::new(brokers, unique_name("redrive")).enable_partition_eof();
    let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
    let sent = send_again(&consumer, topics, producer).await;
    close(consumer).await?;
    sent
}

async fn send_again(
    consumer: &GroupConsumer,
    topics: &Topics,
    producer: &FutureProducer,
) -> Result<usize> {
    // It ends where the topic ends now. Letters that fail again come in behind, and a redrive that
    // read on would send them round for ever.
    let (_, end) = consumer.fetch_watermarks(&topics.dead_letters, 0, LIMIT)?;
    consumer.subscribe(&[&topics.dead_letters])?;
    let (mut sent, mut errors) = (0, RepeatedErrors::new(LIMIT));
    loop {
        let message = match consumer.recv().await {
            Ok(message) if message.offset() < end => message,
            // The offset before the end need not be a letter's: the end of a transaction has one
            // too, and compaction leaves gaps. To wait for a record there would be for ever.
            Ok(_) | Err(KafkaError::PartitionEOF(_)) => return Ok(sent),
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
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
        forward(producer, &message, &origin, first_retry, "redriven").await?;
        store_processed(&**consumer, &message)?;
        commit(consumer).await?;
        sent += 1;
    }
}
// ANCHOR_END: redrive
