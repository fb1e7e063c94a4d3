//! 00 · What Kafka is
//!
//! The same six departures go through a queue and into a log, and a departure board and the billing
//! read both. What one reader takes out of a queue, the other never sees. Kafka is a log: every
//! reader has its own position, reading deletes nothing, and a reader can go back.
//!
//! Run:      cargo run --example 00_what_kafka_is
//! Chapter:  docs/00-what-kafka-is.md

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, Result};
use helpers::{
    ConsumerBuilder, TopicOptions, client_config, close_within, create_topic_with, delete_topic,
    topic_metadata, unique_name,
};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Message, Offset};
use tokio::time::timeout;

const FLIGHTS: [&str; 6] = ["WS101", "WS102", "WS103", "WS104", "WS105", "WS106"];
const LIMIT: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<()> {
    let topic = unique_name("departures");
    let scene = async |brokers: &str| show(brokers, &topic).await;
    let clean_up = async |brokers: &str| Ok(delete_topic(brokers, &topic).await.map(drop)?);
    workshop::run_and_clean_up(scene, clean_up).await
}

async fn show(brokers: &str, topic: &str) -> Result<()> {
    println!("client   rdkafka, on librdkafka {}\n", rdkafka::util::get_rdkafka_version().1);
    through_a_queue();
    // One partition is one log. Replication factor -1 is the cluster's default.
    create_topic_with(brokers, topic, &TopicOptions::new(1, -1)).await?;
    write(brokers, topic).await?;

    // ANCHOR: readers
    let (board, billing) =
        tokio::try_join!(reader(brokers, topic, "board"), reader(brokers, topic, "billing"))?;
    println!("board    {}", read_to_the_end(&board).await?);
    println!("billing  {}", read_to_the_end(&billing).await?);
    // With a limit of zero, seek does not wait: it would block a thread of the runtime.
    board.seek(topic, 0, Offset::Offset(3), Duration::ZERO)?;
    println!("board    {}, after it went back to 3", read_to_the_end(&board).await?);
    // ANCHOR_END: readers

    println!("left     {} records", topic_metadata(brokers, topic).await?.records());
    for reader in [board, billing] {
        close_within(reader, LIMIT).await.map(drop)?;
    }
    Ok(())
}

// ANCHOR: queue
/// Two readers take turns at a queue. Each flight reaches one of them.
fn through_a_queue() {
    let mut queue = VecDeque::from(FLIGHTS);
    let (mut board, mut billing) = (Vec::new(), Vec::new());
    while !queue.is_empty() {
        board.extend(queue.pop_front());
        billing.extend(queue.pop_front());
    }
    println!("a queue\nboard    {}\nbilling  {}", board.join(" "), billing.join(" "));
    println!("left     {} flights\n", queue.len());
}
// ANCHOR_END: queue

// ANCHOR: write
/// Appends the flights to the log, and waits for the broker's confirmation of each.
async fn write(brokers: &str, topic: &str) -> Result<()> {
    let producer: FutureProducer =
        client_config(brokers)?.set("enable.idempotence", "true").create()?;
    let mut reports = Vec::new();
    for flight in FLIGHTS {
        let record = FutureRecord::<(), _>::to(topic).payload(flight);
        // This only queues the record: the client sends several of them in one request.
        reports.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    let mut written = Vec::new();
    for (report, flight) in reports.into_iter().zip(FLIGHTS) {
        let delivery = timeout(LIMIT, report).await.context("no report")??;
        written.push(format!("{flight}@{}", delivery.map_err(|(error, _)| error)?.offset));
    }
    println!("a log\nwritten  {}", written.join(" "));
    // Nothing is queued any more, but dropping a producer also ends its thread.
    Ok(tokio::task::spawn_blocking(move || drop(producer)).await?)
}
// ANCHOR_END: write

/// Returns a reader with a group of its own, which shares its position with no other reader.
async fn reader(brokers: &str, topic: &str, name: &str) -> Result<StreamConsumer> {
    let group = unique_name(name);
    let reader = ConsumerBuilder::new(brokers, group).enable_partition_eof().build().await?;
    reader.subscribe(&[topic])?;
    Ok(reader)
}

// ANCHOR: read
/// Returns each flight that follows in the log, with its offset.
async fn read_to_the_end(reader: &StreamConsumer) -> Result<String> {
    let mut flights = Vec::new();
    loop {
        match timeout(LIMIT, reader.recv()).await.context("nothing arrives")? {
            Ok(record) => {
                let flight = String::from_utf8_lossy(record.payload().unwrap_or_default());
                flights.push(format!("{flight}@{}", record.offset()));
            }
            Err(KafkaError::PartitionEOF(_)) => return Ok(flights.join(" ")),
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
            // Anything else is transient: the client tries again by itself.
            Err(error) => eprintln!("transient: {error}"),
        }
    }
}
// ANCHOR_END: read
