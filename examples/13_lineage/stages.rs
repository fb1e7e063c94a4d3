//! The three stages, and the topics between them.

use std::convert::Infallible;
use std::sync::Mutex;

use airports::Airport;
use anyhow::{Context, Result};
use helpers::{create_topic, delete_topic, unique_name};
use lineage::{Consumer, Message, Processor, Producer, Ref};
use serde::{Deserialize, Serialize};

/// Where the departures leave from.
const FROM: [&str; 2] = ["JFK", "SIN"];
const PER_AIRPORT: usize = 3;
pub(crate) const DEPARTURES: usize = FROM.len() * PER_AIRPORT;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Departure {
    from: String,
    city: String,
    minutes_late: usize,
}

/// One topic after each stage, of one partition, so that the output is the same in each run.
pub(crate) struct Topics {
    pub(crate) airports: String,
    pub(crate) departures: String,
    pub(crate) delays: String,
    pub(crate) boards: String,
}

impl Topics {
    /// Names that no other run uses.
    pub(crate) fn unique() -> Topics {
        let [airports, departures, delays, boards] =
            ["airports", "departures", "delays", "boards"].map(unique_name);
        Topics { airports, departures, delays, boards }
    }

    pub(crate) async fn create(&self, brokers: &str) -> Result<()> {
        for name in self.names() {
            create_topic(brokers, name, 1, -1).await?;
        }
        Ok(())
    }

    fn names(&self) -> [&str; 4] {
        [&self.airports, &self.departures, &self.delays, &self.boards]
    }

    pub(crate) async fn delete(&self, brokers: &str) -> Result<()> {
        for name in self.names() {
            delete_topic(brokers, name).await?;
        }
        Ok(())
    }
}

// ANCHOR: source
/// The source: messages that are made from nothing.
pub(crate) async fn publish_airports(brokers: &str, topics: &Topics) -> Result<()> {
    let producer = Producer::new("airports", brokers, &[]).await?;
    let all = airports::all()?;
    let of_interest = all.into_iter().filter(|it| FROM.contains(&it.iata.as_str()));
    let messages: Vec<Message<Airport>> =
        of_interest.map(|it| Message::new(it.iata.clone(), it)).collect();
    producer.produce_batch(&topics.airports, &messages).await?;
    Ok(())
}
// ANCHOR_END: source

// ANCHOR: processor
/// Stage 1: several departures of each airport. The processor carries the lineage along.
pub(crate) async fn schedule(brokers: &str, topics: &Topics) -> Result<()> {
    let group = unique_name("schedule");
    let consumer =
        Consumer::new("schedule", brokers, &[&topics.airports], group, FROM.len(), 5000).await?;
    let producer = Producer::new("schedule", brokers, &[]).await?;
    let mut processor = Processor::new(consumer, producer, &topics.departures);
    let read = processor
        .process_batch(|message: &Message<Airport>| {
            let Airport { iata, city, .. } = &message.payload;
            let departure = |number| {
                let from = iata.clone();
                let departure = Departure { from, city: city.clone(), minutes_late: number * 15 };
                Message::new(format!("{iata}-{number}"), departure)
            };
            Ok::<_, Infallible>((0..PER_AIRPORT).map(departure).collect())
        })
        .await?;
    println!("schedule   {read} airports, {DEPARTURES} departures");
    Ok(processor.close().await?)
}
// ANCHOR_END: processor

// ANCHOR: combine
/// Stage 3: one board, made from every delay. Its refs are those of all of them.
pub(crate) async fn board(brokers: &str, topics: &Topics) -> Result<()> {
    let group = unique_name("boards");
    let mut consumer = Consumer::builder("boards", brokers, &[&topics.delays], group)
        .batch_size(DEPARTURES - FROM.len())
        .timeout_ms(5000)
        .build()
        .await?;
    let producer = Producer::new("boards", brokers, &[("linger.ms", "0")]).await?;
    let read = consumer
        .process_batch(async |delays: Vec<Message<Departure>>| {
            let lines: Vec<String> = delays
                .iter()
                .map(|it| {
                    format!("{} from {}: {} min", it.id, it.payload.city, it.payload.minutes_late)
                })
                .collect();
            let refs = delays.into_iter().flat_map(|delay| delay.refs).collect();
            let board = Message { id: "today".to_owned(), payload: lines, refs };
            producer.produce(&topics.boards, &board).await.map(|_| ())
        })
        .await?;
    println!("boards     1 board made from {read} delays");
    Ok(consumer.close().await?)
}
// ANCHOR_END: combine

/// Reads the board, and returns the record that it was read from, with its history.
pub(crate) async fn read_board(brokers: &str, topics: &Topics) -> Result<Ref> {
    let group = unique_name("reader");
    let mut consumer = Consumer::new("reader", brokers, &[&topics.boards], group, 1, 5000).await?;
    let origin = Mutex::new(None);
    consumer
        .process_batch(async |mut boards: Vec<Message<Vec<String>>>| {
            let board = boards.remove(0);
            println!("\n{}", board.payload.join("\n"));
            *origin.lock().expect("one handler at a time") = board.refs.into_iter().next();
            Ok::<(), Infallible>(())
        })
        .await?;
    consumer.close().await?;
    origin.into_inner().expect("one handler at a time").context("there is no board")
}
