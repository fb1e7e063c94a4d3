//! 09 · Seek and pause
//!
//! A consumer moves to an offset, to either end, to a time, and back to a record that failed, which
//! a commit must not pass. It pauses a partition and resumes it,
//! and a group's committed offsets are reset, which Kafka allows only while the group has no
//! members.
//!
//! Run:      cargo run --example 09_seek_and_pause
//! Chapter:  docs/09-seek-and-pause.md

mod back;
mod departures;
mod pause;
mod reset;
mod seek;

use anyhow::{Result, ensure};
use helpers::{ProducerBuilder, TopicOptions, create_topic_with, delete_topic, unique_name};
use rdkafka::producer::BaseRecord;

use departures::{AIRPORTS, LIMIT, MIDNIGHT};

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
    back::show(brokers, topic).await?;
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
    let summary = producer.flush_within(LIMIT).await?;
    ensure!(summary.delivered == 80, "not all departures arrived: {summary}");
    Ok(())
}
