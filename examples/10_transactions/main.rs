//! 10 · Transactions
//!
//! Records that count together or not at all: what a commit and an abort leave in the log, what
//! readers of both kinds see of it, and what happens to a transaction that its producer does not
//! end. Two producers lose theirs, one to its successor and one to the clock.
//!
//! Run:      cargo run --example 10_transactions
//! Chapter:  docs/10-transactions.md

mod outcomes;
mod producer;
mod readers;
mod scene;
mod timeout;
mod waiting;
mod zombie;

use anyhow::Result;
use helpers::{create_topic, delete_topic, unique_name};

use scene::Scene;

/// A partition for each scene, so that each begins with offset 0.
const PARTITIONS: i32 = 4;
/// As many copies as the cluster keeps by default.
const REPLICATION_FACTOR: i32 = -1;

#[tokio::main]
async fn main() -> Result<()> {
    let topic = unique_name("departures");
    workshop::run_and_clean_up(
        async |brokers| play(brokers, &topic).await,
        async |brokers| {
            delete_topic(brokers, &topic).await?;
            Ok(())
        },
    )
    .await
}

async fn play(brokers: &str, topic: &str) -> Result<()> {
    create_topic(brokers, topic, PARTITIONS, REPLICATION_FACTOR).await?;
    let scene = |partition| Scene { brokers, topic, partition };

    println!("1  Commit, abort, commit");
    outcomes::play(&scene(0)).await?;

    println!("\n2  An open transaction holds readers back");
    waiting::play(&scene(1)).await?;

    println!("\n3  A second producer with the same transactional.id");
    zombie::play(&scene(2)).await?;

    println!("\n4  A transaction that takes too long");
    timeout::play(&scene(3)).await
}
