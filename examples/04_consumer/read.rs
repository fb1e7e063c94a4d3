//! What is done with a record: it is decoded, counted, and for one airport printed in full.

use airports::Airport;
use anyhow::Result;
use chrono::{DateTime, SecondsFormat};
use helpers::group_lag;
use rdkafka::message::{BorrowedMessage, Headers, Message, Timestamp};

pub(crate) const TOPIC: &str = "airports";
/// Airports of one partition, so they come in the order in which they were sent.
const SHOWN: [&str; 3] = ["JFK", "LGA", "PHL"];

/// What a group has read.
#[derive(Default)]
pub(crate) struct Read {
    /// Whether records are counted only: the second group reads the same ones.
    pub(crate) is_silent: bool,
    pub(crate) airports: usize,
    pub(crate) on_new_york_time: usize,
    pub(crate) deleted: usize,
}

// ANCHOR: process
/// Decodes a record, and counts it.
pub(crate) fn process(message: &BorrowedMessage<'_>, read: &mut Read) {
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

/// Prints what a group has read, or how far it had come before.
pub(crate) async fn report(brokers: &str, group: &str, read: &Read) -> Result<()> {
    let Read { airports, on_new_york_time, deleted, is_silent: _ } = read;
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
