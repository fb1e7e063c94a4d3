//! 14 · Async consumers
//!
//! Three related types, with a serializer written by hand, are sent at random and read by three
//! consumers of a group. Each is a task and a stream, with several records in flight at once, so
//! they finish out of order: what is committed is what is finished, and a stop loses nothing. The
//! numbers at the end show what tasks are good for, and what they are not.
//!
//! Run:      cargo run --example 14_async_consumers
//!           cargo run --example 14_async_consumers -- --follow    (until Ctrl-C or SIGTERM)
//! Chapter:  docs/14-async-consumers.md

mod beginning;
mod callbacks;
mod consumer;
mod event;
mod group;
mod load;
mod numbers;
mod order;
mod publish;
mod scene;
mod scenes;
mod threads;

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::Result;
use helpers::{client_config, create_topic, delete_topic, unique_name};
use rdkafka::producer::FutureProducer;
use tokio::sync::mpsc;

use event::Airports;
use group::{Group, PARTITIONS};
use publish::Schedule;
use scene::Scene;

#[tokio::main]
async fn main() -> Result<()> {
    let follow = std::env::args().any(|argument| argument == "--follow");
    let topics = [(); 3].map(|()| unique_name("departures"));
    let (alive, mut ended) = mpsc::channel(1);
    let scene = async |brokers: &str| {
        let scenes = scenes_on(brokers, &topics, alive).await?;
        match follow {
            true => scenes::follow(&scenes[0]).await,
            false => show(&scenes).await,
        }
    };
    let clean_up = async |brokers: &str| {
        // A consumer that closes still needs its cluster: it commits, and leaves its group.
        while ended.recv().await.is_some() {}
        for topic in &topics {
            delete_topic(brokers, topic).await?;
        }
        Ok(())
    };
    match follow {
        // It listens for signals itself: its consumers commit, and leave their group.
        true => workshop::run_to_the_end(scene, clean_up).await,
        false => workshop::run_and_clean_up(scene, clean_up).await,
    }
}

/// Creates a topic for each scene.
async fn scenes_on(
    brokers: &str,
    topics: &[String; 3],
    alive: mpsc::Sender<Infallible>,
) -> Result<[Scene; 3]> {
    for (topic, partitions) in topics.iter().zip([PARTITIONS, 1, PARTITIONS]) {
        create_topic(brokers, topic, partitions, -1).await?;
    }
    let mut config = client_config(brokers)?;
    // A delivery may take 300 s by default: too long for a program that SIGTERM ends.
    config.set("enable.idempotence", "true").set("message.timeout.ms", "15000");
    let producer: FutureProducer = config.create()?;
    let airports = Arc::new(Airports::new(airports::all()?));
    Ok(topics.each_ref().map(|topic| Scene {
        brokers: brokers.to_owned(),
        topic: topic.clone(),
        group: unique_name("board"),
        producer: producer.clone(),
        airports: Arc::clone(&airports),
        alive: alive.clone(),
    }))
}

async fn show([read, asked, measured]: &[Scene; 3]) -> Result<()> {
    let mut schedule = Schedule::new(&read.airports);
    let mut group = Group::start(read, &["a", "b", "c"]).await?;
    println!("1  Events of three types at random, and each delivery is awaited");
    let events = schedule.events(12)?;
    publish::show(read, &events).await?;

    println!("\n2  Three consumers of a group, and what each has read");
    scenes::read(&mut group, &events).await?;

    println!("\n3  The three are stopped in the middle of their work, and a fourth continues");
    scenes::stop_and_go_on(read, group, &mut schedule).await?;

    println!("\n4  Records finish out of order, and the commit waits for the oldest");
    order::show(asked).await?;

    println!("\n5  Three consumers, as threads and as tasks");
    numbers::show(measured).await
}
