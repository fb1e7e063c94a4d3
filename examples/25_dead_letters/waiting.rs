//! The partitions whose next record is not due yet: they are paused.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use helpers::commit_before_revoke;
use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaResult;

/// A topic and a partition's number.
pub(crate) type Place = (String, i32);

// ANCHOR: waiting
/// Remembers until when each partition is paused. It is the consumer's context, because what is
/// true of a partition ends when the partition is revoked.
#[derive(Default)]
pub(crate) struct Waiting {
    until: Mutex<BTreeMap<Place, Duration>>,
}

impl ConsumerContext for Waiting {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        commit_before_revoke(consumer, rebalance);
        let Rebalance::Revoke(revoked) = rebalance else { return };
        let is_revoked = |(topic, number): &Place| revoked.find_partition(topic, *number).is_some();
        for (place, _) in self.until().extract_if(.., |place, _| is_revoked(place)) {
            // librdkafka keeps the pause. Without this, a partition that comes back to this member
            // would stay paused, and no one would resume it.
            if let Err(error) = resume(consumer, &place) {
                eprintln!("{}/{} stays paused: {error}", place.0, place.1);
            }
        }
    }
}

impl Waiting {
    /// Returns when the next partition is due, if one waits.
    pub(crate) fn first_due(&self) -> Option<Duration> {
        self.until().values().min().copied()
    }

    pub(crate) fn add(&self, place: Place, until: Duration) {
        self.until().insert(place, until);
    }

    /// Removes the partitions that are due at `now`, and returns them.
    pub(crate) fn take_due(&self, now: Duration) -> Vec<Place> {
        let due = |_: &Place, until: &mut Duration| *until <= now;
        self.until().extract_if(.., due).map(|(place, _)| place).collect()
    }

    fn until(&self) -> MutexGuard<'_, BTreeMap<Place, Duration>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
// ANCHOR_END: waiting

impl ClientContext for Waiting {}

/// Fetches from a partition again. This changes only the client: it waits for no broker.
pub(crate) fn resume<C: ConsumerContext>(
    consumer: &impl Consumer<C>,
    (topic, number): &Place,
) -> KafkaResult<()> {
    consumer.resume(&partition(topic, *number))
}

/// Makes a list of one partition.
pub(crate) fn partition(topic: &str, number: i32) -> TopicPartitionList {
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition(topic, number);
    partitions
}
