//! What a consumer does when partitions come and go, and how it commits.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use helpers::{ContiguousOffsets, commit_before_revoke};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance};
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
        // The last moment to commit what is finished. It blocks no thread of the runtime, and is in
        // time: librdkafka gives the partitions up only after the response. What is still in flight
        // is begun again by the next owner.
        commit_before_revoke(consumer, rebalance);
        let Rebalance::Revoke(partitions) = rebalance else { return };
        for partition in partitions.elements() {
            self.offsets().remove(partition.topic(), partition.partition());
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

    /// The records in flight, and the offsets that may be committed.
    pub(crate) fn offsets(&self) -> MutexGuard<'_, ContiguousOffsets> {
        self.offsets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
