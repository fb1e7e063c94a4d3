//! The job of a worker, as arguments of its process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::{ConsumerBuilder, unique_name};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};

/// How many departures are counted between two commits.
pub(crate) const BATCH: usize = 50;
/// How long a call may wait for the cluster.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
/// How long counting a departure takes, as if it called another system.
const WORK: Duration = Duration::from_millis(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarantee {
    ExactlyOnce,
    AtLeastOnce,
}

pub(crate) struct Job {
    pub(crate) guarantee: Guarantee,
    pub(crate) brokers: String,
    pub(crate) input: String,
    pub(crate) output: String,
    /// The name of the worker, of its group and of its transactions. It is the same after a
    /// restart, so that the cluster recognizes the worker.
    pub(crate) name: String,
}

impl Job {
    pub(crate) fn new(guarantee: Guarantee, brokers: &str, input: &str, output: &str) -> Job {
        let [brokers, input, output] = [brokers, input, output].map(str::to_owned);
        Job { guarantee, brokers, input, output, name: unique_name("departure-counter") }
    }

    /// The job of this process, if it was started as a worker.
    pub(crate) fn from_arguments() -> Option<Job> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [guarantee, brokers, input, output, name] = <[String; 5]>::try_from(arguments).ok()?;
        let guarantee = match guarantee.as_str() {
            "exactly-once" => Guarantee::ExactlyOnce,
            "at-least-once" => Guarantee::AtLeastOnce,
            _ => return None,
        };
        end_with_the_supervisor();
        Some(Job { guarantee, brokers, input, output, name })
    }

    pub(crate) fn arguments(&self) -> [&str; 5] {
        let guarantee = match self.guarantee {
            Guarantee::ExactlyOnce => "exactly-once",
            Guarantee::AtLeastOnce => "at-least-once",
        };
        [guarantee, &self.brokers, &self.input, &self.output, &self.name]
    }

    // ANCHOR: consumer
    /// A static member (KIP-345): after a restart it is given its partitions at once. A dynamic one
    /// would be a new member, and would wait until the session of the dead one has timed out.
    pub(crate) async fn consumer(&self) -> Result<BaseConsumer<Membership>> {
        let builder = ConsumerBuilder::new(&self.brokers, &self.name)
            .set("group.instance.id", &self.name)
            .set("session.timeout.ms", "6000")
            .enable_partition_eof();
        let consumer = builder.build_polled_with(Membership::default()).await?;
        consumer.subscribe(&[&self.input])?;
        Ok(consumer)
    }
    // ANCHOR_END: consumer
}

// ANCHOR: membership
/// Whether the worker still has the partitions that it began with. If not, its counts are out of
/// date, and its open transaction holds records that are another worker's by now.
#[derive(Default)]
pub(crate) struct Membership {
    is_lost: AtomicBool,
}

impl Membership {
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(!self.is_lost.load(Ordering::Relaxed), "partitions were taken away");
        Ok(())
    }
}

impl ConsumerContext for Membership {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if !matches!(rebalance, Rebalance::Assign(_)) {
            self.is_lost.store(true, Ordering::Relaxed);
        }
    }
}
// ANCHOR_END: membership

impl ClientContext for Membership {}

/// Work that takes some time. The first time it tells the supervisor that work has begun.
pub(crate) fn work() {
    static BEGUN: std::sync::Once = std::sync::Once::new();
    BEGUN.call_once(|| println!("begun"));
    std::thread::sleep(WORK);
}

/// Ends this process when its standard input ends, which it does when the supervisor has ended.
fn end_with_the_supervisor() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(1);
    });
}
