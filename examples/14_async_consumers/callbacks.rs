//! What a consumer does when partitions come and go, and how it commits.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use helpers::ContiguousOffsets;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::watch;

/// How many partitions each member of a group has.
pub(crate) type Shares = watch::Sender<BTreeMap<&'static str, usize>>;

// ANCHOR: callbacks
/// Called from inside the stream, when it is polled.
pub(crate) struct Callbacks {
    name: &'static str,
    shares: Shares,
    offsets: Mutex<ContiguousOffsets>,
}

impl ConsumerContext for Callbacks {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(partitions) = rebalance else { return };
        // The last moment to commit what is finished; librdkafka gives the partitions up only when
        // the answer has come. What is still in work is begun again by the next owner.
        if !consumer.assignment_lost() {
            commit(consumer, CommitMode::Async).unwrap_or_else(|error| eprintln!("{error}"));
        }
        for partition in partitions.elements() {
            self.offsets().forget(partition.topic(), partition.partition());
        }
        self.shares.send_modify(|shares| {
            shares.remove(self.name);
        });
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = rebalance {
            self.shares.send_modify(|shares| {
                shares.insert(self.name, partitions.count());
            });
        }
    }
}
// ANCHOR_END: callbacks

impl ClientContext for Callbacks {}

impl Callbacks {
    pub(crate) fn new(name: &'static str, shares: &Shares) -> Callbacks {
        Callbacks { name, shares: shares.clone(), offsets: Mutex::new(ContiguousOffsets::new()) }
    }

    /// What is in work, and what of it may be committed.
    pub(crate) fn offsets(&self) -> MutexGuard<'_, ContiguousOffsets> {
        self.offsets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Commits what was stored.
pub(crate) fn commit<C: ConsumerContext>(
    consumer: &impl Consumer<C>,
    mode: CommitMode,
) -> Result<(), KafkaError> {
    match consumer.commit_consumer_state(mode) {
        // Nothing was stored since the last commit.
        Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => Ok(()),
        done => done,
    }
}
