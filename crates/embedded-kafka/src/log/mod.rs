//! The log of a partition: record batches in segment files, and what is remembered about them.
//!
//! A [`Log`] is a state machine over a directory. It owns no lock, task or clock: the caller guards
//! it with a lock and passes the time in. What is slow is split off, so that the lock is never held
//! across it: [`validate()`] checks a batch before the lock is taken, [`Slice`] reads batches and
//! [`Lookup`] finds times after it is released. Under the lock an append is one write to the end of
//! a file, and locating an offset touches no file at all.
//!
//! A partition that nobody wrote to has no directory. High watermark, replicas and waiting
//! consumers are the caller's.

mod aborted;
mod batch;
mod builder;
mod cleaner;
mod compression;
mod decompress;
mod directory;
mod epochs;
mod files;
mod identity;
mod index;
mod log_settings;
mod lookup;
mod maintain;
mod marker;
mod position;
mod producer;
mod producers;
mod read;
mod rebuild;
mod records;
mod recover;
mod retention;
mod scan;
mod segment;
mod shutdown;
mod skim;
mod snapshot;
mod transactions;
mod validate;
mod view;

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod test_batches;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod transaction_tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use uuid::Uuid;

use crate::time::Timestamp;

pub(crate) use self::log_settings::{LogSettings, TimestampType};
pub(crate) use aborted::{AbortedTransaction, AbortedTransactions};
pub(crate) use batch::{BatchHeader, HEADER_SIZE};
pub(crate) use builder::BatchBuilder;
pub(crate) use compression::Compression;
pub(crate) use files::OpenFiles;
pub(crate) use identity::{is_partition_directory, owns};
pub(crate) use lookup::{Found, Lookup};
pub(crate) use maintain::DeleteRecordsError;
pub(crate) use marker::EndTransactionMarker;
pub(crate) use position::Position;
pub(crate) use producer::Producer;
pub(crate) use producers::ProducerState;
pub(crate) use read::{ReadError, Slice};
pub(crate) use records::Records;
pub(crate) use skim::Unreadable;
pub(crate) use transactions::TransactionStanding;
pub(crate) use validate::{BatchRejection, ValidBatch, is_first_batch_transactional, validate};

use cleaner::Cleaned;
use epochs::LeaderEpochs;
use producers::Producers;
use segment::Segment;

/// Why a log cannot be opened or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// The file system refused.
    #[error("the log's files cannot be read or written: {0}; check the disk and its permissions")]
    Io(#[from] io::Error),
    /// The directory belongs to a topic that was deleted and created again.
    #[error("{directory} belongs to another topic with the same name; remove it to start anew")]
    OtherTopic {
        /// The partition's directory.
        directory: PathBuf,
    },
}

/// Why a batch was not appended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    /// The producer's epoch or sequence number is wrong, or its transaction does not allow it.
    #[error("{message}")]
    Rejected {
        /// The error code for the partition.
        code: ResponseError,
        /// What is wrong, for people.
        message: String,
    },
    /// The files cannot be written. The log is as it was before.
    #[error("the log cannot be written: {0}; free some disk space")]
    Storage(#[from] io::Error),
}

impl AppendError {
    /// The error code for the partition.
    pub(crate) fn code(&self) -> ResponseError {
        match self {
            Self::Rejected { code, .. } => *code,
            Self::Storage(_) => ResponseError::KafkaStorageError,
        }
    }
}

/// Where a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    /// Offset of the first record.
    pub(crate) base_offset: i64,
    /// Offset of the last record.
    pub(crate) last_offset: i64,
    /// The time of the append where the topic's records carry it. For a batch that was in the log
    /// already its timestamp, as Kafka answers.
    pub(crate) log_append_time: Option<Timestamp>,
    /// The first offset that the log holds.
    pub(crate) log_start_offset: i64,
    /// Whether the batch was in the log already and nothing was written.
    pub(crate) is_duplicate: bool,
}

/// The log of one partition.
#[derive(Debug)]
pub(crate) struct Log {
    directory: PathBuf,
    topic_id: Uuid,
    settings: LogSettings,
    files: Arc<OpenFiles>,
    /// By base offset; the last one grows. Empty until the first append.
    segments: Vec<Segment>,
    start_offset: i64,
    end_offset: i64,
    epochs: LeaderEpochs,
    producers: Producers,
    aborted: AbortedTransactions,
    /// Whether the last segment's index of aborted transactions lacks some of them.
    is_transaction_index_behind: bool,
    /// Whether the directory says that the log was closed in order, which the next write undoes.
    is_marked_clean: bool,
    /// How far compaction has got.
    cleaned: Cleaned,
}

impl Log {
    /// Offset of the first record that may be read.
    pub(crate) fn start_offset(&self) -> i64 {
        self.start_offset
    }

    /// Offset that the next record will get.
    pub(crate) fn end_offset(&self) -> i64 {
        self.end_offset
    }

    /// The settings in force.
    pub(crate) fn settings(&self) -> &LogSettings {
        &self.settings
    }

    /// Changes the settings. They hold for what is appended from now on.
    pub(crate) fn set_settings(&mut self, settings: LogSettings) {
        self.settings = settings;
    }

    /// The largest epoch up to `epoch` and where it ended, as `OffsetForLeaderEpoch` answers;
    /// `None` where the log knows of no such epoch (KIP-320).
    pub(crate) fn end_offset_for_epoch(&self, epoch: i32) -> Option<(i32, i64)> {
        self.epochs.end_offset_for(epoch, self.end_offset)
    }

    /// The newest epoch in which something was written.
    pub(crate) fn latest_epoch(&self) -> Option<i32> {
        self.epochs.latest()
    }

    /// Appends a batch in `leader_epoch`. A batch that its idempotent producer sent before is
    /// answered with its old offsets and not written again.
    ///
    /// # Errors
    /// When epoch or sequence of the producer are wrong, the batch is outside of its open
    /// transaction, or the files cannot be written. Nothing changes then, and the log stays usable.
    pub(crate) fn append(
        &mut self,
        batch: &ValidBatch,
        leader_epoch: i32,
        now: Timestamp,
    ) -> Result<Appended, AppendError> {
        if let Some(stored) = self.producers.check(batch)? {
            return Ok(Appended {
                base_offset: stored.base_offset(),
                last_offset: stored.last_offset,
                log_append_time: Some(stored.timestamp),
                log_start_offset: self.start_offset,
                is_duplicate: true,
            });
        }
        Ok(self.add(batch, None, leader_epoch, now)?.0)
    }

    /// Writes a checked batch, and notes what it means for its producer.
    fn add(
        &mut self,
        batch: &ValidBatch,
        marker: Option<EndTransactionMarker>,
        leader_epoch: i32,
        now: Timestamp,
    ) -> io::Result<(Appended, Option<AbortedTransaction>)> {
        let mut header = *batch.header();
        header.base_offset = self.end_offset;
        header.leader_epoch = leader_epoch;
        self.write(&header, batch.payload(), now)?;
        let aborted = self.producers.update(&header, marker);
        self.end_offset = header.last_offset() + 1;
        let appended = Appended {
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            log_append_time: header.is_log_append_time().then_some(header.max_timestamp),
            log_start_offset: self.start_offset,
            is_duplicate: false,
        };
        Ok((appended, aborted))
    }

    fn write(&mut self, header: &BatchHeader, payload: &[u8], now: Timestamp) -> io::Result<()> {
        self.begin_change()?;
        self.make_room(header, now)?;
        let mut epochs = self.epochs.clone_if_news(header.leader_epoch);
        if let Some(epochs) = &mut epochs {
            epochs.assign(header.leader_epoch, header.base_offset);
            epochs.save(&self.directory)?;
        }
        let active = self.segments.last_mut().expect("make_room leaves a segment");
        active.append(header, payload, &self.settings)?;
        if let Some(epochs) = epochs {
            self.epochs = epochs;
        }
        Ok(())
    }

    /// Sees to it that there is a last segment which may take the batch.
    fn make_room(&mut self, header: &BatchHeader, now: Timestamp) -> io::Result<()> {
        let Some(active) = self.segments.last() else {
            identity::create_directory(&self.directory, self.topic_id)?;
            return self.add_segment(now);
        };
        let last_offset = header.last_offset();
        // An empty segment can be full by no measure, or it would be rolled for ever.
        if active.size() > 0 && active.should_roll(header, last_offset, &self.settings, now) {
            self.roll(now)?;
        }
        Ok(())
    }

    /// Closes the last segment and begins a new one at the end of the log.
    ///
    /// That a later segment exists proves to recovery that the indexes of this one are complete.
    fn roll(&mut self, now: Timestamp) -> io::Result<()> {
        let active = self.segments.last_mut().expect("only a log with a segment rolls");
        active.flush_indexes()?;
        self.flush_aborted()?;
        self.producers.save(&self.directory, self.end_offset)?;
        self.add_segment(now)?;
        let sealed = self.segments.len() - 2;
        self.segments[sealed].seal();
        Ok(())
    }

    fn add_segment(&mut self, now: Timestamp) -> io::Result<()> {
        let mut segment = Segment::create(&self.directory, self.end_offset, &self.files, now)?;
        segment.draw_jitter(&self.settings);
        self.segments.push(segment);
        Ok(())
    }

    /// The index of the segment that holds the first record from `offset` on, or would hold it:
    /// compaction leaves gaps, which may reach to the end of a segment.
    fn segment_from(&self, offset: i64) -> Option<usize> {
        let first = self.segment_index(offset)?;
        let gaps = self.segments[first..].iter().take_while(|one| one.ends_before(offset));
        Some((first + gaps.count()).min(self.segments.len() - 1))
    }

    /// The index of the segment whose offsets include `offset`, or would include it.
    fn segment_index(&self, offset: i64) -> Option<usize> {
        self.segments.partition_point(|segment| segment.base_offset() <= offset).checked_sub(1)
    }

    /// Forgets idle producers. Cheap where there are none.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        self.producers.expire(now, self.settings.producer_id_expiration_ms);
    }
}
