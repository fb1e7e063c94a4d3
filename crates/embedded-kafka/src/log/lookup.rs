//! Finding records by time: the search behind `ListOffsets`.
//!
//! The log's lock is held only to take a [`Lookup`], which knows the segments as they were.
//! Resolving it reads index files and batches, and looks inside compressed ones, so the answer is
//! exact per record.

use std::ops::ControlFlow;

use crate::time::Timestamp;

use super::Log;
use super::batch::{BatchHeader, HEADER_SIZE, NO_TIMESTAMP};
use super::files::read_at;
use super::read::ReadError;
use super::scan::Scan;
use super::skim::{Unreadable, walk};
use super::view::SegmentView;

/// A record that was found by its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The record's offset.
    pub(crate) offset: i64,
    /// The record's timestamp.
    pub(crate) timestamp: Timestamp,
    /// The leader epoch in which it was written.
    pub(crate) leader_epoch: i32,
}

/// A search by time, to be resolved without the log's lock.
#[derive(Debug)]
pub(crate) struct Lookup {
    segments: Vec<SegmentView>,
    start_offset: i64,
    /// The earliest timestamp that qualifies, `None` for the latest that there is.
    target: Option<Timestamp>,
}

impl Log {
    /// Asks for the first record whose timestamp is at least `timestamp`.
    pub(crate) fn offset_for_timestamp(&self, timestamp: Timestamp) -> Lookup {
        let views = self.segments.iter().map(|one| one.view(one.start_for_time(timestamp)));
        Lookup {
            segments: views.collect(),
            start_offset: self.start_offset,
            target: Some(timestamp),
        }
    }

    /// Asks for the first record with the largest timestamp of all (`ListOffsets` with -3,
    /// KIP-734).
    pub(crate) fn offset_of_max_timestamp(&self) -> Lookup {
        let views = self.segments.iter().map(|one| one.view(one.start_for_max()));
        Lookup { segments: views.collect(), start_offset: self.start_offset, target: None }
    }
}

/// Returns the largest timestamp of a segment, `None` if it has none.
fn largest_timestamp(segment: &SegmentView) -> Result<Option<(Timestamp, i64)>, ReadError> {
    let largest = segment.max_timestamp();
    if segment.is_outdated() { Err(ReadError::Outdated) } else { Ok(largest?) }
}

impl Lookup {
    /// Finds the record, `None` if there is none.
    ///
    /// # Errors
    /// When a segment has changed in the meantime, or the files cannot be read.
    pub(crate) fn resolve(&self) -> Result<Option<Found>, ReadError> {
        match self.target {
            Some(target) => self.first_from(target),
            None => self.latest(),
        }
    }

    fn first_from(&self, target: Timestamp) -> Result<Option<Found>, ReadError> {
        for segment in &self.segments {
            if largest_timestamp(segment)?.is_none_or(|(timestamp, _)| timestamp < target) {
                continue;
            }
            if let Some(found) = self.search(segment, target)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn latest(&self) -> Result<Option<Found>, ReadError> {
        let mut latest: Option<(Timestamp, i64, &SegmentView)> = None;
        for segment in &self.segments {
            if let Some((timestamp, offset)) = largest_timestamp(segment)?
                && latest.is_none_or(|(largest, ..)| timestamp > largest)
            {
                latest = Some((timestamp, offset, segment));
            }
        }
        let Some((timestamp, offset, segment)) = latest else {
            // No record has a timestamp. Kafka returns the first record then.
            let first = self.segments.first();
            return first.map_or(Ok(None), |segment| self.search(segment, NO_TIMESTAMP));
        };
        // The index names the batch; the scan begins at it, or shortly before.
        self.search(&segment.at(offset), timestamp)
    }

    /// Returns the first record of the segment, from where its view starts, that is late enough.
    fn search(&self, segment: &SegmentView, target: Timestamp) -> Result<Option<Found>, ReadError> {
        let found = self.scan(segment, target);
        if segment.is_outdated() { Err(ReadError::Outdated) } else { found }
    }

    fn scan(&self, segment: &SegmentView, target: Timestamp) -> Result<Option<Found>, ReadError> {
        let file = segment.log()?;
        let mut scan = Scan::headers(file, segment.position(read_at)?, segment.size());
        while let Some((position, header)) = scan.next()? {
            if header.max_timestamp < target || header.last_offset() < self.start_offset {
                continue;
            }
            let batch = scan.batch(position, &header)?;
            if let Some(found) = self.search_batch(&header, batch, target)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn search_batch(
        &self,
        header: &BatchHeader,
        batch: &[u8],
        target: Timestamp,
    ) -> Result<Option<Found>, Unreadable> {
        if header.record_count == 0 {
            // Compaction has left only the state of the batch's producer.
            return Ok(None);
        }
        let leader_epoch = header.leader_epoch;
        if header.is_log_append_time() {
            let first = header.base_offset.max(self.start_offset);
            let timestamp = header.max_timestamp;
            return Ok(Some(Found { offset: first, timestamp, leader_epoch }));
        }
        walk(header, batch.get(HEADER_SIZE..).unwrap_or(&[]), |record| {
            let offset = header.base_offset + i64::from(record.offset_delta);
            let timestamp = header.record_timestamp(record.timestamp_delta);
            if timestamp >= target && offset >= self.start_offset {
                return ControlFlow::Break(Found { offset, timestamp, leader_epoch });
            }
            ControlFlow::Continue(())
        })
    }
}
