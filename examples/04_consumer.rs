//! 04 · Consumer
//!
//! Reads the airports as group `east-coast-dpt`, decodes each, and commits how far it has come.
//! The second run finds nothing new: the group remembers.
//!
//! Run:      cargo run --example 04_consumer
//!           cargo run --example 04_consumer -- --follow    (goes on until Ctrl-C)
//! Chapter:  docs/04-consumer.md

use std::time::Duration;

use anyhow::Result;
use helpers::{Airport, ConsumerBuilder, EndOfPartitions, airports_topic, readable};
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message};

const TOPIC: &str = "airports";
const GROUP: &str = "east-coast-dpt";
const COMMIT_EVERY: usize = 1000;
/// Airports of one partition, so they come in the order in which they were sent.
const SHOWN: [&str; 3] = ["JFK", "LGA", "PHL"];

#[tokio::main]
async fn main() -> Result<()> {
    let follow = std::env::args().any(|argument| argument == "--follow");
    let cluster = workshop::cluster().await?;
    let brokers = cluster.bootstrap_servers();
    // Nobody deletes the topic before its end was read. One that follows has no such end.
    let turn = Some(airports_topic(brokers).await?.turn).filter(|_| !follow);

    // ANCHOR: subscribe
    let consumer = ConsumerBuilder::new(brokers, GROUP).tell_end_of_partitions().build().await?;
    consumer.subscribe(&[TOPIC])?;
    // ANCHOR_END: subscribe

    // ANCHOR: poll
    let (mut read, mut on_new_york_time, mut end) = (0, 0, EndOfPartitions::new());
    // Made once: a Ctrl-C that comes while a record is processed must not be missed.
    let mut ctrl_c = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let polled = tokio::select! {
            polled = consumer.recv() => polled,
            _ = &mut ctrl_c => break,
        };
        match polled {
            Ok(message) => {
                end.message_from(message.partition());
                on_new_york_time += usize::from(process(&message));
                read += 1;
                if read % COMMIT_EVERY == 0 {
                    commit(&consumer)?;
                }
            }
            Err(KafkaError::PartitionEOF(partition)) => {
                end.ended(partition);
                if end.all_of(&consumer.assignment()?) {
                    commit(&consumer)?;
                    if !follow {
                        break;
                    }
                }
            }
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
            // Anything else passes: the client goes on trying, and the next poll may succeed.
            Err(error) => eprintln!("error      {error}"),
        }
    }
    // ANCHOR_END: poll

    // ANCHOR: close
    commit(&consumer)?;
    if read > 0 {
        println!("{read} airports read, {on_new_york_time} of them on New York time");
    } else {
        println!("nothing new, committed to {}", committed(&consumer)?);
        println!("to start over, run 05_delete_topic, or give GROUP a new name");
    }
    // Dropped, the consumer leaves its group, and the others need not wait for its partitions.
    drop((consumer, turn));
    cluster.close().await?;
    // ANCHOR_END: close
    Ok(())
}

// ANCHOR: process
/// Decodes a record and says whether the airport is on New York time.
fn process(message: &BorrowedMessage<'_>) -> bool {
    match serde_json::from_slice::<Airport>(message.payload().unwrap_or_default()) {
        Ok(airport) => {
            if airport.iata == "JFK" {
                println!("{}\n", readable(message));
            }
            if SHOWN.contains(&airport.iata.as_str()) {
                println!("decoded    {}, {}", airport.iata, airport.name);
            }
            airport.time_zone == "America/New_York"
        }
        Err(error) => {
            eprintln!("skipped    offset {}: {error}", message.offset());
            false
        }
    }
}

/// Commits the position in every partition, and waits until the group's coordinator has it.
fn commit(consumer: &StreamConsumer) -> Result<(), KafkaError> {
    match consumer.commit_consumer_state(CommitMode::Sync) {
        // Nothing was read since the last commit.
        Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => Ok(()),
        done => done,
    }
}
// ANCHOR_END: process

/// How far the group has come, as the sum of its committed offsets.
fn committed(consumer: &StreamConsumer) -> Result<i64, KafkaError> {
    let list = consumer.committed(Duration::from_secs(5))?;
    Ok(list.elements().iter().map(|it| it.offset().to_raw().unwrap_or(0).max(0)).sum())
}
