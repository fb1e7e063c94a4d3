//! 25 · Dead letters
//!
//! Eight departures, of which one is no departure at all, one fails once, and one fails until
//! somebody repairs the cause. What is done with the first is a choice of three; the others are
//! tried again, later and elsewhere, so that the records behind them need not wait. What cannot
//! be done lands in a dead-letter topic, and is sent again from there after the repair.
//!
//! Run:      cargo run --example 25_dead_letters
//! Chapter:  docs/25-dead-letters.md

mod departure;
mod forward;
mod redrive;
mod undecodable;
mod worker;

use anyhow::Result;
use helpers::{ConsumerBuilder, client_config, create_topic, delete_topic, readable, unique_name};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::FutureProducer;
use std::time::Duration;

use departure::Board;
use forward::Origin;
use worker::Worker;

/// A record's way when it fails: each topic with how long a record waits in it.
struct Topics {
    departures: String,
    retries: [(String, Duration); 2],
    dead_letters: String,
    /// The dead letters of the first scene, which has readers of its own.
    parked: String,
}

impl Topics {
    async fn create(brokers: &str) -> Result<Topics> {
        let departures = unique_name("departures");
        // One delay for each topic: then what came first is due first, and nobody waits behind a
        // record with a longer delay.
        let retry = |wait| (format!("{departures}-retry-{wait}ms"), Duration::from_millis(wait));
        let topics = Topics {
            retries: [retry(500), retry(1000)],
            dead_letters: format!("{departures}-dead-letters"),
            parked: format!("{departures}-parked"),
            departures,
        };
        for topic in topics.all() {
            create_topic(brokers, topic, 1, -1).await?;
        }
        Ok(topics)
    }

    fn all(&self) -> [&str; 5] {
        let [(first, _), (second, _)] = &self.retries;
        [&self.departures, first, second, &self.dead_letters, &self.parked]
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let cluster = workshop::cluster().await?;
    let brokers = cluster.bootstrap_servers();
    let topics = Topics::create(brokers).await?;
    let ended = tokio::select! {
        ended = show(brokers, &topics) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    for topic in topics.all() {
        delete_topic(brokers, topic).await?;
    }
    cluster.close().await?;
    ended
}

async fn show(brokers: &str, topics: &Topics) -> Result<()> {
    let producer: FutureProducer =
        client_config(brokers)?.set("enable.idempotence", "true").create()?;
    departure::publish(&producer, &topics.departures).await?;

    println!("1  A record that cannot be decoded");
    undecodable::show(brokers, topics, &producer).await?;

    println!("\n2  What fails is tried again, later");
    let mut board = Board::without("BER")?;
    let worker = Worker::start(brokers, topics, &producer).await?;
    worker::print(worker.work(&mut board, departure::COUNT).await?);

    println!("\n3  A dead letter");
    let reader = ConsumerBuilder::new(brokers, unique_name("reader")).build().await?;
    reader.subscribe(&[&topics.dead_letters])?;
    println!("{}", readable(&next(&reader).await?));

    println!("\n4  BER is on the list of airports now: all dead letters again");
    board.learn("BER");
    let sent = redrive::redrive(brokers, topics, &producer).await?;
    worker::print(worker.work(&mut board, sent).await?);
    let mut last = next(&reader).await?;
    while last.offset() < 2 {
        last = next(&reader).await?;
    }
    let redrives = Origin::of(&last).redrives;
    println!("   the letter at offset {} has redrives={redrives}", last.offset());
    Ok(())
}

/// The next record. It would be an error here if none came for half a minute.
async fn next(consumer: &StreamConsumer) -> Result<BorrowedMessage<'_>> {
    Ok(tokio::time::timeout(Duration::from_secs(30), consumer.recv()).await??)
}
