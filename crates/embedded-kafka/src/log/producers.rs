//! The state of idempotent producers and their transactions in a log, so that a batch sent twice is
//! stored once.
//!
//! Per producer id: its epoch and the last five batches, because a client has at most five requests
//! in flight. A batch that matches one of the five gets the old offset; any other gap in the
//! sequence is rejected. A transactional batch opens a transaction, which lasts until its marker.
//! The state can be rebuilt from the batches; a [snapshot](super::snapshot) at the start of each
//! segment shortens that.

use std::collections::{BTreeMap, HashMap, VecDeque};

use kafka_protocol::ResponseError;

use crate::time::Timestamp;

use super::aborted::AbortedTransaction;
use super::batch::BatchHeader;
use super::error::AppendError;
use super::marker::EndTransactionMarker;
use super::validate::ValidBatch;

/// Batches that are remembered per producer.
const REMEMBERED_BATCHES: usize = 5;

/// One of a producer's last batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoredBatch {
    pub(super) last_sequence: i32,
    pub(super) last_offset: i64,
    pub(super) offset_delta: i32,
    pub(super) timestamp: Timestamp,
}

impl StoredBatch {
    pub(super) fn base_offset(&self) -> i64 {
        self.last_offset - i64::from(self.offset_delta)
    }

    fn first_sequence(&self) -> i32 {
        let first = i64::from(self.last_sequence) - i64::from(self.offset_delta);
        first.rem_euclid(1 << 31) as i32
    }

    fn is_same(&self, header: &BatchHeader) -> bool {
        self.first_sequence() == header.base_sequence
            && self.last_sequence == header.last_sequence()
    }
}

/// One producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProducerEntry {
    pub(super) epoch: i16,
    pub(super) last_timestamp: Timestamp,
    /// The epoch of the coordinator that wrote its last marker, -1 without one.
    pub(super) coordinator_epoch: i32,
    /// The first offset of its open transaction.
    pub(super) open_since: Option<i64>,
    /// The offset of its last marker.
    pub(super) last_marker: Option<i64>,
    pub(super) batches: VecDeque<StoredBatch>,
}

/// A producer as `DescribeProducers` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProducerState {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    /// The sequence number of its last record, -1 if its epoch has none.
    pub(crate) last_sequence: i32,
    pub(crate) last_timestamp: Timestamp,
    /// The epoch of the coordinator that wrote its last marker, -1 without one.
    pub(crate) coordinator_epoch: i32,
    /// The first offset of its open transaction.
    pub(crate) open_since: Option<i64>,
}

/// The producers of one log by producer id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Producers {
    by_id: HashMap<i64, ProducerEntry>,
    /// The open transactions: the producer id by the first offset.
    open: BTreeMap<i64, i64>,
}

impl Producers {
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (i64, &ProducerEntry)> {
        self.by_id.iter().map(|(id, producer)| (*id, producer))
    }

    pub(super) fn get(&self, producer_id: i64) -> Option<&ProducerEntry> {
        self.by_id.get(&producer_id)
    }

    pub(super) fn insert(&mut self, producer_id: i64, producer: ProducerEntry) {
        if let Some(first_offset) = producer.open_since {
            self.open.insert(first_offset, producer_id);
        }
        self.by_id.insert(producer_id, producer);
    }

    /// Returns the first offset of the oldest open transaction.
    pub(super) fn first_open_offset(&self) -> Option<i64> {
        self.open.first_key_value().map(|(offset, _)| *offset)
    }

    /// Returns all producers, by id.
    pub(super) fn states(&self) -> Vec<ProducerState> {
        let states = self.iter().map(|(producer_id, producer)| ProducerState {
            producer_id,
            epoch: producer.epoch,
            last_sequence: producer.batches.back().map_or(-1, |batch| batch.last_sequence),
            last_timestamp: producer.last_timestamp,
            coordinator_epoch: producer.coordinator_epoch,
            open_since: producer.open_since,
        });
        let mut states: Vec<_> = states.collect();
        states.sort_unstable_by_key(|state| state.producer_id);
        states
    }

    /// Checks the batch's epoch and sequence number, and that it belongs to the producer's open
    /// transaction, if any. Returns the stored batch if this one is a duplicate.
    ///
    /// # Errors
    /// `INVALID_PRODUCER_EPOCH` for an epoch below the last one, `OUT_OF_ORDER_SEQUENCE_NUMBER` for
    /// a gap, and for a repetition that is older than the last five batches, `INVALID_TXN_STATE`
    /// for a batch outside of the open transaction. An unknown producer id may begin with any
    /// sequence number: its batches may have been deleted.
    pub(super) fn check(&self, batch: &ValidBatch) -> Result<Option<StoredBatch>, AppendError> {
        let header = batch.header();
        if !header.has_producer_id() {
            return Ok(None);
        }
        let Some(producer) = self.by_id.get(&header.producer_id) else {
            return Ok(None);
        };
        check_epoch(producer, header.producer_id, header.producer_epoch)?;
        if batch.is_from_client()
            && let Some(duplicate) = check_sequence(producer, header)?
        {
            return Ok(Some(duplicate));
        }
        if producer.open_since.is_some() && !header.is_transactional() {
            return Err(reject(
                ResponseError::InvalidTxnState,
                header.producer_id,
                "a transaction is open and the batch is outside of it",
            ));
        }
        Ok(None)
    }

    /// Checks a marker before it is appended.
    ///
    /// # Errors
    /// `INVALID_PRODUCER_EPOCH` for an epoch below the producer's last one,
    /// `TRANSACTION_COORDINATOR_FENCED` when a later coordinator wrote the producer's last marker.
    pub(super) fn check_marker(
        &self,
        producer_id: i64,
        producer_epoch: i16,
        marker: EndTransactionMarker,
    ) -> Result<(), AppendError> {
        let Some(producer) = self.by_id.get(&producer_id) else {
            return Ok(());
        };
        check_epoch(producer, producer_id, producer_epoch)?;
        let (given, last) = (marker.coordinator_epoch, producer.coordinator_epoch);
        if given < last {
            return Err(reject(
                ResponseError::TransactionCoordinatorFenced,
                producer_id,
                &format!("coordinator epoch {given} is below {last}"),
            ));
        }
        Ok(())
    }

    /// Updates the state with a batch that is in the log, and with its marker if it holds one.
    /// Returns the transaction that the marker aborts, if it has records in this log.
    pub(super) fn update(
        &mut self,
        header: &BatchHeader,
        marker: Option<EndTransactionMarker>,
    ) -> Option<AbortedTransaction> {
        if !header.has_producer_id() || (header.is_control() && marker.is_none()) {
            return None;
        }
        let producer = self.by_id.entry(header.producer_id).or_insert_with(|| ProducerEntry {
            epoch: header.producer_epoch,
            last_timestamp: header.max_timestamp,
            coordinator_epoch: -1,
            open_since: None,
            last_marker: None,
            batches: VecDeque::new(),
        });
        if producer.epoch != header.producer_epoch {
            producer.epoch = header.producer_epoch;
            producer.batches.clear();
        }
        producer.last_timestamp = header.max_timestamp;
        if let Some(marker) = marker {
            producer.coordinator_epoch = marker.coordinator_epoch;
            producer.last_marker = Some(header.last_offset());
            let first_offset = producer.open_since.take()?;
            self.open.remove(&first_offset);
            return (!marker.commit).then(|| self.aborted(header, first_offset));
        }
        producer.remember(header);
        if header.is_transactional() && producer.open_since.is_none() {
            producer.open_since = Some(header.base_offset);
            self.open.insert(header.base_offset, header.producer_id);
        }
        None
    }

    /// Returns the transaction that `marker` has just aborted.
    fn aborted(&self, marker: &BatchHeader, first_offset: i64) -> AbortedTransaction {
        let last_offset = marker.last_offset();
        AbortedTransaction {
            producer_id: marker.producer_id,
            first_offset,
            last_offset,
            last_stable_offset: self.first_open_offset().unwrap_or(last_offset + 1),
        }
    }

    /// Expires the producers whose last batch is `expiration_ms` old and that have no open
    /// transaction.
    pub(super) fn expire(&mut self, now: Timestamp, expiration_ms: Timestamp) {
        self.by_id.retain(|_, producer| {
            producer.open_since.is_some()
                || now.saturating_sub(producer.last_timestamp) < expiration_ms
        });
    }
}

impl ProducerEntry {
    fn remember(&mut self, header: &BatchHeader) {
        if self.batches.len() == REMEMBERED_BATCHES {
            self.batches.pop_front();
        }
        self.batches.push_back(StoredBatch {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        });
    }
}

fn check_epoch(producer: &ProducerEntry, producer_id: i64, epoch: i16) -> Result<(), AppendError> {
    if epoch < producer.epoch {
        return Err(reject(
            ResponseError::InvalidProducerEpoch,
            producer_id,
            &format!("epoch {epoch} is below {}", producer.epoch),
        ));
    }
    Ok(())
}

fn check_sequence(
    producer: &ProducerEntry,
    header: &BatchHeader,
) -> Result<Option<StoredBatch>, AppendError> {
    let first = header.base_sequence;
    let gap = |problem: &str| {
        Err(reject(ResponseError::OutOfOrderSequenceNumber, header.producer_id, problem))
    };
    if header.producer_epoch > producer.epoch {
        if first == 0 {
            return Ok(None);
        }
        return gap(&format!("sequence {first} is the first of a new epoch and should be 0"));
    }
    if let Some(duplicate) = producer.batches.iter().find(|batch| batch.is_same(header)) {
        return Ok(Some(*duplicate));
    }
    let last = producer.batches.back().map_or(-1, |batch| batch.last_sequence);
    if i64::from(first) == i64::from(last) + 1 || (first == 0 && last == i32::MAX) {
        return Ok(None);
    }
    gap(&format!("sequence {first} follows {last}"))
}

fn reject(code: ResponseError, producer_id: i64, problem: &str) -> AppendError {
    AppendError::Rejected { code, message: format!("Producer {producer_id}: {problem}") }
}

#[cfg(test)]
#[path = "producers_tests.rs"]
mod tests;
