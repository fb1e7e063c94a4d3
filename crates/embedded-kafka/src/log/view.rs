//! The state of a segment that readers need without the log's lock.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::time::Timestamp;

use super::files::{LogFile, OpenFiles, ReadAt, read_at};
use super::index::{OffsetEntry, TimeEntry, read_entry, search_file};

/// The suffixes of a segment's files.
pub(super) const LOG_SUFFIX: &str = "log";
pub(super) const INDEX_SUFFIX: &str = "index";
pub(super) const TIME_INDEX_SUFFIX: &str = "timeindex";
pub(super) const TRANSACTION_INDEX_SUFFIX: &str = "txnindex";
pub(super) const SNAPSHOT_SUFFIX: &str = "snapshot";

/// Returns the name of a file that belongs to the segment, or state, at `offset`.
pub(super) fn file_name(offset: i64, suffix: &str) -> String {
    format!("{offset:020}.{suffix}")
}

/// The state that a segment shares with readers that hold no lock.
#[derive(Debug)]
pub(super) struct SegmentFiles {
    pub(super) log: Arc<LogFile>,
    pub(super) index: Arc<LogFile>,
    pub(super) time_index: Arc<LogFile>,
    /// The path of the index of aborted transactions, if there is one.
    pub(super) transaction_index: PathBuf,
    /// Counts the changes that make an earlier view of the files outdated: truncation and removal.
    generation: AtomicU64,
    /// The largest timestamp of a segment that no longer grows, once a caller needed it.
    sealed_max: OnceLock<Option<TimeEntry>>,
}

impl SegmentFiles {
    pub(super) fn new(directory: &Path, base_offset: i64, pool: &Arc<OpenFiles>) -> Self {
        let file = |suffix| LogFile::new(directory.join(file_name(base_offset, suffix)), pool);
        Self {
            log: file(LOG_SUFFIX),
            index: file(INDEX_SUFFIX),
            time_index: file(TIME_INDEX_SUFFIX),
            transaction_index: directory.join(file_name(base_offset, TRANSACTION_INDEX_SUFFIX)),
            generation: AtomicU64::new(0),
            sealed_max: OnceLock::new(),
        }
    }

    /// Returns the same files for a segment that begins again, without any cached state.
    pub(super) fn renewed(&self) -> Self {
        Self {
            log: Arc::clone(&self.log),
            index: Arc::clone(&self.index),
            time_index: Arc::clone(&self.time_index),
            transaction_index: self.transaction_index.clone(),
            generation: AtomicU64::new(0),
            sealed_max: OnceLock::new(),
        }
    }

    /// Returns a number that changes when batches are cut off or the files are removed.
    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Tells the readers that hold views that these are outdated.
    pub(super) fn invalidate(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns the entry with the largest timestamp of a sealed segment, which is the last of its
    /// index.
    fn sealed_max(&self, entries: u64) -> io::Result<Option<TimeEntry>> {
        if let Some(known) = self.sealed_max.get() {
            return Ok(*known);
        }
        let last = match entries.checked_sub(1) {
            Some(last) => Some(read_entry(&*self.time_index.open()?, last, read_at)?),
            None => None,
        };
        Ok(*self.sealed_max.get_or_init(|| last))
    }
}

/// The start of a scan that soon finds what it looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// From a batch at this position.
    Position(u64),
    /// From the batch that the offset index in the file names for this offset.
    Offset(i64),
    /// From the batch that the time index in the file names for this timestamp.
    Time(Timestamp),
}

/// The end of the indexes of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Indexed {
    /// Bytes of the batches.
    pub(super) size: u64,
    pub(super) offsets_in_file: u64,
    pub(super) times_in_file: u64,
    /// The largest timestamp, if it is known without the file.
    pub(super) max_timestamp: Option<TimeEntry>,
}

/// A segment as it was when the log's lock was held.
#[derive(Clone, Debug)]
pub(super) struct SegmentView {
    files: Arc<SegmentFiles>,
    generation: u64,
    base_offset: i64,
    known: Indexed,
    start: Start,
}

impl SegmentView {
    pub(super) fn new(
        files: &Arc<SegmentFiles>,
        base_offset: i64,
        known: Indexed,
        start: Start,
    ) -> Self {
        let generation = files.generation();
        Self { files: Arc::clone(files), generation, base_offset, known, start }
    }

    /// Returns the file of batches.
    pub(super) fn log(&self) -> io::Result<Arc<File>> {
        self.files.log.open()
    }

    /// Returns the bytes of the batches.
    pub(super) fn size(&self) -> u64 {
        self.known.size
    }

    /// Returns the same segment, to be read from the batch that holds `offset`.
    pub(super) fn at(&self, offset: i64) -> Self {
        let mut view = self.clone();
        if !matches!(view.start, Start::Position(_)) {
            view.start = Start::Offset(offset);
        }
        view
    }

    /// Returns whether this is a view of these files.
    pub(super) fn is_of(&self, files: &Arc<SegmentFiles>) -> bool {
        Arc::ptr_eq(&self.files, files)
    }

    /// Returns whether batches were cut off, or the files removed, since the view was taken.
    pub(super) fn is_outdated(&self) -> bool {
        self.files.generation() != self.generation
    }

    /// Returns the position to begin at, from the index files if necessary.
    pub(super) fn position(&self, read_at: ReadAt) -> io::Result<u64> {
        match self.start {
            Start::Position(position) => Ok(position),
            Start::Offset(offset) => self.position_of(offset, read_at),
            Start::Time(target) => {
                let file = self.files.time_index.open()?;
                let before = target.saturating_sub(1);
                match search_file::<TimeEntry>(&file, self.known.times_in_file, before, read_at)? {
                    Some(entry) => self
                        .position_of(self.base_offset + i64::from(entry.relative_offset), read_at),
                    None => Ok(0),
                }
            }
        }
    }

    fn position_of(&self, offset: i64, read_at: ReadAt) -> io::Result<u64> {
        if self.known.offsets_in_file == 0 {
            return Ok(0);
        }
        let file = self.files.index.open()?;
        let relative_offset = offset - self.base_offset;
        let entry = search_file::<OffsetEntry>(
            &file,
            self.known.offsets_in_file,
            relative_offset,
            read_at,
        )?;
        Ok(entry.map_or(0, |entry| u64::from(entry.position)))
    }

    /// Returns the largest timestamp of the segment, and the last offset of the batch that holds
    /// it.
    pub(super) fn max_timestamp(&self) -> io::Result<Option<(Timestamp, i64)>> {
        let entry = match self.known.max_timestamp {
            Some(entry) => Some(entry),
            None => self.files.sealed_max(self.known.times_in_file)?,
        };
        let relative = entry.map(|entry| (entry.timestamp, i64::from(entry.relative_offset)));
        Ok(relative.map(|(timestamp, offset)| (timestamp, self.base_offset + offset)))
    }
}
