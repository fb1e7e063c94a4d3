//! Retention by time and size: finds the segments that are too old, or too many, and deletes them.
//!
//! Kafka deletes whole segments from the front of a log, and none that holds records which are not
//! replicated yet. It deletes the last segment too, which grows, once all of its records are due,
//! and the log continues in a new one. The age of a segment may have to be read from its index, so
//! [`Aged`] is created under the log's lock, evaluated without it, and its result applied under the
//! lock again.

use std::io;
use std::time::UNIX_EPOCH;

use crate::time::Timestamp;

use super::view::{SegmentView, Start};
use super::{DeleteRecordsError, Log, LogError, LogSettings};

/// The segments of a log, as retention sees them.
#[derive(Debug)]
pub(crate) struct Aged {
    segments: Vec<AgedSegment>,
    settings: LogSettings,
    start_offset: i64,
    high_watermark: i64,
}

#[derive(Debug)]
struct AgedSegment {
    view: SegmentView,
    /// The offset after its last record.
    end_offset: i64,
}

impl Log {
    /// Returns the state of the log that retention needs. `None` if nothing can be due: the log is
    /// empty, or its records are kept forever.
    pub(crate) fn aged(&self, high_watermark: i64) -> Option<Aged> {
        let settings = &self.settings;
        let has_limits = settings.retention_ms.is_some() || settings.retention_bytes.is_some();
        let is_empty = self.segments.iter().all(|segment| segment.size() == 0);
        if !settings.deleted || !has_limits || (is_empty && self.segments.len() < 2) {
            return None;
        }
        let ends = self.segments.iter().skip(1).map(super::segment::Segment::base_offset);
        let ends = ends.chain([self.end_offset]);
        let segments = self.segments.iter().zip(ends).map(|(segment, end_offset)| AgedSegment {
            view: segment.view(Start::Position(0)),
            end_offset,
        });
        Some(Aged {
            segments: segments.collect(),
            settings: settings.clone(),
            start_offset: self.start_offset,
            high_watermark,
        })
    }

    /// Removes the segments that end at or before `offset`, the result of [`Aged::due`]. The log
    /// may have grown since: a last segment that has grown stays. Returns the new start.
    ///
    /// # Errors
    /// When the files cannot be changed.
    pub(crate) fn delete_segments_before(
        &mut self,
        offset: i64,
        now: Timestamp,
    ) -> Result<i64, LogError> {
        let is_all = self.end_offset == offset;
        if is_all && self.segments.last().is_some_and(|active| active.size() > 0) {
            self.begin_change()?;
            self.roll(now)?;
        }
        let bases = self.segments.iter().map(super::segment::Segment::base_offset);
        let whole = bases.take_while(|base_offset| *base_offset <= offset).last();
        match self.delete_records_before(whole.unwrap_or(self.start_offset)) {
            Ok(start_offset) => Ok(start_offset),
            Err(DeleteRecordsError::Log(error)) => Err(error),
            Err(DeleteRecordsError::OutOfRange(_)) => Ok(self.start_offset),
        }
    }
}

impl Aged {
    /// Returns the offset below which everything is due, `None` if nothing is.
    ///
    /// # Errors
    /// When an index cannot be read.
    pub(crate) fn due(&self, now: Timestamp) -> io::Result<Option<i64>> {
        let by_size = self.due_by_size();
        let by_time = self.due_by_time(by_size, now)?;
        let due = self.segments[..by_time].last().map(|segment| segment.end_offset);
        Ok(due.filter(|end_offset| *end_offset > self.start_offset))
    }

    /// Returns how many segments the log can delete and still have `retention.bytes`.
    fn due_by_size(&self) -> usize {
        let total: u64 = self.segments.iter().map(|segment| segment.view.size()).sum();
        let Some(mut surplus) =
            self.settings.retention_bytes.and_then(|kept| total.checked_sub(kept))
        else {
            return 0;
        };
        let due = self.segments.iter().take_while(|segment| {
            let rest = surplus.checked_sub(segment.view.size());
            surplus = rest.unwrap_or(surplus);
            rest.is_some() && self.may_go(segment)
        });
        due.count()
    }

    /// Returns the number of segments, from `first` on and with those before, before the first one
    /// that holds a record younger than `retention.ms`.
    fn due_by_time(&self, first: usize, now: Timestamp) -> io::Result<usize> {
        let Some(retention_ms) = self.settings.retention_ms else {
            return Ok(first);
        };
        let mut due = first;
        for segment in &self.segments[first..] {
            if !self.may_go(segment) {
                break;
            }
            let Some(largest) = segment.largest_timestamp()? else {
                break;
            };
            if now.saturating_sub(largest) <= retention_ms {
                break;
            }
            due += 1;
        }
        Ok(due)
    }

    /// Returns whether all of a segment is replicated. An empty last segment has nothing to delete.
    fn may_go(&self, segment: &AgedSegment) -> bool {
        let is_last = self.segments.last().is_some_and(|last| std::ptr::eq(last, segment));
        segment.end_offset <= self.high_watermark && !(is_last && segment.view.size() == 0)
    }
}

impl AgedSegment {
    /// Returns the largest timestamp, or the file's if no record has one; `None` if the segment was
    /// deleted in the meantime.
    fn largest_timestamp(&self) -> io::Result<Option<Timestamp>> {
        let largest = self.view.max_timestamp().and_then(|largest| match largest {
            Some((timestamp, _)) => Ok(timestamp),
            None => self.modified(),
        });
        match largest {
            _ if self.view.is_outdated() => Ok(None),
            Err(error) => Err(error),
            Ok(timestamp) => Ok(Some(timestamp)),
        }
    }

    fn modified(&self) -> io::Result<Timestamp> {
        let modified = self.view.log()?.metadata()?.modified()?;
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
