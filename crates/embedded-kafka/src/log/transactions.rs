//! Transactions as the log of one partition sees them: opened by a batch, ended by a marker.
//!
//! The coordinator of a transaction knows its other partitions, and decides how it ends. The log
//! knows where each producer's open transaction began, and so the offset up to which nothing is
//! undecided (the last stable offset), and which transactions were aborted.

use crate::time::Timestamp;

use super::aborted::{AbortedTransaction, AbortedTransactions};
use super::marker::EndTransactionMarker;
use super::producers::ProducerState;
use super::{AppendError, Appended, Log};

/// The state of a producer's transaction in the log at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionStanding {
    /// It is open in this partition, in the epoch of the request.
    Open,
    /// It is not. The last marker is the one at this offset, if there ever was one.
    EndedAt(Option<i64>),
}

impl Log {
    /// Ends the producer's transaction in this partition, whether it has records here or not: the
    /// marker also tells the log the epoch, and the log rejects everything below it.
    ///
    /// # Errors
    /// `INVALID_PRODUCER_EPOCH` for an epoch below the producer's last one,
    /// `TRANSACTION_COORDINATOR_FENCED` when a later coordinator wrote the producer's last marker,
    /// or the files cannot be written. Nothing changes then.
    pub(crate) fn append_marker(
        &mut self,
        producer_id: i64,
        producer_epoch: i16,
        marker: EndTransactionMarker,
        leader_epoch: i32,
        now: Timestamp,
    ) -> Result<Appended, AppendError> {
        self.producers.check_marker(producer_id, producer_epoch, marker)?;
        let timestamp_type = self.settings.timestamp_type;
        let batch = marker.to_batch(producer_id, producer_epoch, timestamp_type, now);
        let (appended, aborted) = self.add(&batch, Some(marker), leader_epoch, now)?;
        if let Some(aborted) = aborted {
            self.note_aborted(aborted);
        }
        Ok(appended)
    }

    /// Notes an aborted transaction in the index. An index that cannot be written is rewritten
    /// before the segment is closed: it is no reason to reject a marker that is in the log already.
    fn note_aborted(&mut self, aborted: AbortedTransaction) {
        self.aborted.push(aborted);
        let base_offset = self.segments.last().map_or(0, super::segment::Segment::base_offset);
        if !self.is_transaction_index_behind
            && let Err(error) = self.aborted.save_last(&self.directory, base_offset)
        {
            let directory = self.directory.display();
            tracing::warn!(%directory, %error, "index of aborted transactions not written");
            self.is_transaction_index_behind = true;
        }
    }

    /// Makes sure that the last segment's index of aborted transactions is complete.
    pub(super) fn flush_aborted(&mut self) -> std::io::Result<()> {
        if self.is_transaction_index_behind
            && let Some(active) = self.segments.last()
        {
            self.aborted.save(&self.directory, active.base_offset())?;
            self.is_transaction_index_behind = false;
        }
        Ok(())
    }

    /// Returns the last stable offset: the first offset of the oldest open transaction, or the end.
    /// Readers of committed records read below it, and below the high watermark.
    pub(crate) fn last_stable_offset(&self) -> i64 {
        let first_open = self.producers.first_open_offset();
        // Records of an open transaction may have been deleted.
        first_open.map_or(self.end_offset, |first| first.max(self.start_offset))
    }

    /// Returns the transactions that were aborted, as of now.
    pub(crate) fn aborted_transactions(&self) -> AbortedTransactions {
        self.aborted.clone()
    }

    /// Returns the state of the producers, by id.
    pub(crate) fn producer_states(&self) -> Vec<ProducerState> {
        self.producers.states()
    }

    /// Returns whether the producer has an open transaction in this partition, and otherwise the
    /// marker that ended its last one.
    pub(crate) fn transaction_standing(
        &self,
        producer_id: i64,
        producer_epoch: i16,
    ) -> TransactionStanding {
        match self.producers.get(producer_id) {
            Some(producer) if producer.open_since.is_some() && producer.epoch == producer_epoch => {
                TransactionStanding::Open
            }
            producer => {
                TransactionStanding::EndedAt(producer.and_then(|producer| producer.last_marker))
            }
        }
    }
}
