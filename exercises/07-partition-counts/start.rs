//! Counts the departures of each partition in memory, as a member of a group.
//!
//! The task is in exercises/07-partition-counts/README.md.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{env, fs, process, thread};

use anyhow::Result;
use helpers::{ConsumerBuilder, StopSignal, store_processed};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;

/// The counts of this member's partitions.
struct Counts {
    directory: PathBuf,
    counts: Mutex<BTreeMap<i32, u64>>,
}

impl ClientContext for Counts {}

impl ConsumerContext for Counts {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(revoked) = rebalance {
            // Your part: the last moment to commit and to write the counts.
            println!("{} partitions go, {:?}", revoked.count(), self.directory);
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(assigned) = rebalance {
            // Your part: what have others counted?
            println!("{} partitions come", assigned.count());
        }
    }
}

impl Counts {
    fn new() -> Result<Self> {
        Ok(Self { directory: env::var("COUNTS")?.into(), counts: Mutex::default() })
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<i32, u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Counts until the program is stopped. Dropping the consumer revokes its partitions.
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
    }
    Ok(())
}
