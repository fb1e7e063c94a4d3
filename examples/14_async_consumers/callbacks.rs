//! What a consumer does when partitions come and go, and which records are in flight.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::{AbortHandle, AbortRegistration};
use helpers::{ContiguousOffsets, commit_before_revoke};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance};
use rdkafka::message::{Message, OwnedMessage};
use tokio::sync::watch;

/// How many partitions each member of a group has.
pub(crate) type Shares = watch::Sender<BTreeMap<&'static str, usize>>;

// ANCHOR: callbacks
/// Called from inside the stream, when it is polled.
pub(crate) struct Callbacks {
    name: &'static str,
    shares: Shares,
    in_flight: Mutex<InFlight>,
}

/// The records in flight, and the offsets that may be committed.
#[derive(Default)]
struct InFlight {
    offsets: ContiguousOffsets,
    /// Stops the work on a record, for each record of each partition.
    works: BTreeMap<(String, i32), BTreeMap<i64, AbortHandle>>,
}

impl ConsumerContext for Callbacks {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        // The last moment to commit what is finished. It blocks no thread of the runtime, and is in
        // time: librdkafka gives the partitions up only after the response.
        commit_before_revoke(consumer, rebalance);
        let Rebalance::Revoke(partitions) = rebalance else { return };
        for partition in partitions.elements() {
            self.stop(partition.topic(), partition.partition());
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

impl Callbacks {
    /// Stops the work on a revoked partition. The next owner begins it again, and may be this
    /// member: an eager rebalance revokes all partitions, and gives most of them back. This
    /// callback runs between two polls of the work, so once it has returned, an old copy of a
    /// record's work never continues next to a new one.
    fn stop(&self, topic: &str, partition: i32) {
        let mut in_flight = self.in_flight();
        in_flight.offsets.remove(topic, partition);
        let works = in_flight.works.remove(&(topic.to_owned(), partition));
        works.into_iter().flatten().for_each(|(_, work)| work.abort());
    }
    // ANCHOR_END: callbacks

    pub(crate) fn new(name: &'static str, shares: &Shares) -> Callbacks {
        Callbacks { name, shares: shares.clone(), in_flight: Mutex::default() }
    }

    /// Records that work on a record begins. Returns what stops it when the partition is revoked.
    pub(crate) fn begun(&self, message: &OwnedMessage) -> AbortRegistration {
        let (topic, partition, offset) = place(message);
        let (work, registration) = AbortHandle::new_pair();
        let mut in_flight = self.in_flight();
        in_flight.offsets.begun(topic, partition, offset);
        in_flight.works.entry((topic.to_owned(), partition)).or_default().insert(offset, work);
        registration
    }

    /// Records that work on a record has succeeded. Returns the offset to commit, if it has moved.
    pub(crate) fn finished(&self, message: &OwnedMessage) -> Option<i64> {
        let (topic, partition, offset) = place(message);
        let mut in_flight = self.in_flight();
        if let Some(works) = in_flight.works.get_mut(&(topic.to_owned(), partition)) {
            works.remove(&offset);
        }
        in_flight.offsets.finished(topic, partition, offset)
    }

    fn in_flight(&self) -> MutexGuard<'_, InFlight> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Callbacks {}

fn place(message: &OwnedMessage) -> (&str, i32, i64) {
    (message.topic(), message.partition(), message.offset())
}
