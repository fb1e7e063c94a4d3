//! 21 · Failover
//!
//! Four topics with three replicas, one for each combination of `acks` and `min.insync.replicas`.
//! The leader dies while its followers lag, and later only one replica is left. What was
//! acknowledged, what was rejected, and what is lost although it was acknowledged?
//!
//! Run:      cargo run --example 21_failover
//! Chapter:  docs/21-failover.md

mod brokers;
mod trial;

use std::time::{Duration, Instant};

use anyhow::Result;
use brokers::Brokers;
use tokio::task::JoinSet;
use trial::Trial;

/// `acks` of the producer, and `min.insync.replicas` of the topic.
const COMBINATIONS: [(&str, &str); 4] = [("1", "1"), ("1", "2"), ("all", "1"), ("all", "2")];

/// A follower's fetch that was under way when it was paused still brings it the next records. It is
/// over after half a second (`replica.fetch.wait.max.ms`).
const FETCH_UNDER_WAY: Duration = Duration::from_millis(600);

#[tokio::main]
async fn main() -> Result<()> {
    let Some(brokers) = Brokers::find().await? else {
        return Ok(());
    };
    let mut stop = helpers::StopSignal::listen()?;
    let played = tokio::select! {
        played = play(&brokers) => played,
        () = stop.received() => Ok(()),
    };
    let closed = brokers.close().await;
    // The first error is the one that counts.
    played.and(closed)
}

async fn play(brokers: &Brokers) -> Result<()> {
    let mut trials = Vec::new();
    for (acks, min_in_sync) in COMBINATIONS {
        trials.push(Trial::create(brokers, acks, min_in_sync).await?);
    }
    let mut played = scenes(brokers, &mut trials).await;
    for trial in &trials {
        let deleted = trial.delete(brokers).await;
        played = played.and(deleted);
    }
    played
}

async fn scenes(brokers: &Brokers, trials: &mut Vec<Trial>) -> Result<()> {
    let [leader, second, third] = brokers.nodes();
    println!("1  Nodes {leader}, {second} and {third} are in sync, and node {leader} leads");
    for trial in &mut *trials {
        trial.send()?;
        trial.settle(Duration::MAX).await;
        trial.wait_until_replicated().await?;
        trial.print_step();
    }

    // ANCHOR: kill
    brokers.pause(&[second, third]).await?;
    tokio::time::sleep(FETCH_UNDER_WAY).await;
    println!(
        "\n2  Nodes {second} and {third} are paused: they stop fetching, and no broker has noticed yet"
    );
    for trial in &mut *trials {
        trial.send()?;
        trial.settle(Duration::from_millis(200)).await;
        trial.print_step();
    }
    brokers.kill_and_resume(leader, &[second, third]).await?;
    // ANCHOR_END: kill
    let killed = Instant::now();
    println!("\n3  Node {leader} is killed, and nodes {second} and {third} continue");
    for trial in &mut *trials {
        trial.send()?;
    }
    *trials = all_settled(std::mem::take(trials), killed).await?;
    let next = trials[0].wait_for_leader_but(leader).await?;
    println!("   node {next} leads");

    let last = if next == second { third } else { second };
    brokers.stop(last).await?;
    println!("\n4  Node {last} is shut down: one replica is left of three");
    for trial in &mut *trials {
        trial.wait_for_in_sync(1).await?;
        trial.send_once()?;
        trial.settle(Duration::MAX).await;
        trial.print_step();
    }

    brokers.start(&[leader, last]).await?;
    println!("\n5  Nodes {leader} and {last} are back, and what there is can be read\n");
    println!("acks  min.insync.replicas  sent  acknowledged  rejected  lost  leader away");
    for trial in trials {
        trial.wait_for_in_sync(3).await?;
        trial.print_row().await?;
    }
    Ok(())
}

/// All at once, so that each measures how long it waited.
async fn all_settled(trials: Vec<Trial>, killed: Instant) -> Result<Vec<Trial>> {
    let mut settling = JoinSet::new();
    for (place, mut trial) in trials.into_iter().enumerate() {
        settling.spawn(async move {
            trial.settle(Duration::MAX).await;
            trial.away = Some(killed.elapsed());
            (place, trial)
        });
    }
    let mut settled = settling.join_all().await;
    settled.sort_by_key(|(place, _)| *place);
    Ok(settled.into_iter().map(|(_, trial)| trial).inspect(Trial::print_step).collect())
}
