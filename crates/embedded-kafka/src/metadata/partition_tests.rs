//! Tests of the checks before a partition appends a batch of a transaction, and of when an appended
//! batch is safe.

use std::cell::Cell;

use uuid::Uuid;

use super::*;
use crate::log::{BatchBuilder, LogSettings, OpenFiles};
use crate::metadata::READ_COMMITTED;
use crate::metadata::replication::NodeAvailability;

const NOW: Timestamp = 1_000;

struct Fixture {
    _directory: tempfile::TempDir,
    partition: Partition,
}

impl Fixture {
    /// Returns a partition that node 1 leads, while node 2 is down.
    fn new(min_in_sync: usize) -> Self {
        let fixture = Self::undisturbed(min_in_sync);
        fixture.partition.disturb(|replication, end| replication.fence(2, end, NOW));
        fixture
    }

    /// Returns a partition that node 1 leads and node 2 follows.
    fn undisturbed(min_in_sync: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bookings-0");
        let pool = OpenFiles::new(10);
        let (log, _) =
            Log::open(path, LogSettings::default(), Uuid::from_u128(1), &pool, NOW).unwrap();
        let replication =
            Replication::new(&[1, 2].map(NodeAvailability::up), 0, min_in_sync, log.end_offset());
        let partition = Partition::new(0, replication, log, false);
        Self { _directory: directory, partition }
    }

    /// Appends a record with acks=all.
    fn append_plain(&self) -> Position {
        let mut batch = BatchBuilder::new(NOW);
        batch.push(None, Some(b"seat 12A"));
        let batch = batch.build().unwrap();
        self.partition
            .append(1, -1, &batch, NOW)
            .map_err(|rejection| rejection.code)
            .unwrap()
            .position
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
fn a_batch_of_an_unknown_transaction_is_not_appended() {
    let fixture = Fixture::new(1);
    let rejected = fixture.append(|| Err(ResponseError::InvalidTxnState));
    assert_eq!(rejected, Err(ResponseError::InvalidTxnState));
    assert_eq!(fixture.partition.with(|state| state.log.end_offset()), 0);
}

#[test]
fn a_marker_during_the_verification_repeats_it() {
    let fixture = Fixture::new(1);
    let asked = Cell::new(0);
    let rejected = fixture.append(|| {
        asked.set(asked.get() + 1);
        if asked.get() == 1 {
            // The transaction ends after the coordinator has confirmed it.
            fixture.end(0)
        } else {
            Err(ResponseError::InvalidTxnState)
        }
    });
    assert_eq!((rejected, asked.get()), (Err(ResponseError::InvalidTxnState), 2));
    assert_eq!(fixture.partition.with(|state| state.readable_end(1, READ_COMMITTED)), 1);
}

#[test]
fn a_marker_of_a_replaced_coordinator_is_rejected() {
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

#[test]
fn records_that_all_had_before_too_few_were_in_sync_are_not_safe() {
    let fixture = Fixture::undisturbed(2);
    let position = fixture.append_plain();
    assert_eq!(fixture.partition.outcome(&position), Some(Ok(())));
    fixture.partition.disturb(|replication, end| replication.fence(2, end, NOW));
    let (end, high_watermark) =
        fixture.partition.with(|state| (state.log.end_offset(), state.high_watermark()));
    assert_eq!((end, high_watermark), (1, 1), "it is written, and can be read");
    let rejected = Some(Err(ResponseError::NotEnoughReplicasAfterAppend));
    assert_eq!(fixture.partition.outcome(&position), rejected);
    // A coordinator asks whether its record is permanent, and not how many replicas have it.
    let coordinator = |state: &mut PartitionState| state.coordinator_outcome(&position);
    assert_eq!(fixture.partition.with(coordinator), Some(Ok(())));
    // When enough are in sync again it is safe.
    fixture.partition.disturb(|replication, end| replication.start(2, true, end));
    assert_eq!(fixture.partition.outcome(&position), Some(Ok(())));
}

#[test]
fn records_that_a_follower_lacked_before_too_few_were_in_sync_are_not_decided() {
    let fixture = Fixture::undisturbed(2);
    fixture.partition.disturb(|replication, end| replication.pause(2, end, NOW));
    let position = fixture.append_plain();
    assert_eq!(fixture.partition.outcome(&position), None);
    fixture.partition.disturb(|replication, end| {
        assert!(replication.shrink_isr(10, end, NOW + 11), "node 2 is behind for too long");
    });
    assert_eq!(fixture.partition.outcome(&position), None, "the high watermark stands still");
    fixture.partition.disturb(|replication, end| replication.resume(2, end));
    assert_eq!(fixture.partition.outcome(&position), Some(Ok(())));
}
