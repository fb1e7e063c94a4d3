//! 09 · Seek and pause
//!
//! A consumer moves to an offset, to either end, to a time. It pauses a partition and resumes it,
//! and a group's committed offsets are reset, which Kafka allows only while the group has no
//! members.
//!
//! Run:      cargo run --example 09_seek_and_pause
//! Chapter:  docs/09-seek-and-pause.md

mod pause;
mod reset;
mod seek;

use anyhow::{Result, ensure};
use helpers::{ProducerBuilder, TopicOptions, create_topic_with, delete_topic, unique_name};
use rdkafka::consumer::StreamConsumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::BaseRecord;
use std::time::Duration;

/// Each airport has a partition: its departures are in order, and start at offset 0.
const AIRPORTS: [(&str, i64); 2] = [("JFK", 20), ("LGA", 30)];
/// Midnight of 5 January 2026 (UTC), in milliseconds.
const MIDNIGHT: i64 = 1_767_571_200_000;
const LIMIT: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<()> {
    let topic = unique_name("departures");
    workshop::run_and_clean_up(
        async |brokers| show(brokers, &topic).await,
        async |brokers| {
            delete_topic(brokers, &topic).await?;
            Ok(())
        },
    )
    .await
}

async fn show(brokers: &str, topic: &str) -> Result<()> {
    publish(brokers, topic).await?;
    // This scene waits for seconds, so the others run at the same time.
    let patience = tokio::spawn(pause::with_and_without_polling(brokers.into(), topic.into()));
    seek::show(brokers, topic).await?;
    pause::show(brokers, topic).await?;
    reset::show(brokers, topic).await?;
    println!("{}", patience.await??);
    Ok(())
}

/// The departures of a day, from 06:00 to 22:00. A record's timestamp is the time of departure.
async fn publish(brokers: &str, topic: &str) -> Result<()> {
    // ANCHOR: publish
    // Retention counts from the timestamp: without -1 old departures would be deleted soon.
    let options = TopicOptions::new(2, -1).config("retention.ms", "-1");
    create_topic_with(brokers, topic, &options).await?;
    let producer = ProducerBuilder::new(brokers).build().await?;
    for (partition, (airport, minutes)) in (0..).zip(AIRPORTS) {
        for minute in (6 * 60..22 * 60).step_by(minutes as usize) {
            let timestamp = MIDNIGHT + minute * 60_000;
            let record = BaseRecord::to(topic).partition(partition).timestamp(timestamp);
            producer.send(record.key(airport).payload("departed"))?;
        }
    }
    // ANCHOR_END: publish
    let summary = producer.flush(LIMIT)?;
    ensure!(summary.delivered == 80, "not all departures arrived: {summary}");
    Ok(())
}

/// The next record, or none at the end of a partition.
async fn next(consumer: &StreamConsumer) -> Result<Option<BorrowedMessage<'_>>> {
    match tokio::time::timeout(LIMIT, consumer.recv()).await? {
        Ok(message) => Ok(Some(message)),
        Err(KafkaError::PartitionEOF(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A record in a few words, such as `JFK 09:20 at offset 10`.
fn shown(message: Option<&BorrowedMessage<'_>>) -> String {
    let Some(message) = message else { return "the end of the partition".to_owned() };
    let airport = AIRPORTS[message.partition() as usize].0;
    let minutes = (message.timestamp().to_millis().unwrap_or(MIDNIGHT) - MIDNIGHT) / 60_000;
    format!("{airport} {:02}:{:02} at offset {}", minutes / 60, minutes % 60, message.offset())
}
