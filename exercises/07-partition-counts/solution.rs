//! Counts the departures of each partition as a member of a group, and hands the counts over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{env, fs, process, thread};

use anyhow::{Context, Result, anyhow};
use helpers::{Committed, ConsumerBuilder, StopSignal, commit_stored, store_processed};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::TopicPartitionListElem;
/// The counts of this member's partitions.
struct Counts {
    directory: PathBuf,
    counts: Mutex<BTreeMap<i32, u64>>,
    /// An error of a callback, which cannot return one.
    failure: Mutex<Option<String>>,
}

impl ClientContext for Counts {}

impl ConsumerContext for Counts {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(revoked) = rebalance else { return };
        // A commit takes all partitions along, so either all counts are written, or none. Lost
        // partitions already belong to another member.
        if !consumer.assignment_lost() {
            match commit_stored(consumer, CommitMode::Sync) {
                Ok(Committed::Done | Committed::Nothing) => self.keep_failure(self.write()),
                Ok(Committed::Later(why)) => eprintln!("not committed: {why}"),
                Err(error) => self.keep_failure(Err(error.into())),
            }
        }
        for partition in revoked.elements().iter().map(TopicPartitionListElem::partition) {
            self.counts().remove(&partition);
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Assign(assigned) = rebalance else { return };
        for partition in assigned.elements().iter().map(TopicPartitionListElem::partition) {
            self.keep_failure(self.read(partition));
        }
    }
}

impl Counts {
    fn new() -> Result<Self> {
        let (counts, failure) = Default::default();
        Ok(Self { directory: env::var("COUNTS")?.into(), counts, failure })
    }

    fn write(&self) -> Result<()> {
        for (partition, count) in &*self.counts() {
            let file = self.directory.join(partition.to_string());
            fs::write(file, count.to_string()).context("a count cannot be written")?;
        }
        Ok(())
    }

    fn read(&self, partition: i32) -> Result<()> {
        let file = self.directory.join(partition.to_string());
        // There is no file where no one has counted yet.
        let count = if file.exists() { fs::read_to_string(file)?.parse()? } else { 0 };
        self.counts().insert(partition, count);
        Ok(())
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<i32, u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_failure(&self, result: Result<()>) {
        if let Err(error) = result {
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            *failure = Some(format!("{error:#}"));
        }
    }

    /// Returns an error that a callback has left.
    fn check(&self) -> Result<()> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), |failure| Err(anyhow!(failure)))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let (mut stop, is_stopped) = (StopSignal::listen()?, Arc::<AtomicBool>::default());
    let seen_by_thread = Arc::clone(&is_stopped);
    // The callbacks wait for a commit, so the member has a thread of its own.
    let mut member = tokio::task::spawn_blocking(move || count(&seen_by_thread));
    tokio::select! {
        ended = &mut member => return ended?,
        () = stop.received() => is_stopped.store(true, Ordering::Relaxed),
    }
    member.await?
}

/// Counts until the program is stopped. Dropping the consumer revokes its partitions, too.
fn count(is_stopped: &AtomicBool) -> Result<()> {
    let (brokers, topic) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("TOPIC")?);
    let seen = Path::new(&env::var("SEEN")?).join(process::id().to_string());
    // A member learns of a rebalance with its next heartbeat.
    let group =
        ConsumerBuilder::new(brokers, env::var("GROUP")?).set("heartbeat.interval.ms", "200");
    let consumer: BaseConsumer<Counts> = group.config()?.create_with_context(Counts::new()?)?;
    consumer.subscribe(&[&topic])?;
    let mut counted = 0;
    while !is_stopped.load(Ordering::Relaxed) {
        match consumer.poll(Duration::from_millis(50)) {
            None => {}
            Some(Ok(departure)) => {
                *consumer.context().counts().entry(departure.partition()).or_default() += 1;
                store_processed(&consumer, &departure)?;
                counted += 1;
                fs::write(&seen, counted.to_string())?;
                // Stands for more work.
                thread::sleep(Duration::from_millis(1));
            }
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => return Err(error.into()),
            Some(Err(error)) => eprintln!("{error}"),
        }
        consumer.context().check()?;
    }
    let counts = Arc::clone(consumer.context());
    drop(consumer);
    counts.check()
}
