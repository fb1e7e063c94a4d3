//! 11 · Exactly once
//!
//! Departures go in, counts for each airport come out, and the program that counts is killed again
//! and again. With the offsets in the same transaction as the counts, every departure is counted
//! once. With a commit of its own, as most programs have it, some are counted twice.
//!
//! Run:      cargo run --example 11_exactly_once
//! Chapter:  docs/11-exactly-once.md

mod at_least_once;
mod audit;
mod departures;
mod exactly_once;
mod job;
mod output;
mod supervisor;

use anyhow::Result;
use helpers::{create_topic, delete_topic, unique_name};

use audit::Audit;
use departures::PARTITIONS;
use job::{Guarantee, Job};
use supervisor::{Moments, run_to_the_end};

/// As many copies as the cluster keeps by default.
const REPLICATION_FACTOR: i32 = -1;

#[tokio::main]
async fn main() -> Result<()> {
    // The program starts itself as the worker that is killed.
    if let Some(job) = Job::from_arguments() {
        workshop::show_log();
        return match job.guarantee {
            Guarantee::ExactlyOnce => exactly_once::work(job).await,
            Guarantee::AtLeastOnce => at_least_once::work(job).await,
        };
    }
    let [input, once, at_least_once] =
        ["departures", "counts-exactly-once", "counts-at-least-once"].map(unique_name);
    workshop::run_and_clean_up(
        async |brokers| compare(brokers, &input, &once, &at_least_once).await,
        async |brokers| {
            for topic in [&input, &once, &at_least_once] {
                // A topic that was not created yet is an outcome, and no error.
                delete_topic(brokers, topic).await?;
            }
            Ok(())
        },
    )
    .await
}

async fn compare(brokers: &str, input: &str, once: &str, at_least_once: &str) -> Result<()> {
    for topic in [input, once, at_least_once] {
        create_topic(brokers, topic, PARTITIONS, REPLICATION_FACTOR).await?;
    }
    let departures = departures::all();
    departures::publish(brokers, input, &departures).await?;

    let moments = Moments::random();
    println!("{} departures in, and the worker is killed again and again", departures.len());
    println!("kill moments from seed {}\n", moments.seed());
    let jobs = [
        Job::new(Guarantee::ExactlyOnce, brokers, input, once),
        Job::new(Guarantee::AtLeastOnce, brokers, input, at_least_once),
    ];
    // Both at once, with the same moments.
    let (first, second) = tokio::try_join!(
        run_to_the_end(&jobs[0], moments.clone()),
        run_to_the_end(&jobs[1], moments.clone()),
    )?;

    let audits = [
        Audit::of(brokers, once, &departures).await?,
        Audit::of(brokers, at_least_once, &departures).await?,
    ];
    audit::print(&departures, &audits, [first, second]);
    Ok(())
}
