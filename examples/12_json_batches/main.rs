//! 12 · JSON batches
//!
//! Sends JSON in bulk: a string, a list, 20,000 departures, a file. Several threads serialize, and
//! the departures of each flight still stay in order. What cannot be sent is reported and skipped,
//! and each record is counted once.
//!
//! Run:      cargo run --example 12_json_batches
//!           cargo run --example 12_json_batches -- --endless    (sends until Ctrl-C)
//! Chapter:  docs/12-json-batches.md

mod departures;
mod order;

use anyhow::Result;
use helpers::{create_topic, delete_topic, topic_metadata, unique_name};
use json_batches::{JsonProducer, JsonSummary};
use serde_json::json;

use departures::{DAYS, FLIGHTS, departures, write_lines};
use order::in_order;

#[tokio::main]
async fn main() -> Result<()> {
    let endless = std::env::args().any(|argument| argument == "--endless");
    let topic = unique_name("departures");
    // The producer listens for signals itself: what it has read is delivered before it ends.
    workshop::run_to_the_end(
        async |brokers| {
            create_topic(brokers, &topic, 3, -1).await?;
            match endless {
                true => until_ctrl_c(brokers, &topic).await,
                false => every_input(brokers, &topic).await,
            }
        },
        async |brokers| {
            delete_topic(brokers, &topic).await?;
            Ok(())
        },
    )
    .await
}

/// Sends each kind of input, and reads the departures back.
async fn every_input(brokers: &str, topic: &str) -> Result<()> {
    // ANCHOR: build
    let producer = JsonProducer::builder(brokers)
        .client_id("departures-json")
        .max_workers(4)
        .batch_size(100)
        .set("linger.ms", "10")
        .on_skipped(|record| println!("{record}"))
        .on_delivery(|report| {
            if !report.is_delivered() {
                println!("{report}");
            }
        })
        .build()
        .await?;
    // ANCHOR_END: build

    let airports = airports::all()?;
    let file = std::env::temp_dir().join(unique_name("departures.jsonl"));
    write_lines(&file, departures(airports.clone()).take(2 * FLIGHTS))?;

    // ANCHOR: send
    let text = producer.send(topic, "boarding has begun").await?;
    let list = json!([{"id": "WS001", "gate": 7}, {"gate": 8}, 9]);
    let listed = producer.send(topic, &list).await?;
    let iterator = departures(airports.clone()).take(DAYS * FLIGHTS);
    let iterated = producer.send_all(topic, iterator).await?;
    let filed = producer.send_file(topic, &file).await?;
    // ANCHOR_END: send
    std::fs::remove_file(&file)?;

    // ANCHOR: backpressure
    let small = JsonProducer::builder(brokers).set("queue.buffering.max.messages", "500");
    let iterator = departures(airports).take(DAYS * FLIGHTS);
    let squeezed = small.build().await?.send_all(topic, iterator).await?;
    // ANCHOR_END: backpressure

    println!("\ninput                        delivered  failed  skipped  retried");
    let rows = [("a string", text), ("a list", listed), ("an iterator", iterated)];
    for (input, summary) in rows.into_iter().chain([("a file", filed), ("a small queue", squeezed)])
    {
        let JsonSummary { delivered, failed, skipped, retried, .. } = summary;
        println!("{input:28} {delivered:>9}  {failed:>6}  {skipped:>7}  {retried:>7}");
    }
    let delivered = text.delivered + listed.delivered + filed.delivered + 2 * iterated.delivered;
    in_order(brokers, topic, delivered).await
}

// ANCHOR: endless
/// Sends departures without an end. Ctrl-C ends the input, and what was read is delivered.
async fn until_ctrl_c(brokers: &str, topic: &str) -> Result<()> {
    let producer = JsonProducer::builder(brokers).build().await?;
    let mut read = 0;
    let endless = departures(airports::all()?).inspect(move |_| {
        if read == 0 {
            println!("sending departures, until Ctrl-C");
        }
        read += 1;
    });
    let summary = producer.send_all(topic, endless).await?;
    println!("{summary}");
    println!("{} records are in the topic", topic_metadata(brokers, topic).await?.records());
    Ok(())
}
// ANCHOR_END: endless
