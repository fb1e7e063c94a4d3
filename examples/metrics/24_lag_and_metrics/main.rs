//! 24 · Lag and metrics
//!
//! A lag counts offsets: those of markers, of aborted and deleted records, and of records that
//! cannot be read yet. Then the statistics of clients, and the times of batches, as metrics on a
//! page that Prometheus could scrape. The example scrapes it once.
//!
//! Run:      cargo run --example 24_lag_and_metrics
//!           cargo run --example 24_lag_and_metrics -- --follow    (until Ctrl-C or SIGTERM)
//! Chapter:  docs/24-lag-and-metrics.md

mod batches;
mod endpoint;
mod lag;
mod names;
mod partitions;
mod statistics;
mod watch;

use anyhow::Result;

use endpoint::Endpoint;
use names::Names;

/// What is printed of the page.
const SHOWN: [&str; 12] = [
    "# HELP kafka_consumer_lag_offsets",
    "# TYPE kafka_consumer_lag_offsets",
    "batch_messages_total",
    "batch_seconds_bucket{service=\"alarms\",outcome=\"processed\"",
    "batch_seconds_count",
    "batch_seconds_sum",
    "kafka_client_retries",
    "kafka_client_round_trip",
    "kafka_consumer_lag",
    "kafka_group_",
    "kafka_producer_messages_total",
    "kafka_producer_queue",
];

#[tokio::main]
async fn main() -> Result<()> {
    let names = Names::unique();
    workshop::run_and_clean_up(
        async |brokers| {
            let endpoint = Endpoint::start().await?;
            names.create(brokers).await?;
            show(brokers, &names, &endpoint).await
        },
        async |brokers| names.delete(brokers).await,
    )
    .await
}

async fn show(brokers: &str, names: &Names, endpoint: &Endpoint) -> Result<()> {
    println!("1  What a lag counts");
    lag::show(brokers, &names.partitions, &names.auditors).await?;

    println!("\n2  What clients say of themselves");
    watch::show(brokers, &names.departures, &names.boards).await?;

    println!("\n3  What batches take");
    batches::show(brokers, &names.delays, &names.alarms).await?;

    println!("\n4  {}", endpoint.url());
    let page = endpoint.scrape().await?;
    let is_shown = |line: &&str| SHOWN.iter().any(|name| line.starts_with(name));
    let mut lines: Vec<&str> = page.lines().filter(is_shown).collect();
    lines.sort_unstable();
    for line in lines {
        println!("   {line}");
    }
    if std::env::args().any(|argument| argument == "--follow") {
        println!("   the page is there until Ctrl-C");
        std::future::pending::<()>().await;
    }
    Ok(())
}
