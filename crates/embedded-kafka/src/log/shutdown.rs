//! Closing a log in order, so that the next start reads no batch.
//!
//! One small file records the state that a start needs. The first change after that start removes
//! the file: while the file exists, everything else in the directory is complete.

use std::io;
use std::path::Path;

use super::directory::list;
use super::files::{read_if_there, remove_if_there, replace};
use super::index::TimeEntry;
use super::segment::SegmentSummary;
use super::view::{SNAPSHOT_SUFFIX, file_name};
use super::{Log, LogError};

/// The file that marks a clean shutdown.
pub(super) const CLEAN_FILE: &str = "clean-shutdown";

/// The state of the last segment when the log was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CleanMark {
    pub(super) base_offset: i64,
    pub(super) end_offset: i64,
    pub(super) summary: SegmentSummary,
}

impl Log {
    /// Removes the mark of the clean shutdown. Must come before every change of the files: without
    /// the mark a start checks them.
    pub(super) fn begin_change(&mut self) -> io::Result<()> {
        if self.is_marked_clean {
            remove_if_there(&self.directory.join(CLEAN_FILE))?;
            self.is_marked_clean = false;
        }
        Ok(())
    }

    /// Closes the log in order, so that the next start reads no batch. It may still be used.
    ///
    /// # Errors
    /// When indexes or snapshot cannot be written. The log is as complete as after a kill then.
    pub(crate) fn close(&mut self) -> Result<(), LogError> {
        if let Some(active) = self.segments.last_mut()
            && !self.is_marked_clean
        {
            active.flush_indexes()?;
            let mark = CleanMark {
                base_offset: active.base_offset(),
                end_offset: self.end_offset,
                summary: active.summary(),
            };
            self.flush_aborted()?;
            self.save_producers()?;
            mark.save(&self.directory)?;
            self.is_marked_clean = true;
        }
        for segment in &self.segments {
            segment.close();
        }
        Ok(())
    }

    /// Writes a snapshot at the end of the log and removes the snapshots that belong to no segment.
    fn save_producers(&self) -> io::Result<()> {
        self.producers.save(&self.directory, self.end_offset)?;
        for offset in list(&self.directory)?.snapshots {
            let is_base = self.segments.iter().any(|segment| segment.base_offset() == offset);
            if !is_base && offset != self.end_offset {
                remove_if_there(&self.directory.join(file_name(offset, SNAPSHOT_SUFFIX)))?;
            }
        }
        Ok(())
    }
}

impl CleanMark {
    pub(super) fn load(directory: &Path) -> io::Result<Option<Self>> {
        let contents = read_if_there(&directory.join(CLEAN_FILE))?;
        Ok(contents.and_then(|contents| Self::decode(&contents)))
    }

    fn save(&self, directory: &Path) -> io::Result<()> {
        let SegmentSummary { size, max_timestamp, first_timestamp } = self.summary;
        // No record has the smallest of all timestamps: it stands for "none".
        let (timestamp, relative_offset) =
            max_timestamp.map_or((i64::MIN, 0), |max| (max.timestamp, max.relative_offset));
        let first = first_timestamp.unwrap_or(i64::MIN);
        let Self { base_offset, end_offset, .. } = self;
        let text =
            format!("1 {base_offset} {end_offset} {size} {timestamp} {relative_offset} {first}\n");
        replace(&directory.join(CLEAN_FILE), text.as_bytes())
    }

    fn decode(contents: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(contents).ok()?;
        let numbers: Option<Vec<i64>> =
            text.split_whitespace().map(|word| word.parse().ok()).collect();
        let [1, base_offset, end_offset, size, timestamp, relative_offset, first] = numbers?[..]
        else {
            return None;
        };
        let relative_offset = u32::try_from(relative_offset).ok()?;
        let max_timestamp =
            (timestamp != i64::MIN).then_some(TimeEntry { timestamp, relative_offset });
        Some(Self {
            base_offset,
            end_offset,
            summary: SegmentSummary {
                size: u64::try_from(size).ok()?,
                max_timestamp,
                first_timestamp: (first != i64::MIN).then_some(first),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_and_a_damaged_one_is_none() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(CleanMark::load(directory.path()).unwrap(), None);
        for max_timestamp in [None, Some(TimeEntry { timestamp: 5, relative_offset: 6 })] {
            let summary = SegmentSummary { size: 100, max_timestamp, first_timestamp: Some(-1) };
            let mark = CleanMark { base_offset: 3, end_offset: 9, summary };
            mark.save(directory.path()).unwrap();
            assert_eq!(CleanMark::load(directory.path()).unwrap(), Some(mark));
        }
        for damaged in ["", "1 2 3", "2 0 0 0 0 0 0", "1 0 0 -1 0 0 0", "1 a 0 0 0 0 0"] {
            assert_eq!(CleanMark::decode(damaged.as_bytes()), None);
        }
    }
}
