//! 04 · Consumer
//!
//! Reads the airports as group `east-coast-dpt`, decodes each, and commits its progress. A second
//! group reads the same airports: groups are independent. The second run finds nothing new, because
//! both groups have committed offsets.
//!
//! Run:      cargo run --example 04_consumer
//!           cargo run --example 04_consumer -- --follow    (continues until Ctrl-C or SIGTERM)
//! Chapter:  docs/04-consumer.md

use std::sync::Arc;
use std::time::Duration;

use airports::Airport;
use anyhow::Result;
use chrono::{DateTime, SecondsFormat};
use helpers::{
    Closed, CommitEvery, CommitOnRevoke, Committed, ConsumerBuilder, EndOfPartitions,
    RepeatedErrors, StopSignal, close_within, commit_stored_within, group_lag, is_permanent,
    store_processed,
};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message, Timestamp};

const TOPIC: &str = "airports";
const LIMIT: Duration = Duration::from_secs(10);
/// Airports of one partition, so they come in the order in which they were sent.
const SHOWN: [&str; 3] = ["JFK", "LGA", "PHL"];

/// What a group has read.
#[derive(Default)]
struct Read {
    /// The second group is silent: it reads the same records.
    is_silent: bool,
    airports: usize,
    on_new_york_time: usize,
    deleted: usize,
    is_stopped: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    workshop::run_to_the_end(show, async |_| Ok(())).await
}

async fn show(brokers: &str) -> Result<()> {
    let follow = std::env::args().any(|argument| argument == "--follow");
    // No example deletes the topic before its end was read. One that follows has no such end.
    let _lock = Some(airports::filled_topic(brokers).await?.lock).filter(|_| !follow);
    // ANCHOR: groups
    for (group, is_silent) in [("east-coast-dpt", false), ("west-coast-arr", true)] {
        let read = Read { is_silent, ..Read::default() };
        let read = consume(brokers, group, follow, read).await?;
        report(brokers, group, &read).await?;
        if read.is_stopped {
            break;
        }
    }
    // ANCHOR_END: groups
    Ok(())
}

async fn consume(brokers: &str, group: &str, follow: bool, mut read: Read) -> Result<Read> {
    // ANCHOR: subscribe
    let builder = ConsumerBuilder::new(brokers, group).enable_partition_eof();
    let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
    consumer.subscribe(&[TOPIC])?;
    // ANCHOR_END: subscribe

    // ANCHOR: close
    let ended = poll(&consumer, follow, &mut read).await;
    // However the reading ended: commit what is stored, and leave the group. A drop here would
    // block a thread of the runtime.
    let closed = close_within(consumer, LIMIT).await;
    ended?;
    match closed? {
        Closed::Left(Committed::Done | Committed::Nothing) => {}
        closed => eprintln!("{closed:?}: what is not committed comes again"),
    }
    // ANCHOR_END: close
    Ok(read)
}

// ANCHOR: poll
async fn poll(
    consumer: &Arc<StreamConsumer<CommitOnRevoke>>,
    follow: bool,
    read: &mut Read,
) -> Result<()> {
    let mut end = EndOfPartitions::new();
    let mut commits = CommitEvery::new(1000, Duration::from_secs(5));
    let mut errors = RepeatedErrors::new(Duration::from_secs(10));
    let mut stop = StopSignal::listen()?;
    loop {
        let polled = tokio::select! {
            polled = consumer.recv() => polled,
            () = commits.due() => {
                commits.committed(commit_stored_within(consumer, LIMIT).await?);
                continue;
            }
            () = stop.received() => {
                read.is_stopped = true;
                return Ok(());
            }
        };
        match polled {
            Ok(message) => {
                end.message_from(message.partition());
                process(&message, read);
                store_processed(&**consumer, &message)?;
                commits.stored();
            }
            Err(KafkaError::PartitionEOF(partition)) => {
                end.ended(partition);
                if !follow && end.all_of(&consumer.assignment()?) {
                    return Ok(());
                }
            }
            // A fatal error of the client, or a missing permission: waiting does not help.
            Err(error) if is_permanent(&error) => return Err(helpers::Error::from(error).into()),
            // Any other error is transient: the client keeps trying, and the next poll may succeed.
            Err(error) => {
                errors.line(&error).iter().for_each(|line| eprintln!("error      {line}"));
            }
        }
    }
}
// ANCHOR_END: poll

// ANCHOR: process
/// Decodes a record, and counts it.
fn process(message: &BorrowedMessage<'_>, read: &mut Read) {
    let Some(value) = message.payload() else {
        // A tombstone: the value is null, and on a compacted topic that deletes the key.
        println!("deleted    {}", text(message.key()));
        read.deleted += 1;
        return;
    };
    match serde_json::from_slice::<Airport>(value) {
        Ok(airport) => {
            if airport.iata == "JFK" && !read.is_silent {
                print_fields(message);
            }
            if SHOWN.contains(&airport.iata.as_str()) && !read.is_silent {
                println!("decoded    {}, {}", airport.iata, airport.name);
            }
            read.airports += 1;
            read.on_new_york_time += usize::from(airport.time_zone == "America/New_York");
        }
        Err(error) => eprintln!("skipped    offset {}: {error}", message.offset()),
    }
}
// ANCHOR_END: process

// ANCHOR: fields
/// Prints everything that a record has.
fn print_fields(message: &BorrowedMessage<'_>) {
    println!("topic      {}", message.topic());
    println!("partition  {}", message.partition());
    println!("offset     {}", message.offset());
    // The producer sets the time, unless the topic's `message.timestamp.type` is LogAppendTime.
    let (set_as, ms) = match message.timestamp() {
        Timestamp::CreateTime(ms) => ("CreateTime", ms),
        Timestamp::LogAppendTime(ms) => ("LogAppendTime", ms),
        Timestamp::NotAvailable => ("none", 0),
    };
    let time = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    let time = time.to_rfc3339_opts(SecondsFormat::Millis, true);
    println!("timestamp  {time} ({set_as}, {ms} ms)");
    println!("key        {}", text(message.key()));
    for header in message.headers().into_iter().flat_map(Headers::iter) {
        println!("header     {}={}", header.key, text(header.value));
    }
    println!("value      {}\n", text(message.payload()));
}

/// Kafka knows only bytes, or null: whether they are text is up to the producer.
fn text(bytes: Option<&[u8]>) -> String {
    bytes.map_or("null".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
}
// ANCHOR_END: fields

async fn report(brokers: &str, group: &str, read: &Read) -> Result<()> {
    let Read { airports, on_new_york_time, deleted, .. } = read;
    if airports + deleted > 0 {
        println!(
            "{group:14}  {airports} airports read, {on_new_york_time} of them on New York time"
        );
        return Ok(());
    }
    let partitions = group_lag(brokers, group, TOPIC).await?.partitions;
    let committed: i64 = partitions.iter().filter_map(|partition| partition.committed).sum();
    println!("{group:14}  nothing new, committed to {committed}");
    println!("                to start over, run 05_delete_topic, or give the group a new name");
    Ok(())
}
