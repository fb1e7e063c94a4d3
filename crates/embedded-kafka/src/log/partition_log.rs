//! The state of one partition's log, and the append to it.
//!
//! The other operations of a log are in the files next to this one, each with its own `impl Log`.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use crate::time::Timestamp;

use super::aborted::{AbortedTransaction, AbortedTransactions};
use super::appended::Appended;
use super::batch::BatchHeader;
use super::cleaner::Cleaned;
use super::epochs::LeaderEpochs;
use super::error::AppendError;
use super::files::OpenFiles;
use super::identity;
use super::log_settings::LogSettings;
use super::marker::EndTransactionMarker;
use super::producers::Producers;
use super::segment::Segment;
use super::validate::ValidBatch;

/// The log of one partition.
#[derive(Debug)]
pub(crate) struct Log {
    pub(super) directory: PathBuf,
    pub(super) topic_id: Uuid,
    pub(super) settings: LogSettings,
    pub(super) files: Arc<OpenFiles>,
    /// By base offset; the last one grows. Empty until the first append.
    pub(super) segments: Vec<Segment>,
    pub(super) start_offset: i64,
    pub(super) end_offset: i64,
    pub(super) epochs: LeaderEpochs,
    pub(super) producers: Producers,
    pub(super) aborted: AbortedTransactions,
    /// Tells whether the last segment's index of aborted transactions lacks some of them.
    pub(super) is_transaction_index_behind: bool,
    /// Tells whether the directory has the mark of a clean shutdown, which the next write removes.
    pub(super) is_marked_clean: bool,
    /// The progress of compaction.
    pub(super) cleaned: Cleaned,
}

impl Log {
    /// Returns the offset of the first record that may be read.
    pub(crate) fn start_offset(&self) -> i64 {
        self.start_offset
    }

    /// Returns the offset that the next record will get.
    pub(crate) fn end_offset(&self) -> i64 {
        self.end_offset
    }

    /// Returns the settings in force.
    pub(crate) fn settings(&self) -> &LogSettings {
        &self.settings
    }

    /// Changes the settings. The new settings apply to later appends.
    pub(crate) fn set_settings(&mut self, settings: LogSettings) {
        self.settings = settings;
    }

    /// Returns the largest epoch up to `epoch` and its end offset, as in `OffsetForLeaderEpoch`;
    /// `None` if the log knows no such epoch (KIP-320).
    pub(crate) fn end_offset_for_epoch(&self, epoch: i32) -> Option<(i32, i64)> {
        self.epochs.end_offset_for(epoch, self.end_offset)
    }

    /// Returns the newest epoch in which something was written.
    pub(crate) fn latest_epoch(&self) -> Option<i32> {
        self.epochs.latest()
    }

    /// Appends a batch in `leader_epoch`. For a batch that its idempotent producer sent before,
    /// returns the old offsets and writes nothing.
    ///
    /// # Errors
    /// When the producer's epoch or sequence number is wrong, the batch is outside of its open
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

    /// Writes a checked batch, and updates the state of its producer.
    pub(super) fn add(
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

    pub(super) fn write(
        &mut self,
        header: &BatchHeader,
        payload: &[u8],
        now: Timestamp,
    ) -> io::Result<()> {
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

    /// Makes sure that the last segment may take the batch.
    pub(super) fn make_room(&mut self, header: &BatchHeader, now: Timestamp) -> io::Result<()> {
        let Some(active) = self.segments.last() else {
            identity::create_directory(&self.directory, self.topic_id)?;
            return self.add_segment(now);
        };
        let last_offset = header.last_offset();
        // An empty segment never counts as full, or the log would roll it forever.
        if active.size() > 0 && active.should_roll(header, last_offset, &self.settings, now) {
            self.roll(now)?;
        }
        Ok(())
    }

    /// Closes the last segment and begins a new one at the end of the log.
    ///
    /// A later segment proves to recovery that the indexes of this one are complete.
    pub(super) fn roll(&mut self, now: Timestamp) -> io::Result<()> {
        let active = self.segments.last_mut().expect("only a log with a segment rolls");
        active.flush_indexes()?;
        self.flush_aborted()?;
        self.producers.save(&self.directory, self.end_offset)?;
        self.add_segment(now)?;
        let sealed = self.segments.len() - 2;
        self.segments[sealed].seal();
        Ok(())
    }

    pub(super) fn add_segment(&mut self, now: Timestamp) -> io::Result<()> {
        let mut segment = Segment::create(&self.directory, self.end_offset, &self.files, now)?;
        segment.draw_jitter(&self.settings);
        self.segments.push(segment);
        Ok(())
    }

    /// Returns the index of the segment that holds the first record from `offset` on, or would hold
    /// it: compaction leaves gaps, which may reach to the end of a segment.
    pub(super) fn segment_from(&self, offset: i64) -> Option<usize> {
        let first = self.segment_index(offset)?;
        let gaps = self.segments[first..].iter().take_while(|one| one.ends_before(offset));
        Some((first + gaps.count()).min(self.segments.len() - 1))
    }

    /// Returns the index of the segment whose offsets include `offset`, or would include it.
    pub(super) fn segment_index(&self, offset: i64) -> Option<usize> {
        self.segments.partition_point(|segment| segment.base_offset() <= offset).checked_sub(1)
    }

    /// Expires idle producers. Cheap if there are none.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        self.producers.expire(now, self.settings.producer_id_expiration_ms);
    }
}
