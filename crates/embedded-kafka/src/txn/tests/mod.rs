//! A simulated cluster: a log in memory and markers in a list, both of which may stop working after
//! any write.

mod crash;
mod transaction_coordinator;
mod transition;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use kafka_protocol::ResponseError;
use parking_lot::Mutex;

use super::*;
use crate::log::Position;

/// A record of the log.
type Record = (Bytes, Option<Bytes>);

/// The records that were written, and the point at which writing ends.
#[derive(Default)]
struct World {
    log: Mutex<Vec<Record>>,
    markers: Mutex<Vec<(String, i32, Marker)>>,
    /// The number of writes that still succeed, `None` for all.
    writes_left: Mutex<Option<usize>>,
    /// A partition whose leader does not respond.
    unreachable: Mutex<Option<(String, i32)>>,
    /// A topic that was deleted.
    deleted: Mutex<Option<String>>,
    next_producer_id: AtomicI64,
    /// Tells whether only the leaders have the records.
    is_behind: Mutex<bool>,
    /// The leader epoch of all partitions.
    epoch: Mutex<i32>,
}

impl World {
    fn new() -> Arc<Self> {
        let world = Self::default();
        world.next_producer_id.store(1_000, Ordering::Relaxed);
        Arc::new(world)
    }

    /// Returns a coordinator without any state.
    fn coordinator(self: &Arc<Self>) -> TransactionCoordinator {
        let ids = Arc::clone(self);
        TransactionCoordinator::new(
            Arc::clone(self) as _,
            Arc::clone(self) as _,
            Box::new(move || Ok(ids.next_producer_id.fetch_add(1, Ordering::Relaxed))),
            Box::new(|_, _| {}),
            Settings::default(),
        )
    }

    /// Returns a coordinator after a crash: its whole state comes from the log.
    fn restarted(self: &Arc<Self>, now: Timestamp) -> TransactionCoordinator {
        *self.writes_left.lock() = None;
        let transactions = self.coordinator();
        for (key, value) in self.log.lock().iter() {
            transactions.replay(key, value.as_deref());
        }
        transactions.finish_loading(|_| true, now);
        transactions
    }

    fn spend_a_write(&self) -> Result<(), ResponseError> {
        match &mut *self.writes_left.lock() {
            Some(0) => Err(ResponseError::KafkaStorageError),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Returns the markers so far: topic, partition, epoch, and whether it commits.
    fn marked(&self) -> Vec<(String, i32, i16, bool)> {
        let markers = self.markers.lock();
        let marked = markers.iter().map(|(topic, partition, marker)| {
            (topic.clone(), *partition, marker.producer.epoch, marker.commit)
        });
        marked.collect()
    }
}

impl TransactionLog for World {
    fn append(&self, _: &str, key: &Bytes, value: Option<&Bytes>) -> Result<(), ResponseError> {
        self.spend_a_write().map_err(|_| ResponseError::NotCoordinator)?;
        self.log.lock().push((key.clone(), value.cloned()));
        Ok(())
    }

    fn coordinator_epoch(&self, _: &str) -> i32 {
        5
    }

    fn partition_for(&self, _: &str) -> i32 {
        0
    }

    fn is_replicated(&self, _: &str) -> bool {
        !*self.is_behind.lock()
    }
}

impl Markers for World {
    fn write(
        &self,
        topic: &str,
        partition: i32,
        marker: &Marker,
        _: Timestamp,
    ) -> Result<Position, ResponseError> {
        if self.deleted.lock().as_deref() == Some(topic) {
            return Err(ResponseError::UnknownTopicOrPartition);
        }
        if *self.unreachable.lock() == Some((topic.to_owned(), partition)) {
            return Err(ResponseError::NotLeaderOrFollower);
        }
        self.spend_a_write()?;
        self.markers.lock().push((topic.to_owned(), partition, *marker));
        Ok(Position { end: 0, epoch: *self.epoch.lock() })
    }

    fn outcome(&self, _: &str, _: i32, position: &Position) -> Option<Result<(), ResponseError>> {
        if position.epoch != *self.epoch.lock() {
            return Some(Err(ResponseError::NotLeaderOrFollower));
        }
        (!*self.is_behind.lock()).then_some(Ok(()))
    }
}

fn partitions(of: &[(&str, &[i32])]) -> Partitions {
    of.iter()
        .map(|(topic, indexes)| ((*topic).to_owned(), indexes.iter().copied().collect()))
        .collect()
}
