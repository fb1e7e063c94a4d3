//! The marker that ends a transaction in a partition: a control batch with one record.
//!
//! The transaction's coordinator has one written to every partition that took part. A marker takes
//! an offset like a record, so a log that was read to its end may still look one offset short.
//! Clients never pass the marker to the application.

use crate::time::Timestamp;

use super::batch::BatchHeader;
use super::builder::BatchBuilder;
use super::log_settings::TimestampType;
use super::records::Records;
use super::validate::ValidBatch;

/// The version of the key and of the value that Kafka writes.
const VERSION: i16 = 0;
/// The types of markers in the key.
const ABORT: i16 = 0;
const COMMIT: i16 = 1;

/// The outcome of a transaction, as its marker records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndTransactionMarker {
    /// Tells whether the transaction was committed.
    pub(crate) commit: bool,
    /// The leader epoch of the coordinator's partition of `__transaction_state`. A marker from a
    /// coordinator that was replaced has a lower one than its successor's.
    pub(crate) coordinator_epoch: i32,
}

impl EndTransactionMarker {
    /// Returns the marker as a batch, to be appended at `now`.
    pub(super) fn to_batch(
        self,
        producer_id: i64,
        producer_epoch: i16,
        timestamp_type: TimestampType,
        now: Timestamp,
    ) -> ValidBatch {
        let kind = if self.commit { COMMIT } else { ABORT };
        let key = [VERSION.to_be_bytes(), kind.to_be_bytes()].concat();
        let value = [&VERSION.to_be_bytes()[..], &self.coordinator_epoch.to_be_bytes()].concat();
        let mut builder = BatchBuilder::control(now, producer_id, producer_epoch);
        builder.push(Some(&key), Some(&value));
        let batch = builder.build().expect("a marker is one small record");
        match timestamp_type {
            TimestampType::CreateTime => batch,
            TimestampType::LogAppendTime => batch.stamped_on_append(now),
        }
    }

    /// Reads the marker from the records of a control batch, `None` if they hold no marker.
    pub(crate) fn read(header: &BatchHeader, payload: &[u8]) -> Option<Self> {
        if !header.is_control() || !header.is_transactional() {
            return None;
        }
        let record = Records::new(header, payload).ok()?.next()?.ok()?;
        // Kafka reads the fields it knows of a later version, and ignores the rest.
        let (_, kind) = record.key?.split_first_chunk::<2>()?;
        let commit = match i16::from_be_bytes(*kind.first_chunk()?) {
            ABORT => false,
            COMMIT => true,
            _ => return None,
        };
        let (_, epoch) = record.value?.split_first_chunk::<2>()?;
        Some(Self { commit, coordinator_epoch: i32::from_be_bytes(*epoch.first_chunk()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_read_back() {
        for commit in [true, false] {
            let marker = EndTransactionMarker { commit, coordinator_epoch: 7 };
            let batch = marker.to_batch(5, 3, TimestampType::CreateTime, 1_000);
            let header = batch.header();
            assert_eq!(EndTransactionMarker::read(header, batch.payload()), Some(marker));
            assert!(header.is_control() && header.is_transactional());
            assert_eq!((header.producer_id, header.producer_epoch), (5, 3));
            assert_eq!((header.base_sequence, header.last_sequence()), (-1, -1));
            assert_eq!(header.max_timestamp, 1_000);
        }
    }

    #[test]
    fn a_marker_in_a_log_of_append_times_has_the_append_time() {
        let marker = EndTransactionMarker { commit: true, coordinator_epoch: 0 };
        let batch = marker.to_batch(5, 3, TimestampType::LogAppendTime, 1_000);
        assert!(batch.header().is_log_append_time());
        let bytes = super::super::test_batches::to_bytes(&batch);
        assert!(super::super::batch::has_valid_crc(batch.header(), &bytes));
    }

    #[test]
    fn records_of_a_transaction_are_no_marker() {
        let mut builder = BatchBuilder::transactional(0, 5, 3);
        builder.push(Some(&[0, 0, 0, 1]), Some(&[0; 6]));
        let batch = builder.build().unwrap();
        assert_eq!(EndTransactionMarker::read(batch.header(), batch.payload()), None);
    }

    #[test]
    fn other_control_records_and_cut_off_ones_are_no_marker() {
        for (key, value) in [
            (&[0, 0, 0, 2][..], &[0; 6][..]),
            (&[0, 0, 0], &[0; 6]),
            (&[], &[0; 6]),
            (&[0, 0, 0, 1], &[0; 5]),
        ] {
            let mut builder = BatchBuilder::control(0, 5, 3);
            builder.push(Some(key), Some(value));
            let batch = builder.build().unwrap();
            assert_eq!(EndTransactionMarker::read(batch.header(), batch.payload()), None);
        }
    }
}
