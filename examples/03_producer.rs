//! 03 · Producer
//!
//! Publishes 7,884 airports, one record each, and counts what the cluster confirmed. Sending only
//! puts a record into a queue of the client: its delivery report says whether it arrived.
//!
//! Run:      cargo run --example 03_producer
//! Chapter:  docs/03-producer.md

use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use airports::Airport;
use anyhow::{Result, ensure};
use helpers::{DeliveryReport, ProducerBuilder, delivery_report, progress_bar};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;

const TOPIC: &str = "airports";
/// One record with an explicit partition. The partitioner chooses that of every other one.
const EXPLICIT: (&str, i32) = ("CDG", 0);
/// The airports whose delivery reports are shown. All 7,884 are counted.
const SHOWN: [&str; 5] = ["BOS", "CDG", "JFK", "SIN", "SYD"];
const LIMIT: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<()> {
    workshop::run(show).await
}

async fn show(brokers: &str) -> Result<()> {
    // While the lock is held, no other example deletes the topic.
    let _lock = airports::lock_shared(brokers).await?;
    airports::create_topic(brokers).await?;
    let airports = airports::all()?;
    let started = Instant::now();

    // ANCHOR: build
    let bar = progress_bar(airports.len() as u64);
    let (show, shown) = mpsc::channel();
    let counted = bar.clone();
    let on_delivery = move |report: &DeliveryReport<'_>| {
        counted.inc(1);
        if !report.is_delivered() {
            counted.suspend(|| delivery_report(report));
        } else if SHOWN.iter().any(|it| report.key == Some(it.as_bytes())) {
            // The receiver may be dropped when the example ends, and then the report is not needed.
            let _ = show.send(report.to_string());
        }
    };
    let producer = ProducerBuilder::new(brokers)
        .set("client.id", "airports-producer")
        .on_delivery(on_delivery)
        .build()
        .await?;
    // ANCHOR_END: build

    println!("topic      {TOPIC}");
    println!("sending    {} airports", airports.len());

    // ANCHOR: send
    for airport in &airports {
        let value = serde_json::to_vec(airport)?;
        // It only waits if the client's queue is full.
        producer.send_within(record(airport, &value)?, LIMIT).await?;
    }
    let summary = producer.flush_within(LIMIT).await?;
    // ANCHOR_END: send

    bar.finish_and_clear();
    // Reports arrive in the order in which the brokers respond, so sort these for reading.
    let mut lines: Vec<String> = shown.try_iter().collect();
    lines.sort();
    println!("{}", lines.join("\n"));
    println!("summary    {summary}");
    eprintln!("took {:.2} s", started.elapsed().as_secs_f32());

    // ANCHOR: ensure
    ensure!(summary.delivered == airports.len() as u64, "not everything was delivered: {summary}");
    // ANCHOR_END: ensure
    Ok(())
}

// ANCHOR: record
/// Everything that a record can have: topic, value, key, partition, timestamp and headers.
fn record<'a>(airport: &'a Airport, value: &'a [u8]) -> Result<BaseRecord<'a, str, [u8]>> {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
    let source = Header { key: "source", value: Some("airportsdata") };
    let record = BaseRecord::to(TOPIC)
        .key(airport.iata.as_str())
        .payload(value)
        .timestamp(now_ms)
        .headers(OwnedHeaders::new().insert(source));
    let (key, partition) = EXPLICIT;
    Ok(if airport.iata == key { record.partition(partition) } else { record })
}
// ANCHOR_END: record
