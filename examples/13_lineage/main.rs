//! 13 · Lineage
//!
//! Airports become departures, departures become delays, delays become a board. The board carries
//! its history, which is printed as a tree, with the latency of each stage. On the way a batch
//! fails, and it is read again, and nothing else is. At the end come records that are larger,
//! older, deeper or emptier than most.
//!
//! Run:      cargo run --example 13_lineage
//! Chapter:  docs/13-lineage.md

mod stages;
mod unusual;

use anyhow::{Result, bail, ensure};
use helpers::unique_name;
use lineage::{Consumer, Error, Message, Producer, calc_ref_latencies, lineage_tree};

use stages::{DEPARTURES, Departure, Topics, board, publish_airports, read_board, schedule};

const BATCH: usize = 2;

#[tokio::main]
async fn main() -> Result<()> {
    let topics = Topics::unique();
    workshop::run_and_clean_up(
        async |brokers| pipeline(brokers, &topics).await,
        async |brokers| topics.delete(brokers).await,
    )
    .await
}

async fn pipeline(brokers: &str, topics: &Topics) -> Result<()> {
    topics.create(brokers).await?;
    publish_airports(brokers, topics).await?;
    schedule(brokers, topics).await?;
    delays(brokers, topics).await?;
    board(brokers, topics).await?;
    let origin = read_board(brokers, topics).await?;

    // ANCHOR: tree
    println!("\n{}", lineage_tree(&origin));
    // ANCHOR_END: tree

    // ANCHOR: latencies
    let Some(history) = &origin.hist else {
        bail!("the board was read without its history");
    };
    let stages = calc_ref_latencies(history);
    println!("\nstage      made from   records   slowest");
    for (service, source) in
        [("schedule", "airports"), ("delays", "schedule"), ("boards", "delays")]
    {
        let of_stage = stages.iter().filter(|it| it.service == service && it.source == source);
        let latencies: Vec<_> = of_stage.map(|it| it.latency.num_milliseconds()).collect();
        let slowest = latencies.iter().max().copied().unwrap_or_default();
        println!("{service:10} {source:10} {:8} {slowest:6} ms", latencies.len());
    }
    // ANCHOR_END: latencies
    unusual::show(brokers).await
}

// ANCHOR: batches
/// Stage 2: what is late. The second batch fails once, for a reason outside of Kafka.
async fn delays(brokers: &str, topics: &Topics) -> Result<()> {
    let producer = Producer::new("delays", brokers, &[]).await?;
    let mut consumer =
        Consumer::builder("delays", brokers, &[&topics.departures], unique_name("delays"))
            .batch_size(BATCH)
            .timeout_ms(5000)
            .on_batch(|metrics| eprintln!("{metrics}"))
            .build()
            .await?;
    let (mut processed, mut calls) = (0, 0);
    while processed < DEPARTURES {
        calls += 1;
        let batch = consumer
            .process_batch(async |departures: Vec<Message<Departure>>| {
                let ids: Vec<&str> = departures.iter().map(|it| it.id.as_str()).collect();
                println!("delays     batch {}", ids.join(", "));
                ensure!(calls != 2, "the control tower does not respond");
                let late: Vec<_> =
                    departures.into_iter().filter(|it| !it.id.ends_with("-0")).collect();
                producer.produce_batch(&topics.delays, &late).await?;
                Ok(())
            })
            .await;
        match batch {
            Ok(count) => processed += count,
            // Nothing of the batch is committed, and the consumer has gone back to its first
            // record.
            Err(error @ Error::Handler { .. }) => println!("           {error}"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(consumer.close().await?)
}
// ANCHOR_END: batches
