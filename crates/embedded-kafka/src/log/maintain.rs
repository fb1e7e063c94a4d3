//! Cutting a log at either end: deleting records from the front, truncating the back.
//!
//! Each change follows an order that survives a kill at any point: the next start finds the state
//! before, the state after, or the state after with some files left to remove.

use super::directory::save_start_offset;
use super::files::remove_if_there;
use super::read::OffsetOutOfRange;
use super::view::{SNAPSHOT_SUFFIX, file_name};
use super::{Log, LogError};

impl Log {
    /// Makes `offset` the start of the log (`DeleteRecords`) and removes the segments that are
    /// wholly below it. Returns the new start, which never moves back.
    ///
    /// # Errors
    /// When the offset is above the log's end, or the files cannot be changed.
    pub(crate) fn delete_records_before(&mut self, offset: i64) -> Result<i64, DeleteRecordsError> {
        if offset > self.end_offset {
            return Err(DeleteRecordsError::OutOfRange(OffsetOutOfRange {
                offset,
                start_offset: self.start_offset,
                end_offset: self.end_offset,
            }));
        }
        if offset > self.start_offset {
            save_start_offset(&self.directory, offset).map_err(LogError::from)?;
            self.start_offset = offset;
            if self.epochs.truncate_start(offset) {
                self.epochs.save(&self.directory).map_err(LogError::from)?;
            }
            self.drop_segments_below_start().map_err(LogError::from)?;
        }
        Ok(self.start_offset)
    }

    /// Removes the segments whose records are all below the log's start. The last one stays.
    pub(super) fn drop_segments_below_start(&mut self) -> std::io::Result<()> {
        while let [first, second, ..] = &self.segments[..]
            && second.base_offset() <= self.start_offset
        {
            first.remove()?;
            let snapshot = file_name(first.base_offset(), SNAPSHOT_SUFFIX);
            remove_if_there(&self.directory.join(snapshot))?;
            self.segments.remove(0);
        }
        if let Some(first) = self.segments.first() {
            self.aborted.truncate_start(first.base_offset());
        }
        Ok(())
    }

    /// Truncates the log so that `offset` is its end; a batch that holds it is cut off whole. The
    /// records after it are lost, as on a replica that follows a new leader.
    ///
    /// # Errors
    /// When the files cannot be changed.
    pub(crate) fn truncate_to(&mut self, offset: i64) -> Result<(), LogError> {
        let offset = offset.max(self.start_offset);
        if offset >= self.end_offset {
            return Ok(());
        }
        self.begin_change()?;
        self.cut_cleaned(offset)?;
        while let [_, .., last] = &self.segments[..]
            && last.base_offset() > offset
        {
            last.remove()?;
            self.segments.pop();
        }
        let base_offset = self.segments.last().map_or(0, super::segment::Segment::base_offset);
        self.epochs.truncate_end(base_offset.max(self.start_offset));
        self.rewind_producers(base_offset)?;
        self.rebuild_active(Some(offset))?;
        self.keep_start_below_end()?;
        self.epochs.truncate_start(self.start_offset);
        self.epochs.save(&self.directory)?;
        Ok(())
    }
}

/// An error of deleting records.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeleteRecordsError {
    /// The offset is above the log's end.
    #[error(transparent)]
    OutOfRange(OffsetOutOfRange),
    /// The files cannot be changed.
    #[error(transparent)]
    Log(#[from] LogError),
}
