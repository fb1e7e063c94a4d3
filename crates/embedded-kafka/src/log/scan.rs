//! Walks the batches of a segment file from front to back: for recovery, for times, for producers.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::batch::{BatchHeader, HEADER_SIZE};
use super::files::read_at;
use super::marker::EndTransactionMarker;

/// Bytes read at once when only headers matter.
const HEADERS_AT_ONCE: usize = 64 * 1024;
/// Bytes read at once when every byte matters.
const BATCHES_AT_ONCE: usize = 1024 * 1024;

/// A walk over the batches of a file.
pub(super) struct Scan {
    file: Arc<File>,
    position: u64,
    end: u64,
    at_once: usize,
    buffer: Vec<u8>,
    buffer_at: u64,
}

impl Scan {
    /// Returns a walk over the headers between two positions.
    pub(super) fn headers(file: Arc<File>, position: u64, end: u64) -> Self {
        let buffer = Vec::new();
        Self { file, position, end, at_once: HEADERS_AT_ONCE, buffer, buffer_at: 0 }
    }

    /// Returns a walk that reads every batch in full.
    pub(super) fn batches(file: Arc<File>, position: u64, end: u64) -> Self {
        Self { at_once: BATCHES_AT_ONCE, ..Self::headers(file, position, end) }
    }

    /// Returns the position and header of the next batch, `None` at the end or at bytes that are no
    /// whole batch.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, BatchHeader)>> {
        let position = self.position;
        let header = match BatchHeader::parse(self.window(position, HEADER_SIZE)?) {
            Ok(header) if header.size() as u64 <= self.end - position => header,
            _ => return Ok(None),
        };
        self.position += header.size() as u64;
        Ok(Some((position, header)))
    }

    /// Returns whether the whole file was walked, and every part of it was a batch.
    pub(super) fn is_at_end(&self) -> bool {
        self.position == self.end
    }

    /// Returns the bytes of the batch at `position`.
    pub(super) fn batch(&mut self, position: u64, header: &BatchHeader) -> io::Result<&[u8]> {
        self.window(position, header.size())
    }

    /// Returns the marker in the batch at `position`, `None` if it holds anything else.
    pub(super) fn marker(
        &mut self,
        position: u64,
        header: &BatchHeader,
    ) -> io::Result<Option<EndTransactionMarker>> {
        if !header.is_control() {
            return Ok(None);
        }
        let payload = self.batch(position, header)?.get(HEADER_SIZE..).unwrap_or_default();
        Ok(EndTransactionMarker::read(header, payload))
    }

    /// Returns the bytes from `position` on, `length` of them or as many as there are before the
    /// end.
    fn window(&mut self, position: u64, length: usize) -> io::Result<&[u8]> {
        let left = usize::try_from(self.end.saturating_sub(position)).unwrap_or(usize::MAX);
        let length = length.min(left);
        let buffered = self.buffer_at..self.buffer_at + self.buffer.len() as u64;
        if position < buffered.start || position + length as u64 > buffered.end {
            self.buffer = read_at(&self.file, position, length.max(self.at_once).min(left))?;
            self.buffer_at = position;
        }
        let start = (position - self.buffer_at) as usize;
        let end = (start + length).min(self.buffer.len());
        Ok(&self.buffer[start..end])
    }
}
