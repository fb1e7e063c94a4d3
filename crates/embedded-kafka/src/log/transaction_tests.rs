//! Tests of transactions in a log.

use std::path::PathBuf;

use kafka_protocol::ResponseError;
use uuid::Uuid;

use crate::time::Timestamp;

use super::test_batches::batch_with;
use super::*;

const NOW: Timestamp = 1_000;
const COMMIT: EndTransactionMarker = EndTransactionMarker { commit: true, coordinator_epoch: 3 };
const ABORT: EndTransactionMarker = EndTransactionMarker { commit: false, coordinator_epoch: 3 };

struct Fixture {
    directory: tempfile::TempDir,
    log: Log,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = open(&directory);
        Self { directory, log }
    }

    /// Starts again: after a shutdown, or after a kill.
    fn reopen(&mut self, clean: bool) {
        if clean {
            self.log.close().unwrap();
        }
        self.log = open(&self.directory);
    }

    fn append(&mut self, batch: &ValidBatch) -> Result<i64, ResponseError> {
        let appended = self.log.append(batch, 0, NOW);
        appended.map(|appended| appended.base_offset).map_err(|error| error.code())
    }

    fn mark(
        &mut self,
        producer_id: i64,
        epoch: i16,
        marker: EndTransactionMarker,
    ) -> Result<i64, ResponseError> {
        let appended = self.log.append_marker(producer_id, epoch, marker, 0, NOW);
        appended.map(|appended| appended.base_offset).map_err(|error| error.code())
    }

    /// Returns producer and first offset of the aborted transactions that overlap.
    fn aborted(&self, from: i64, to: i64) -> Vec<(i64, i64)> {
        let found = self.log.aborted_transactions().overlapping(from, to);
        found.iter().map(|one| (one.producer_id, one.first_offset)).collect()
    }

    fn transaction_index(&self) -> PathBuf {
        self.directory.path().join("t-0/00000000000000000000.txnindex")
    }
}

fn open(directory: &tempfile::TempDir) -> Log {
    let settings = LogSettings { segment_bytes: 1_000, ..LogSettings::default() };
    let pool = OpenFiles::new(10);
    let path = directory.path().join("t-0");
    Log::open(path, settings, Uuid::from_u128(1), &pool, NOW).unwrap().0
}

/// Returns one record of a producer.
fn plain(producer_id: i64, epoch: i16, sequence: i32) -> ValidBatch {
    batch_with(&[(NOW, None, "value")], Compression::None, |header| {
        header.producer_id = producer_id;
        header.producer_epoch = epoch;
        header.base_sequence = sequence;
    })
}

/// Returns one record of a producer's transaction.
fn transactional(producer_id: i64, epoch: i16, sequence: i32) -> ValidBatch {
    batch_with(&[(NOW, None, "value")], Compression::None, |header| {
        header.set_transactional(producer_id, epoch);
        header.base_sequence = sequence;
    })
}

#[test]
fn the_oldest_open_transaction_holds_the_last_stable_offset() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.log.last_stable_offset(), 0);
    fixture.append(&plain(1, 0, 0)).unwrap();
    assert_eq!(fixture.log.last_stable_offset(), 1);
    fixture.append(&transactional(5, 0, 0)).unwrap();
    fixture.append(&transactional(6, 0, 0)).unwrap();
    fixture.append(&transactional(5, 0, 1)).unwrap();
    assert_eq!(fixture.log.last_stable_offset(), 1);
    fixture.mark(5, 0, COMMIT).unwrap();
    assert_eq!(fixture.log.last_stable_offset(), 2);
    fixture.mark(6, 0, ABORT).unwrap();
    assert_eq!(fixture.log.last_stable_offset(), 6);
    assert_eq!(fixture.aborted(0, 6), [(6, 2)]);
}

#[test]
fn an_open_transaction_survives_shutdown_and_kill() {
    let mut fixture = Fixture::new();
    fixture.append(&transactional(5, 0, 0)).unwrap();
    fixture.mark(5, 0, ABORT).unwrap();
    fixture.append(&transactional(5, 0, 1)).unwrap();
    for clean in [true, false, true] {
        fixture.reopen(clean);
        assert_eq!(fixture.log.last_stable_offset(), 2);
        assert_eq!(fixture.aborted(0, 3), [(5, 0)]);
    }
    fixture.mark(5, 0, COMMIT).unwrap();
    fixture.reopen(false);
    assert_eq!(fixture.log.last_stable_offset(), 4);
}

#[test]
fn a_batch_outside_of_the_open_transaction_is_rejected() {
    let mut fixture = Fixture::new();
    fixture.append(&transactional(5, 0, 0)).unwrap();
    assert_eq!(fixture.append(&plain(5, 0, 1)), Err(ResponseError::InvalidTxnState));
    // A duplicate gets its offset before anything else is checked.
    assert_eq!(fixture.append(&plain(5, 0, 0)), Ok(0));
    fixture.mark(5, 0, COMMIT).unwrap();
    assert_eq!(fixture.append(&plain(5, 0, 1)), Ok(2));
}

#[test]
fn a_marker_that_another_has_overtaken_is_rejected() {
    let mut fixture = Fixture::new();
    fixture.append(&transactional(5, 2, 0)).unwrap();
    assert_eq!(fixture.mark(5, 1, ABORT), Err(ResponseError::InvalidProducerEpoch));
    fixture.mark(5, 2, COMMIT).unwrap();
    fixture.append(&transactional(5, 2, 1)).unwrap();
    let late = EndTransactionMarker { coordinator_epoch: 2, ..ABORT };
    for clean in [true, false] {
        fixture.reopen(clean);
        assert_eq!(fixture.mark(5, 2, late), Err(ResponseError::TransactionCoordinatorFenced));
        assert_eq!(fixture.log.end_offset(), 3);
    }
    assert_eq!(fixture.mark(5, 2, ABORT), Ok(3));
}

#[test]
fn a_marker_with_a_new_epoch_fences_the_producer() {
    let mut fixture = Fixture::new();
    fixture.append(&transactional(5, 0, 0)).unwrap();
    fixture.mark(5, 1, ABORT).unwrap();
    for clean in [true, false] {
        fixture.reopen(clean);
        let zombie = fixture.append(&transactional(5, 0, 1));
        assert_eq!(zombie, Err(ResponseError::InvalidProducerEpoch));
    }
    let gap = fixture.append(&transactional(5, 1, 1));
    assert_eq!(gap, Err(ResponseError::OutOfOrderSequenceNumber));
    assert_eq!(fixture.append(&transactional(5, 1, 0)), Ok(2));
}

#[test]
fn a_marker_for_no_records_aborts_nothing_and_is_remembered() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.mark(5, 4, ABORT), Ok(0));
    assert_eq!(fixture.aborted(0, 1), []);
    assert!(!fixture.transaction_index().exists());
    let zombie = fixture.append(&transactional(5, 3, 0));
    assert_eq!(zombie, Err(ResponseError::InvalidProducerEpoch));
}

#[test]
fn batches_of_a_coordinator_have_no_sequence() {
    let mut fixture = Fixture::new();
    let mut builder = BatchBuilder::transactional(NOW, 5, 0);
    builder.push(Some(b"group"), Some(b"offset"));
    let batch = builder.build().unwrap();
    for offset in 0..3 {
        assert_eq!(fixture.append(&batch), Ok(offset));
    }
    assert_eq!(fixture.log.last_stable_offset(), 0);
    fixture.mark(5, 1, ABORT).unwrap();
    assert_eq!(fixture.append(&batch), Err(ResponseError::InvalidProducerEpoch));
}

#[test]
fn deleted_records_do_not_hold_the_last_stable_offset() {
    let mut fixture = Fixture::new();
    fixture.append(&transactional(5, 0, 0)).unwrap();
    fixture.append(&plain(1, 0, 0)).unwrap();
    fixture.append(&plain(1, 0, 1)).unwrap();
    fixture.log.delete_records_before(2).unwrap();
    assert_eq!(fixture.log.last_stable_offset(), 2);
}

#[test]
fn a_producer_with_an_open_transaction_does_not_expire() {
    let mut fixture = Fixture::new();
    fixture.append(&transactional(5, 0, 0)).unwrap();
    fixture.log.tick(i64::MAX);
    assert_eq!(fixture.log.last_stable_offset(), 0);
    fixture.mark(5, 0, COMMIT).unwrap();
    fixture.log.tick(i64::MAX);
    assert_eq!(fixture.log.producer_states(), []);
}

#[test]
fn producers_are_described() {
    let mut fixture = Fixture::new();
    fixture.append(&plain(9, 1, 7)).unwrap();
    fixture.append(&transactional(5, 0, 0)).unwrap();
    fixture.mark(6, 2, COMMIT).unwrap();
    let state = |producer_id, epoch, last_sequence, coordinator_epoch, open_since| ProducerState {
        producer_id,
        epoch,
        last_sequence,
        last_timestamp: NOW,
        coordinator_epoch,
        open_since,
    };
    let expected =
        [state(5, 0, 0, -1, Some(1)), state(6, 2, -1, 3, None), state(9, 1, 7, -1, None)];
    assert_eq!(fixture.log.producer_states(), expected);
}

#[test]
fn the_standing_of_a_transaction_names_its_last_marker() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.log.transaction_standing(5, 0), TransactionStanding::EndedAt(None));
    fixture.append(&transactional(5, 0, 0)).unwrap();
    assert_eq!(fixture.log.transaction_standing(5, 0), TransactionStanding::Open);
    assert_eq!(fixture.log.transaction_standing(5, 1), TransactionStanding::EndedAt(None));
    fixture.mark(5, 0, COMMIT).unwrap();
    for clean in [true, false] {
        fixture.reopen(clean);
        assert_eq!(fixture.log.transaction_standing(5, 0), TransactionStanding::EndedAt(Some(1)));
    }
}

#[test]
fn an_index_that_could_not_be_written_is_written_before_the_segment_is_closed() {
    let mut fixture = Fixture::new();
    fixture.append(&transactional(5, 0, 0)).unwrap();
    std::fs::create_dir(fixture.transaction_index()).unwrap();
    fixture.mark(5, 0, ABORT).unwrap();
    assert_eq!(fixture.aborted(0, 2), [(5, 0)]);
    std::fs::remove_dir(fixture.transaction_index()).unwrap();
    fixture.reopen(true);
    assert_eq!(fixture.aborted(0, 2), [(5, 0)]);
    assert_eq!(std::fs::read(fixture.transaction_index()).unwrap().len(), 34);
}

#[test]
fn the_log_is_cut_with_its_transactions() {
    let mut fixture = Fixture::new();
    fixture.append(&transactional(5, 0, 0)).unwrap();
    fixture.mark(5, 0, ABORT).unwrap();
    fixture.append(&transactional(5, 0, 1)).unwrap();
    fixture.mark(5, 0, ABORT).unwrap();
    fixture.log.truncate_to(3).unwrap();
    assert_eq!(fixture.aborted(0, 3), [(5, 0)]);
    assert_eq!(fixture.log.last_stable_offset(), 2);
    fixture.log.truncate_to(1).unwrap();
    assert_eq!(fixture.aborted(0, 1), []);
    assert_eq!(fixture.log.last_stable_offset(), 0);
    assert!(!fixture.transaction_index().exists());
}

#[test]
fn markers_are_found_by_their_time_and_read_like_records() {
    let mut fixture = Fixture::new();
    fixture.append(&transactional(5, 0, 0)).unwrap();
    fixture.log.append_marker(5, 0, COMMIT, 0, NOW + 5).unwrap();
    let found = fixture.log.offset_for_timestamp(NOW + 1).resolve().unwrap().unwrap();
    assert_eq!((found.offset, found.timestamp), (1, NOW + 5));
    let read = fixture.log.locate(1, 2, 1_000).unwrap().unwrap().read(true).unwrap();
    let mut marker = *COMMIT.to_batch(5, 0, TimestampType::CreateTime, NOW + 5).header();
    marker.base_offset = 1;
    marker.leader_epoch = 0;
    assert_eq!(test_batches::headers(&read), [marker]);
}
