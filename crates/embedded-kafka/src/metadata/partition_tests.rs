//! Tests of what a partition asks before it takes a batch of a transaction.

use std::cell::Cell;

use uuid::Uuid;

use super::*;
use crate::log::{BatchBuilder, OpenFiles};
use crate::metadata::replication::NodeStanding;

const NOW: Timestamp = 1_000;

struct Fixture {
    _directory: tempfile::TempDir,
    partition: Partition,
}

impl Fixture {
    fn new(min_in_sync: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bookings-0");
        let pool = OpenFiles::new(10);
        let (log, _) =
            Log::open(path, LogSettings::default(), Uuid::from_u128(1), &pool, NOW).unwrap();
        let mut replication =
            Replication::new(&[1, 2].map(NodeStanding::up), 0, min_in_sync, log.end_offset());
        replication.fence(2, 0, NOW);
        let partition = Partition::new(0, replication, log, false);
        Self { _directory: directory, partition }
    }

    /// Appends a record of producer 5's transaction, verified so.
    fn append(&self, verify: impl Fn() -> Result<(), ResponseError>) -> Result<i64, ResponseError> {
        let mut batch = BatchBuilder::transactional(NOW, 5, 0);
        batch.push(None, Some(b"seat 12A"));
        let batch = batch.build().unwrap();
        let appended = self.partition.append_transactional(1, -1, &batch, NOW, verify);
        appended.map(|written| written.appended.base_offset).map_err(|rejection| rejection.code)
    }

    fn end(&self, coordinator_epoch: i32) -> Result<(), ResponseError> {
        self.partition.append_marker(5, 0, true, coordinator_epoch, NOW).map(drop)
    }
}

#[test]
fn the_coordinator_is_asked_once_per_transaction() {
    let fixture = Fixture::new(1);
    let asked = Cell::new(0);
    let verify = || {
        asked.set(asked.get() + 1);
        Ok(())
    };
    assert_eq!(fixture.append(verify), Ok(0));
    assert_eq!(fixture.append(verify), Ok(1));
    assert_eq!(asked.get(), 1);
    fixture.end(0).unwrap();
    assert_eq!(fixture.append(verify), Ok(3));
    assert_eq!(asked.get(), 2);
}

#[test]
fn a_batch_that_the_coordinator_does_not_know_of_is_not_appended() {
    let fixture = Fixture::new(1);
    let refused = fixture.append(|| Err(ResponseError::InvalidTxnState));
    assert_eq!(refused, Err(ResponseError::InvalidTxnState));
    assert_eq!(fixture.partition.with(|state| state.log.end_offset()), 0);
}

#[test]
fn a_marker_that_comes_while_the_coordinator_is_asked_has_it_asked_again() {
    let fixture = Fixture::new(1);
    let asked = Cell::new(0);
    let refused = fixture.append(|| {
        asked.set(asked.get() + 1);
        if asked.get() == 1 {
            // The transaction ends after the coordinator has answered for it.
            fixture.end(0)
        } else {
            Err(ResponseError::InvalidTxnState)
        }
    });
    assert_eq!((refused, asked.get()), (Err(ResponseError::InvalidTxnState), 2));
    assert_eq!(fixture.partition.with(|state| state.readable_end(1, READ_COMMITTED)), 1);
}

#[test]
fn a_marker_of_a_coordinator_that_was_replaced_is_refused() {
    let fixture = Fixture::new(1);
    fixture.end(3).unwrap();
    assert_eq!(fixture.end(2), Err(ResponseError::TransactionCoordinatorFenced));
}

#[test]
fn a_marker_needs_as_many_replicas_in_sync_as_the_topic_asks_for() {
    let fixture = Fixture::new(2);
    assert_eq!(fixture.end(0), Err(ResponseError::NotEnoughReplicas));
}

#[test]
fn a_deleted_partition_takes_no_marker() {
    let fixture = Fixture::new(1);
    fixture.partition.delete().unwrap();
    assert_eq!(fixture.end(0), Err(ResponseError::UnknownTopicOrPartition));
}
