//! 25 · Dead letters
//!
//! Eight departures, of which one is not a departure at all, one fails once, and one fails until
//! the cause is repaired. For the first there are three choices; the others are retried later in
//! other topics, so that the records after them need not wait. What keeps failing goes to a
//! dead-letter topic, and is sent again from there after the repair.
//!
//! Run:      cargo run --example 25_dead_letters
//! Chapter:  docs/25-dead-letters.md

mod commit;
mod departure;
mod forward;
mod redrive;
mod topics;
mod undecodable;
mod waiting;
mod worker;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use helpers::{ConsumerBuilder, delete_topic, readable, unique_name};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::FutureProducer;

use departure::Board;
use forward::Origin;
use topics::Topics;
use worker::Worker;

#[tokio::main]
async fn main() -> Result<()> {
    let topics = Topics::unique();
    workshop::run_and_clean_up(
        async |brokers| show(brokers, &topics).await,
        async |brokers| {
            for topic in topics.all() {
                delete_topic(brokers, topic).await?;
            }
            Ok(())
        },
    )
    .await
}

async fn show(brokers: &str, topics: &Topics) -> Result<()> {
    topics.create(brokers).await?;
    let producer = forward::producer(brokers)?;
    departure::publish(&producer, &topics.departures).await?;

    println!("1  A record that cannot be decoded");
    undecodable::show(brokers, topics, &producer).await?;

    println!("\n2  What fails is tried again, later");
    let builder = ConsumerBuilder::new(brokers, unique_name("board"));
    let worker = Worker::start(builder, topics, &producer).await?;
    let reader = ConsumerBuilder::new(brokers, unique_name("reader")).build().await?;
    let played = retry_and_redrive(brokers, topics, &producer, &worker, &reader).await;
    let played = worker.close(played).await;
    commit::close(Arc::new(reader), played).await
}

async fn retry_and_redrive(
    brokers: &str,
    topics: &Topics,
    producer: &FutureProducer,
    worker: &Worker<'_>,
    reader: &StreamConsumer,
) -> Result<()> {
    let mut board = Board::without("BER")?;
    worker::print(worker.work(&mut board, departure::COUNT, pending()).await?);

    println!("\n3  A dead letter");
    reader.subscribe(&[&topics.dead_letters])?;
    println!("{}", readable(&next(reader).await?));

    println!("\n4  BER is on the list of airports now: all dead letters again");
    board.learn("BER");
    let sent = redrive::redrive(brokers, topics, producer).await?;
    worker::print(worker.work(&mut board, sent, pending()).await?);
    let mut last = next(reader).await?;
    while last.offset() < 2 {
        last = next(reader).await?;
    }
    let redrives = Origin::of(&last).redrives;
    println!("   the letter at offset {} has redrives={redrives}", last.offset());
    Ok(())
}

/// The next record. It would be an error here if none came for half a minute.
async fn next(consumer: &StreamConsumer) -> Result<BorrowedMessage<'_>> {
    Ok(tokio::time::timeout(Duration::from_secs(30), consumer.recv()).await??)
}
