//! 08 · Commit semantics
//!
//! Twelve departures go up on a board. Consumers that commit in four ways are killed, in the middle
//! of a departure or right after it, or shut down cleanly, and started again. Then the example
//! reads the board: which departures are missing, and which are there twice?
//!
//! Run:      cargo run --example 08_commit_semantics
//! Chapter:  docs/08-commit-semantics.md

mod consumer;
mod departures;
mod experiment;

use anyhow::Result;
use consumer::{Moment, Strategy};
use departures::{DEPARTURES, flights};
use experiment::Outcome;
use helpers::{ProducerBuilder, TopicOptions, create_topic_with, delete_topic, unique_name};
use rdkafka::producer::BaseRecord;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|role| role == "consumer") {
        workshop::show_log();
        return consumer::run(&arguments[1..]).await;
    }
    let topic = unique_name("departures");
    workshop::run_and_clean_up(
        async |brokers| show(brokers, &topic).await,
        async |brokers| {
            delete_topic(brokers, &topic).await?;
            Ok(())
        },
    )
    .await
}

async fn show(brokers: &str, topic: &str) -> Result<()> {
    publish(brokers, topic).await?;
    println!("{DEPARTURES} departures, WS101 to WS112; every consumer ends at WS105\n");

    // Each has a group of its own, so they are independent and run at once.
    let experiments = Strategy::ALL.iter().flat_map(|strategy| {
        Moment::ALL.map(|moment| experiment::start(brokers, topic, *strategy, moment))
    });
    let mut outcomes = Vec::new();
    for experiment in experiments.collect::<Vec<_>>() {
        outcomes.push(experiment.await??);
    }
    for outcome in &outcomes {
        outcome.print_history();
    }
    print_table(&outcomes);
    experiment::delete_groups(brokers, &outcomes).await
}

/// One partition, so that the departures have an order: the offset of WS101 is 0.
async fn publish(brokers: &str, topic: &str) -> Result<()> {
    create_topic_with(brokers, topic, &TopicOptions::new(1, -1)).await?;
    let producer = ProducerBuilder::new(brokers).build().await?;
    for flight in flights() {
        producer.send(BaseRecord::to(topic).key(&flight).payload("departed"))?;
    }
    let summary = producer.flush_within(std::time::Duration::from_secs(10)).await?;
    anyhow::ensure!(summary.delivered == DEPARTURES as u64, "not all departures: {summary}");
    Ok(())
}

fn print_table(outcomes: &[Outcome]) {
    println!("commit            ended at WS105            expected  processed  lost  twice");
    for outcome in outcomes {
        let (strategy, moment) = (outcome.strategy.name(), outcome.moment.name());
        let (processed, lost, twice) = (outcome.board.len(), outcome.lost().len(), outcome.twice());
        println!(
            "{strategy:<17} {moment:<25} {DEPARTURES:>8} {processed:>10} {lost:>5} {:>6}",
            twice.len()
        );
    }
}
