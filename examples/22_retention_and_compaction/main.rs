//! 22 · Retention and compaction
//!
//! Three topics lose records: one by time, one by size, and one keeps the last record of each key.
//! You see each before and after. The example deletes nothing: the cluster does, some time after it
//! may. The example first asks how often the cluster checks, and waits no longer than it says.
//!
//! Run:      cargo run --example 22_retention_and_compaction
//! Chapter:  docs/22-retention-and-compaction.md

mod by_age;
mod by_key;
mod cluster;

use anyhow::Result;
use helpers::{delete_topic, unique_name};
use std::time::{Duration, Instant};

use cluster::{CleanupIntervals, cleanup_intervals};

/// How long the example waits for what a cluster does in its own time.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<()> {
    let topics = ["by-time", "by-size", "by-key"].map(unique_name);
    workshop::run_and_clean_up(
        async |brokers| show(brokers, &topics).await,
        async |brokers| {
            for topic in &topics {
                delete_topic(brokers, topic).await?;
            }
            Ok(())
        },
    )
    .await
}

async fn show(brokers: &str, topics: &[String; 3]) -> Result<()> {
    let CleanupIntervals { retention, cleaner } = cleanup_intervals(brokers).await?;
    println!(
        "the cluster looks for old segments every {retention:?}, and compacts every {cleaner:?}"
    );
    println!("this example waits for {PATIENCE:?} at most");
    let deadline = Instant::now() + PATIENCE;
    let [by_time, by_size, by_key] = topics;
    // All three wait at once.
    let (by_time, by_size, by_key) = tokio::try_join!(
        by_age::by_time(brokers, by_time, deadline),
        by_age::by_size(brokers, by_size, deadline),
        by_key::show(brokers, by_key, deadline),
    )?;
    print!("\n{by_time}\n{by_size}\n{by_key}");
    Ok(())
}
