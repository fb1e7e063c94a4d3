//! Rebuilds the indexes of a segment from its batches, or loads the existing ones.

use std::io;
use std::sync::Arc;

use super::batch::{BatchHeader, has_valid_crc};
use super::files::{LogFile, read_at};
use super::index::{IndexEntry, OffsetEntry, SparseIndex, TimeEntry, read_entry};
use super::marker::EndTransactionMarker;
use super::scan::Scan;
use super::segment::Segment;

/// The level of detail at which batches are checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    Headers,
    Crc,
}

/// Rebuilds a segment's indexes from its log file up to the first invalid batch, or the batch that
/// holds `end_offset`. Returns the length of the valid part of the file.
pub(super) fn rebuild(
    segment: &mut Segment,
    index_interval: u64,
    depth: Depth,
    end_offset: Option<i64>,
    mut on_batch: impl FnMut(&BatchHeader, Option<EndTransactionMarker>),
) -> io::Result<u64> {
    segment.reset()?;
    let file = segment.files().log.open()?;
    let length = file.metadata()?.len();
    let mut scan = match depth {
        Depth::Headers => Scan::headers(file, 0, length),
        Depth::Crc => Scan::batches(file, 0, length),
    };
    let mut next_offset = segment.base_offset();
    while let Some((position, header)) = scan.next()? {
        let relative_end = header.last_offset().saturating_sub(segment.base_offset());
        let is_in_order = header.base_offset >= next_offset
            && header.last_offset_delta >= 0
            && relative_end <= i64::from(i32::MAX);
        let is_behind = end_offset.is_some_and(|end| header.last_offset() >= end);
        if !is_in_order || is_behind {
            break;
        }
        if depth == Depth::Crc && !has_valid_crc(&header, scan.batch(position, &header)?) {
            break;
        }
        next_offset = header.last_offset() + 1;
        segment.note(&header, index_interval);
        segment.flush_full_groups();
        on_batch(&header, scan.marker(position, &header)?);
    }
    Ok(length)
}

pub(super) type Indexes = (SparseIndex<OffsetEntry>, SparseIndex<TimeEntry>);

/// Returns the indexes of a segment whose files have these lengths, `None` if they cannot be right.
pub(super) fn load_indexes(
    segment: &Segment,
    offsets: u64,
    times: u64,
) -> io::Result<Option<Indexes>> {
    let offsets = load_index(&segment.files().index, offsets)?;
    let times = load_index(&segment.files().time_index, times)?;
    Ok(offsets.zip(times))
}

fn load_index<E: IndexEntry>(
    file: &Arc<LogFile>,
    length: u64,
) -> io::Result<Option<SparseIndex<E>>> {
    let entries = length / E::SIZE as u64;
    if !length.is_multiple_of(E::SIZE as u64) {
        return Ok(None);
    }
    let last = match entries.checked_sub(1) {
        Some(last) => Some(read_entry(&*file.open()?, last, read_at)?),
        None => None,
    };
    Ok(Some(SparseIndex::from_file(entries, last)))
}
