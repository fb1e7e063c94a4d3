//! 04 · Consumer
//!
//! Reads the airports as group `east-coast-dpt`, decodes each, and commits its progress. The second
//! run finds nothing new: the group has committed offsets.
//!
//! Run:      cargo run --example 04_consumer
//!           cargo run --example 04_consumer -- --follow    (continues until Ctrl-C or SIGTERM)
//! Chapter:  docs/04-consumer.md

use std::sync::Arc;
use std::time::Duration;

use airports::Airport;
use anyhow::Result;
use helpers::{
    Closed, CommitEvery, CommitOnRevoke, Committed, ConsumerBuilder, EndOfPartitions,
    RepeatedErrors, StopSignal, close_within, commit_stored_within, group_lag, readable,
    store_processed,
};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};

const TOPIC: &str = "airports";
const GROUP: &str = "east-coast-dpt";
const LIMIT: Duration = Duration::from_secs(10);
/// Airports of one partition, so they come in the order in which they were sent.
const SHOWN: [&str; 3] = ["JFK", "LGA", "PHL"];

#[tokio::main]
async fn main() -> Result<()> {
    workshop::run_to_the_end(consume, async |_| Ok(())).await
}

async fn consume(brokers: &str) -> Result<()> {
    let follow = std::env::args().any(|argument| argument == "--follow");
    // No example deletes the topic before its end was read. One that follows has no such end.
    let _lock = Some(airports::filled_topic(brokers).await?.lock).filter(|_| !follow);

    // ANCHOR: subscribe
    let builder = ConsumerBuilder::new(brokers, GROUP).enable_partition_eof();
    let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
    consumer.subscribe(&[TOPIC])?;
    // ANCHOR_END: subscribe

    // ANCHOR: poll
    let (mut read, mut on_new_york_time, mut end) = (0, 0, EndOfPartitions::new());
    let mut commits = CommitEvery::new(1000, Duration::from_secs(5));
    let mut errors = RepeatedErrors::new(Duration::from_secs(10));
    let mut stop = StopSignal::listen()?;
    loop {
        let polled = tokio::select! {
            polled = consumer.recv() => polled,
            () = commits.due() => {
                commits.committed(commit_stored_within(&consumer, LIMIT).await?);
                continue;
            }
            () = stop.received() => break,
        };
        match polled {
            Ok(message) => {
                end.message_from(message.partition());
                on_new_york_time += usize::from(process(&message));
                read += 1;
                store_processed(&*consumer, &message)?;
                commits.stored();
            }
            Err(KafkaError::PartitionEOF(partition)) => {
                end.ended(partition);
                if !follow && end.all_of(&consumer.assignment()?) {
                    break;
                }
            }
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
            // Any other error is transient: the client keeps trying, and the next poll may succeed.
            Err(error) => {
                errors.line(&error).iter().for_each(|line| eprintln!("error      {line}"));
            }
        }
    }
    // ANCHOR_END: poll

    // ANCHOR: close
    if read > 0 {
        println!("{read} airports read, {on_new_york_time} of them on New York time");
    } else {
        let partitions = group_lag(brokers, GROUP, TOPIC).await?.partitions;
        let committed: i64 = partitions.iter().filter_map(|partition| partition.committed).sum();
        println!("nothing new, committed to {committed}");
        println!("to start over, run 05_delete_topic, or give GROUP a new name");
    }
    // It commits what is stored, and leaves the group.
    match close_within(consumer, LIMIT).await? {
        Closed::Left(Committed::Done | Committed::Nothing) => {}
        closed => eprintln!("{closed:?}: what is not committed comes again"),
    }
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
// ANCHOR_END: process
