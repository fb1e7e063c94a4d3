//! Reading batches by offset: the read path of a fetch.
//!
//! [`Log::locate`] works under the log's lock and touches no file. It returns a [`Slice`], which is
//! read without the lock: an index lookup if the position is not in memory, then one read into one
//! buffer, which is cut at whole batches and passed on without another copy.

use std::io;

use bytes::Bytes;

use super::Log;
use super::batch::{BatchHeader, HEADER_SIZE};
use super::files::{ReadAt, read_at, read_cached_at};
use super::segment::Segment;
use super::skim::Unreadable;
use super::view::{SegmentView, Start};

/// The number of bytes at the end of a log that are assumed to be in the page cache.
const RECENT_BYTES: u64 = 32 * 1024 * 1024;

/// The largest number of bytes read beyond the requested ones, in search of the first batch. The
/// batch may be further from its index entry if `index.interval.bytes` is larger: then a second
/// read follows.
const READ_AHEAD: usize = 64 * 1024;

/// The offset is below the log's start or above its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("offset {offset} is outside of {start_offset} to {end_offset}")]
pub(crate) struct OffsetOutOfRange {
    /// The requested offset.
    pub(crate) offset: i64,
    /// The first offset that the log holds.
    pub(crate) start_offset: i64,
    /// The offset that the next record will get.
    pub(crate) end_offset: i64,
}

/// An error of reading batches.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The bytes were truncated, compacted or removed in the meantime: locate the offset again.
    #[error("the segment changed meanwhile")]
    Outdated,
    /// The files cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The records of a batch cannot be read.
    #[error(transparent)]
    Records(#[from] Unreadable),
}

/// A range of batches in a segment, to be read without the log's lock.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    segment: SegmentView,
    offset: i64,
    end_offset: i64,
    max_bytes: usize,
    /// Bytes between the place the index names and the batch itself.
    index_interval: usize,
    is_recent: bool,
}

impl Log {
    /// Returns the batches from the one that holds `offset` on, up to `end_offset` (exclusive: the
    /// high watermark or the last stable offset) and about `max_bytes`. `None` when there are none
    /// yet.
    ///
    /// # Errors
    /// When `offset` is below the log's start or above its end.
    pub(crate) fn locate(
        &self,
        offset: i64,
        end_offset: i64,
        max_bytes: usize,
    ) -> Result<Option<Slice>, OffsetOutOfRange> {
        if offset < self.start_offset || offset > self.end_offset {
            return Err(OffsetOutOfRange {
                offset,
                start_offset: self.start_offset,
                end_offset: self.end_offset,
            });
        }
        let end_offset = end_offset.min(self.end_offset);
        let Some(index) = self.segment_from(offset).filter(|_| offset < end_offset) else {
            return Ok(None);
        };
        let segment = &self.segments[index];
        let start = segment.start_for(offset);
        let is_recent = index + 1 == self.segments.len()
            && matches!(start, Start::Position(at) if segment.size() - at <= RECENT_BYTES);
        Ok(Some(Slice {
            segment: segment.view(start),
            offset,
            end_offset,
            max_bytes,
            index_interval: usize::try_from(self.settings.index_interval_bytes)
                .map_or(READ_AHEAD, |interval| interval.min(READ_AHEAD)),
            is_recent,
        }))
    }

    /// Returns about how many bytes of batches the files hold before `end_offset`. As in Kafka,
    /// bytes before the log's start count until their segment is deleted.
    pub(crate) fn stored_bytes(&self, end_offset: i64) -> u64 {
        let first = self.segments.first().map_or(0, Segment::base_offset);
        self.available_bytes(first, end_offset)
    }

    /// Returns about how many bytes of batches there are from `offset` to `end_offset`, without
    /// reading.
    ///
    /// Exact near the end of the log, where consumers wait for a minimum of bytes; elsewhere too
    /// large by up to the distance of two index entries, or by a whole segment after a restart.
    pub(crate) fn available_bytes(&self, offset: i64, end_offset: i64) -> u64 {
        let end_offset = end_offset.min(self.end_offset);
        let (Some(first), Some(last)) = (self.segment_from(offset), self.segment_from(end_offset))
        else {
            return 0;
        };
        if offset >= end_offset {
            return 0;
        }
        let end = if end_offset == self.end_offset {
            self.segments[last].size()
        } else {
            let known = self.segments[last].position_in_memory(end_offset);
            known.unwrap_or(self.segments[last].size())
        };
        let begin = self.segments[first].position_in_memory(offset).unwrap_or(0);
        let between: u64 = self.segments[first..last].iter().map(Segment::size).sum();
        (between + end).saturating_sub(begin)
    }
}

impl Slice {
    /// Reads the batches: whole ones, of together at most `max_bytes`. With `at_least_one` the
    /// result has the first batch even if it alone is larger, so that a consumer always makes
    /// progress.
    ///
    /// Empty when there is nothing to read.
    ///
    /// # Errors
    /// When the segment has changed in the meantime, or the file cannot be read.
    pub(crate) fn read(&self, at_least_one: bool) -> Result<Bytes, ReadError> {
        let batches = self.read_batches(at_least_one, read_at);
        if self.segment.is_outdated() { Err(ReadError::Outdated) } else { Ok(batches?) }
    }

    /// Reads the batches as [`read`](Self::read) does, or returns `None` if that would wait for the
    /// disk.
    ///
    /// # Errors
    /// When the segment has changed in the meantime, or the file cannot be read.
    pub(crate) fn read_without_waiting(
        &self,
        at_least_one: bool,
    ) -> Result<Option<Bytes>, ReadError> {
        let batches = match self.read_batches(at_least_one, read_cached_at) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            // Without an answer from the system, recently written bytes are assumed to be in the
            // page cache.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                return if self.is_recent { self.read(at_least_one).map(Some) } else { Ok(None) };
            }
            batches => batches,
        };
        if self.segment.is_outdated() { Err(ReadError::Outdated) } else { Ok(Some(batches?)) }
    }

    fn read_batches(&self, at_least_one: bool, read_at: ReadAt) -> io::Result<Bytes> {
        let file = self.segment.log()?;
        let mut position = self.segment.position(read_at)?;
        let wanted = self.max_bytes.saturating_add(self.index_interval).max(HEADER_SIZE);
        let mut buffer = read_at(&file, position, self.cut(position, wanted))?;
        let mut at = 0;
        let first = loop {
            let header = match buffer.get(at..).map(BatchHeader::parse) {
                Some(Ok(header)) => header,
                // The header is after the buffer: continue from there.
                _ if at > 0 && position + ((at + HEADER_SIZE) as u64) <= self.segment.size() => {
                    position += at as u64;
                    buffer = read_at(&file, position, self.cut(position, wanted))?;
                    at = 0;
                    continue;
                }
                _ => return Ok(Bytes::new()),
            };
            if header.last_offset() >= self.offset {
                break header;
            }
            at += header.size();
        };
        if first.size() > self.max_bytes && !at_least_one {
            return Ok(Bytes::new());
        }
        let limit = self.max_bytes.max(first.size());
        if buffer.len() - at < first.size() {
            position += at as u64;
            buffer = read_at(&file, position, self.cut(position, limit))?;
            at = 0;
        }
        let end = self.end_of_batches(&buffer, at, limit);
        if (end - at) * 2 < buffer.len() {
            // A caller that keeps a few bytes should not keep the whole buffer.
            return Ok(Bytes::copy_from_slice(&buffer[at..end]));
        }
        Ok(Bytes::from(buffer).slice(at..end))
    }

    /// Returns as many of `length` bytes as the segment had from `position` on.
    fn cut(&self, position: u64, length: usize) -> usize {
        let left = self.segment.size().saturating_sub(position);
        length.min(usize::try_from(left).unwrap_or(usize::MAX))
    }

    /// Returns the end of the whole batches that are below the end offset and within `limit` bytes.
    fn end_of_batches(&self, buffer: &[u8], start: usize, limit: usize) -> usize {
        let limit = buffer.len().min(start.saturating_add(limit));
        let mut end = start;
        while let Ok(header) = BatchHeader::parse(&buffer[end..]) {
            let is_readable = header.last_offset() < self.end_offset;
            if !is_readable || header.size() > limit - end {
                break;
            }
            end += header.size();
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::{BatchBuilder, LogSettings, OpenFiles};
    use super::*;

    fn log(directory: &std::path::Path, settings: LogSettings) -> Log {
        let files = OpenFiles::new(10);
        let (mut log, _) =
            Log::open(directory.to_owned(), settings, Uuid::nil(), &files, 0).unwrap();
        for _ in 0..100 {
            let mut batch = BatchBuilder::new(0);
            batch.push(Some(b"key"), Some(&[7; 40]));
            log.append(&batch.build().unwrap(), 0, 0).unwrap();
        }
        log
    }

    #[test]
    fn a_small_response_holds_no_large_buffer() {
        let directory = tempfile::tempdir().unwrap();
        let log = log(directory.path(), LogSettings::default());
        let records = log.locate(0, 100, 120).unwrap().unwrap().read(true).unwrap();
        let size = records.len();
        assert!((1..=240).contains(&size), "{size}");
        let capacity = records.try_into_mut().unwrap().capacity();
        assert!(capacity <= 2 * size, "{capacity} for {size}");
    }

    #[test]
    fn a_sparse_index_makes_no_read_large() {
        let directory = tempfile::tempdir().unwrap();
        let sparse = LogSettings { index_interval_bytes: 1 << 31, ..LogSettings::default() };
        let slice = log(directory.path(), sparse).locate(90, 100, 120).unwrap().unwrap();
        assert_eq!(slice.index_interval, READ_AHEAD);
    }
}
