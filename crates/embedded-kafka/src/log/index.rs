//! Sparse indexes of a segment in Kafka's file formats: offset to position, and time to offset.
//!
//! Entries are appended in memory and go to the file in groups; lookups of older entries are binary
//! searches with positional reads, so that an index costs the same few kilobytes of memory however
//! long its segment is. A process that is killed loses only entries of the last segment, and
//! recovery builds those again.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use super::files::{LogFile, ReadAt};

/// Entries that are kept in memory before they are written.
const GROUP: usize = 512;
/// Entries that a search reads at once when it has narrowed down the place.
const BLOCK: u64 = 64;

/// An entry of a sparse index.
pub(super) trait IndexEntry: Copy {
    /// Bytes in the file.
    const SIZE: usize;
    /// Returns the key that orders the entries.
    fn key(&self) -> i64;
    /// Appends the entry's bytes.
    fn encode(&self, to: &mut Vec<u8>);
    /// Decodes the entry at the start of `bytes`, `None` when there are too few.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// The position of the batch whose last offset is the segment's base offset plus `relative_offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OffsetEntry {
    pub(super) relative_offset: u32,
    pub(super) position: u32,
}

impl IndexEntry for OffsetEntry {
    const SIZE: usize = 8;

    fn key(&self) -> i64 {
        i64::from(self.relative_offset)
    }

    fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.relative_offset.to_be_bytes());
        to.extend_from_slice(&self.position.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (offset, bytes) = bytes.split_first_chunk::<4>()?;
        let position = bytes.first_chunk::<4>()?;
        Some(Self {
            relative_offset: u32::from_be_bytes(*offset),
            position: u32::from_be_bytes(*position),
        })
    }
}

/// The largest timestamp up to a batch, and that batch's last offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeEntry {
    pub(super) timestamp: i64,
    pub(super) relative_offset: u32,
}

impl IndexEntry for TimeEntry {
    const SIZE: usize = 12;

    fn key(&self) -> i64 {
        self.timestamp
    }

    fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.timestamp.to_be_bytes());
        to.extend_from_slice(&self.relative_offset.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (timestamp, bytes) = bytes.split_first_chunk::<8>()?;
        let offset = bytes.first_chunk::<4>()?;
        Some(Self {
            timestamp: i64::from_be_bytes(*timestamp),
            relative_offset: u32::from_be_bytes(*offset),
        })
    }
}

/// An index that grows: entries in the file, and after them those still in memory.
#[derive(Debug, Default)]
pub(super) struct SparseIndex<E> {
    in_file: u64,
    tail: Vec<E>,
    last: Option<E>,
}

impl<E: IndexEntry> SparseIndex<E> {
    /// Returns an index that is empty in memory and in its file.
    pub(super) fn empty() -> Self {
        Self { in_file: 0, tail: Vec::new(), last: None }
    }

    /// Returns an index whose file holds `in_file` entries, the last one being `last`.
    pub(super) fn from_file(in_file: u64, last: Option<E>) -> Self {
        Self { in_file, tail: Vec::new(), last }
    }

    /// Returns how many entries the file holds.
    pub(super) fn in_file(&self) -> u64 {
        self.in_file
    }

    /// Returns the bytes that the index takes, or will take, in its file.
    pub(super) fn size(&self) -> u64 {
        (self.in_file + self.tail.len() as u64) * E::SIZE as u64
    }

    /// Returns the newest entry.
    pub(super) fn last(&self) -> Option<E> {
        self.last
    }

    /// Adds an entry, whose key is not below the last one's.
    pub(super) fn push(&mut self, entry: E) {
        self.tail.push(entry);
        self.last = Some(entry);
    }

    /// Returns whether enough entries wait in memory to be written together.
    pub(super) fn is_group_full(&self) -> bool {
        self.tail.len() >= GROUP
    }

    /// Returns the last entry whose key is at most `key`, if it is known without the file.
    pub(super) fn search_memory(&self, key: i64) -> Option<E> {
        if self.last.is_some_and(|last| last.key() <= key) {
            return self.last;
        }
        let behind = self.tail.partition_point(|entry| entry.key() <= key);
        behind.checked_sub(1).map(|index| self.tail[index])
    }

    /// Writes the entries that wait in memory. On an error nothing changes: the entries stay in
    /// memory.
    pub(super) fn flush(&mut self, file: &Arc<LogFile>) -> io::Result<()> {
        let file = file.open_or_create()?;
        let end = self.in_file * E::SIZE as u64;
        if file.metadata()?.len() != end {
            file.set_len(end)?;
        }
        let mut bytes = Vec::with_capacity(self.tail.len() * E::SIZE);
        for entry in &self.tail {
            entry.encode(&mut bytes);
        }
        (&*file).write_all(&bytes)?;
        self.in_file += self.tail.len() as u64;
        self.tail = Vec::new();
        Ok(())
    }
}

/// Returns the last of the first `entries` entries in the file whose key is at most `key`.
pub(super) fn search_file<E: IndexEntry>(
    file: &File,
    entries: u64,
    key: i64,
    read_at: ReadAt,
) -> io::Result<Option<E>> {
    // Every entry before `low` has a key of at most `key`, every one from `high` on a greater one.
    let (mut low, mut high) = (0, entries);
    while high - low > BLOCK {
        let middle = low + (high - low) / 2;
        if read_entry::<E>(file, middle, read_at)?.key() <= key {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let first = low.saturating_sub(1);
    let size = E::SIZE as u64;
    let bytes = read_at(file, first * size, ((high - first) * size) as usize)?;
    let found = bytes.chunks(E::SIZE).map_while(E::decode).take_while(|entry| entry.key() <= key);
    Ok(found.last())
}

/// Returns the entry with this index in the file.
pub(super) fn read_entry<E: IndexEntry>(file: &File, index: u64, read_at: ReadAt) -> io::Result<E> {
    let bytes = read_at(file, index * E::SIZE as u64, E::SIZE)?;
    E::decode(&bytes).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use super::super::files::{OpenFiles, read_at};
    use super::*;

    #[test]
    fn memory_and_file_find_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let file = LogFile::new(directory.path().join("x.index"), &OpenFiles::new(4));
        let mut index = SparseIndex::empty();
        let mut entries = Vec::new();
        for number in 0..1_000_u32 {
            let entry = OffsetEntry { relative_offset: number * 3 + 1, position: number * 7 };
            entries.push(entry);
            index.push(entry);
        }
        for key in -1..3_010 {
            let expected = entries.iter().rev().find(|entry| entry.key() <= key).copied();
            assert_eq!(index.search_memory(key), expected);
        }
        index.flush(&file).unwrap();
        assert_eq!(index.in_file(), 1_000);
        let opened = file.open().unwrap();
        for key in -1..3_010 {
            let expected = entries.iter().rev().find(|entry| entry.key() <= key).copied();
            assert_eq!(search_file(&opened, 1_000, key, read_at).unwrap(), expected);
        }
    }

    #[test]
    fn a_flush_cuts_off_what_a_failed_one_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.timeindex");
        std::fs::write(&path, [7; 5]).unwrap();
        let file = LogFile::new(path.clone(), &OpenFiles::new(4));
        let mut index = SparseIndex::empty();
        index.push(TimeEntry { timestamp: 1_000, relative_offset: 4 });
        index.flush(&file).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), [0, 0, 0, 0, 0, 0, 3, 0xe8, 0, 0, 0, 4]);
    }
}
