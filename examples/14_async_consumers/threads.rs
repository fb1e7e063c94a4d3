//! What the tasks are compared with: a thread for each consumer, and one for each record in flight.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use helpers::connection::blocking;
use helpers::{CommitEvery, ConsumerBuilder, commit_stored, store_processed};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};

use crate::beginning::from_the_beginning;
use crate::consumer::{COMMIT_AFTER, COMMIT_EVERY};
use crate::group::PARTITIONS;
use crate::load::Load;
use crate::scene::Scene;

const POLL: Duration = Duration::from_millis(10);

/// Runs the load on a thread for each consumer.
pub(crate) async fn run(scene: &Scene, load: &Arc<Load>, many: usize) -> Result<()> {
    let mut threads = Vec::new();
    for partition in 0..PARTITIONS {
        let builder = ConsumerBuilder::new(&scene.brokers, &scene.group);
        let consumer = builder.set("client.id", "thread").build_polled().await?;
        consumer.assign(&from_the_beginning(&scene.topic, partition)?)?;
        let load = Arc::clone(load);
        threads.push(std::thread::spawn(move || match many {
            1 => one_by_one(&consumer, &load),
            many => at_once(&consumer, &load, many),
        }));
    }
    load.over().await;
    // A join blocks until the thread has closed its consumer.
    blocking(move || {
        let mut joined = threads.into_iter().map(JoinHandle::join);
        joined.try_for_each(|ended| ended.map_err(|_| anyhow!("a thread panicked"))?)
    })
    .await
}

// ANCHOR: threads
/// One record after the other. This thread may wait for the response to a commit.
fn one_by_one(consumer: &BaseConsumer, load: &Load) -> Result<()> {
    let mut commits = CommitEvery::new(COMMIT_EVERY, COMMIT_AFTER);
    while !load.is_over() {
        if let Some(message) = consumer.poll(commits.left().unwrap_or(POLL).min(POLL)) {
            let message = message?;
            process(load);
            store_processed(consumer, &message)?;
            commits.stored();
        }
        if commits.is_due() {
            commits.committed(commit_stored(consumer, CommitMode::Sync)?);
        }
    }
    let _ = commit_stored(consumer, CommitMode::Sync)?;
    Ok(())
}

/// A thread for each record that may be in flight. It commits nothing: here too the program would
/// have to keep count of what is finished.
fn at_once(consumer: &BaseConsumer, load: &Load, threads: usize) -> Result<()> {
    std::thread::scope(|scope| {
        let mut workers = Vec::new();
        for _ in 0..threads {
            let (sender, records) = sync_channel(1);
            let work = move || records.into_iter().for_each(|_record| process(load));
            Builder::new().spawn_scoped(scope, work).context("the system gives no more threads")?;
            workers.push(sender);
        }
        let mut turns = workers.iter().cycle();
        while !load.is_over() {
            let Some(message) = consumer.poll(POLL) else { continue };
            if let Some(worker) = turns.next() {
                worker.send(message?.detach())?;
            }
        }
        Ok(())
    })
}
// ANCHOR_END: threads

fn process(load: &Load) {
    load.begin();
    if !load.wait.is_zero() {
        std::thread::sleep(load.wait);
    }
    load.done();
}
