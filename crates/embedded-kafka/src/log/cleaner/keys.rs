//! The offset of the last record of each key, among the records that have not been cleaned yet.

use std::collections::HashMap;
use std::io;

use super::super::batch::{BatchHeader, HEADER_SIZE};
use super::super::records::Records;
use super::super::scan::Scan;
use super::super::skim::MAX_DECOMPRESSED_BYTES;
use super::super::view::SegmentView;
use super::transactions::CleanedTransactions;

/// The approximate cost of a key in addition to its bytes.
const KEY_OVERHEAD: usize = 64;

/// The last offset of each key.
#[derive(Debug)]
pub(super) struct Keys {
    offsets: HashMap<Box<[u8]>, i64>,
    from: i64,
    /// The offset after the last batch that was read.
    end_offset: i64,
    bytes: usize,
    most_bytes: usize,
}

impl Keys {
    /// Returns an empty map, to be filled with the keys of the records from `from` on.
    pub(super) fn new(from: i64, most_bytes: usize) -> Self {
        Self { offsets: HashMap::new(), from, end_offset: from, bytes: 0, most_bytes }
    }

    /// Returns whether the map takes no further batch.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= self.most_bytes
    }

    /// Notes that there is nothing more below `end_offset`.
    pub(super) fn finish(&mut self, end_offset: i64) {
        self.end_offset = self.end_offset.max(end_offset);
    }

    /// Returns the offset below which all keys are known.
    pub(super) fn end_offset(&self) -> i64 {
        self.end_offset
    }

    /// Returns whether a record is the last known one of its key.
    pub(super) fn is_last(&self, key: &[u8], offset: i64) -> bool {
        self.offsets.get(key).is_none_or(|last| offset >= *last)
    }

    /// Reads the keys of a segment, without those of aborted records. Returns false if it was
    /// stopped.
    pub(super) fn read(
        &mut self,
        segment: &SegmentView,
        transactions: &mut CleanedTransactions,
        is_stopped: &dyn Fn() -> bool,
    ) -> io::Result<bool> {
        let mut scan = Scan::batches(segment.log()?, 0, segment.size());
        while !self.is_full()
            && let Some((position, header)) = scan.next()?
        {
            if is_stopped() {
                return Ok(false);
            }
            if header.is_control() {
                let marker = scan.marker(position, &header)?;
                transactions.on_marker(&header, marker);
            }
            let is_aborted = transactions.on_batch(&header);
            if header.last_offset() < self.from {
                continue;
            }
            if !header.is_control() && !is_aborted {
                self.read_batch(&header, scan.batch(position, &header)?)?;
            }
            self.end_offset = header.last_offset() + 1;
        }
        if !self.is_full() {
            check_end(&scan)?;
        }
        Ok(true)
    }

    fn read_batch(&mut self, header: &BatchHeader, batch: &[u8]) -> io::Result<()> {
        let payload = decompressed(header, batch)?;
        for record in Records::new(header, &payload).map_err(io::Error::other)? {
            let record = record.map_err(io::Error::other)?;
            let offset = header.base_offset + i64::from(record.offset_delta);
            let Some(key) = record.key.filter(|_| offset >= self.from) else {
                continue;
            };
            if let Some(last) = self.offsets.get_mut(key) {
                *last = offset;
            } else {
                self.bytes += key.len() + KEY_OVERHEAD;
                self.offsets.insert(key.into(), offset);
            }
        }
        Ok(())
    }
}

/// Returns the records of a batch, without their compression.
pub(super) fn decompressed<'a>(
    header: &BatchHeader,
    batch: &'a [u8],
) -> io::Result<std::borrow::Cow<'a, [u8]>> {
    let invalid = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
    let codec = header.compression().ok_or_else(|| invalid("unknown compression".to_owned()))?;
    let payload = batch.get(HEADER_SIZE..).unwrap_or_default();
    if codec == super::super::Compression::None {
        return Ok(payload.into());
    }
    let payload = bytes::Bytes::copy_from_slice(payload);
    let records = codec.decompress(&payload, MAX_DECOMPRESSED_BYTES);
    Ok(records.map_err(|error| invalid(error.to_string()))?.to_vec().into())
}

/// Returns an error if the scan ended before the end of the file: unreadable batches must not count
/// as removed.
pub(super) fn check_end(scan: &Scan) -> io::Result<()> {
    if scan.is_at_end() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "a segment holds what is no batch"))
}
