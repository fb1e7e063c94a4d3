//! The transactions that were aborted, and Kafka's index of them: `00000000000000000042.txnindex`.
//!
//! Aborted records stay in the log. The broker tells a reader of committed records which producers'
//! records to skip, and from which offset: every transaction whose range overlaps with the fetched
//! range. Aborts are rare and an entry is small, so all entries of a log are in memory. A segment
//! has an index file only if a transaction was aborted in it; the file serves the next start.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::files::{read_if_there, remove_if_there, replace};
use super::view::{TRANSACTION_INDEX_SUFFIX, file_name};

/// Holds the version of an entry.
const VERSION: i16 = 0;
/// Bytes of an entry: the version, and four numbers.
const ENTRY_BYTES: usize = 2 + 4 * 8;

/// A transaction that was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AbortedTransaction {
    /// The producer of the transaction.
    pub(crate) producer_id: i64,
    /// The offset of its first record.
    pub(crate) first_offset: i64,
    /// The offset of its marker.
    pub(super) last_offset: i64,
    /// The last stable offset of the log after the marker. No transaction that ended later began
    /// before it, so a search for overlaps stops there.
    pub(super) last_stable_offset: i64,
}

/// The aborted transactions of a log, in the order in which they ended. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AbortedTransactions {
    entries: Arc<Vec<AbortedTransaction>>,
}

impl AbortedTransactions {
    /// Returns the transactions with records or a marker from `from` on that began before `to`, in
    /// the order in which they ended.
    pub(crate) fn overlapping(&self, from: i64, to: i64) -> Vec<AbortedTransaction> {
        let first = self.entries.partition_point(|entry| entry.last_offset < from);
        let mut found = Vec::new();
        for entry in &self.entries[first..] {
            if entry.first_offset < to {
                found.push(*entry);
            }
            if entry.last_stable_offset >= to {
                break;
            }
        }
        found
    }

    /// Returns whether no transaction was aborted.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a transaction that ended after all others.
    pub(super) fn push(&mut self, entry: AbortedTransaction) {
        Arc::make_mut(&mut self.entries).push(entry);
    }

    /// Removes the transactions that ended at or after `offset`.
    pub(super) fn truncate_end(&mut self, offset: i64) {
        let kept = self.entries.partition_point(|entry| entry.last_offset < offset);
        if kept < self.entries.len() {
            Arc::make_mut(&mut self.entries).truncate(kept);
        }
    }

    /// Removes the transactions that ended before `offset`.
    pub(super) fn truncate_start(&mut self, offset: i64) {
        let gone = self.entries.partition_point(|entry| entry.last_offset < offset);
        if gone > 0 {
            Arc::make_mut(&mut self.entries).drain(..gone);
        }
    }

    /// Adds the last entry to the file of the segment at `base_offset`, which holds all others of
    /// that segment.
    pub(super) fn save_last(&self, directory: &Path, base_offset: i64) -> io::Result<()> {
        let Some(last) = self.entries.last() else {
            return Ok(());
        };
        let path = directory.join(file_name(base_offset, TRANSACTION_INDEX_SUFFIX));
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.write_all(&encode(last))
    }

    /// Writes the file of the last segment, which begins at `base_offset`. Writes no file if there
    /// are no entries.
    pub(super) fn save(&self, directory: &Path, base_offset: i64) -> io::Result<()> {
        let path = directory.join(file_name(base_offset, TRANSACTION_INDEX_SUFFIX));
        let first = self.entries.partition_point(|entry| entry.last_offset < base_offset);
        if first == self.entries.len() {
            return remove_if_there(&path);
        }
        let bytes: Vec<u8> = self.entries[first..].iter().flat_map(encode).collect();
        replace(&path, &bytes)
    }

    /// Adds the entries in the file of the segment from `base_offset` to `end_offset`. Returns
    /// whether the entries can be right.
    pub(super) fn load(
        &mut self,
        directory: &Path,
        base_offset: i64,
        end_offset: i64,
    ) -> io::Result<bool> {
        let path = directory.join(file_name(base_offset, TRANSACTION_INDEX_SUFFIX));
        let contents = read_if_there(&path)?.unwrap_or_default();
        let Some(entries) = decode(&contents, base_offset, end_offset) else {
            return Ok(false);
        };
        Arc::make_mut(&mut self.entries).extend(entries);
        Ok(true)
    }
}

fn encode(entry: &AbortedTransaction) -> [u8; ENTRY_BYTES] {
    let AbortedTransaction { producer_id, first_offset, last_offset, last_stable_offset } = *entry;
    let mut bytes = [0; ENTRY_BYTES];
    bytes[..2].copy_from_slice(&VERSION.to_be_bytes());
    let numbers = [producer_id, first_offset, last_offset, last_stable_offset];
    for (place, number) in bytes[2..].chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_be_bytes());
    }
    bytes
}

fn decode(contents: &[u8], base_offset: i64, end_offset: i64) -> Option<Vec<AbortedTransaction>> {
    let mut entries = Vec::with_capacity(contents.len() / ENTRY_BYTES);
    let mut least = base_offset;
    for bytes in contents.chunks(ENTRY_BYTES) {
        let bytes: &[u8; ENTRY_BYTES] = bytes.try_into().ok()?;
        let number = |at: usize| i64::from_be_bytes(std::array::from_fn(|index| bytes[at + index]));
        let entry = AbortedTransaction {
            producer_id: number(2),
            first_offset: number(10),
            last_offset: number(18),
            last_stable_offset: number(26),
        };
        let is_sane = bytes[..2] == VERSION.to_be_bytes()
            && entry.first_offset < entry.last_offset
            && (least..end_offset).contains(&entry.last_offset);
        if !is_sane {
            return None;
        }
        least = entry.last_offset + 1;
        entries.push(entry);
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the transactions with these producers, first offsets, markers and last stable
    /// offsets.
    fn aborted(transactions: &[(i64, i64, i64, i64)]) -> AbortedTransactions {
        let mut aborted = AbortedTransactions::default();
        for &(producer_id, first_offset, last_offset, last_stable_offset) in transactions {
            aborted.push(AbortedTransaction {
                producer_id,
                first_offset,
                last_offset,
                last_stable_offset,
            });
        }
        aborted
    }

    /// Returns the producers of the transactions that overlap.
    fn overlapping(aborted: &AbortedTransactions, from: i64, to: i64) -> Vec<i64> {
        aborted.overlapping(from, to).iter().map(|entry| entry.producer_id).collect()
    }

    /// Producer 2 begins first and ends last; 1 and 3 are nested in it.
    const NESTED: [(i64, i64, i64, i64); 3] = [(1, 2, 4, 0), (3, 5, 7, 0), (2, 0, 9, 10)];

    #[test]
    fn transactions_that_overlap_a_range_are_found_in_the_order_of_their_ends() {
        let aborted = aborted(&NESTED);
        for (from, to, producers) in [
            (0, 10, &[1, 3, 2][..]),
            (0, 2, &[2]),
            (0, 3, &[1, 2]),
            (4, 5, &[1, 2]),
            (5, 5, &[2]),
            (5, 6, &[3, 2]),
            (8, 10, &[2]),
            (10, 20, &[]),
        ] {
            assert_eq!(overlapping(&aborted, from, to), producers, "from {from} to {to}");
        }
    }

    #[test]
    fn truncation_removes_what_ended_at_the_cut() {
        let mut cut = aborted(&NESTED);
        cut.truncate_end(7);
        assert_eq!(overlapping(&cut, 0, 10), [1]);
        let mut cut = aborted(&NESTED);
        cut.truncate_start(7);
        assert_eq!(overlapping(&cut, 0, 10), [3, 2]);
    }

    #[test]
    fn a_clone_is_a_snapshot() {
        let mut growing = aborted(&NESTED[..1]);
        let snapshot = growing.clone();
        growing.truncate_end(0);
        assert!(growing.is_empty());
        assert_eq!(overlapping(&snapshot, 0, 10), [1]);
    }

    #[test]
    fn the_file_grows_by_entry_and_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let mut growing = AbortedTransactions::default();
        for entry in aborted(&NESTED).entries.iter() {
            growing.push(*entry);
            growing.save_last(directory.path(), 0).unwrap();
        }
        let mut loaded = AbortedTransactions::default();
        assert!(loaded.load(directory.path(), 0, 10).unwrap());
        assert_eq!(loaded, growing);

        growing.save(directory.path(), 5).unwrap();
        let mut tail = AbortedTransactions::default();
        assert!(tail.load(directory.path(), 5, 10).unwrap());
        assert_eq!(overlapping(&tail, 0, 10), [3, 2]);
        AbortedTransactions::default().save(directory.path(), 5).unwrap();
        assert!(!directory.path().join(file_name(5, TRANSACTION_INDEX_SUFFIX)).exists());
    }

    #[test]
    fn an_entry_has_the_bytes_of_kafkas_format() {
        let entry = aborted(&[(1, 2, 3, 4)]).entries[0];
        let mut expected = vec![0, 0];
        for number in [1, 2, 3, 4] {
            expected.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, number]);
        }
        assert_eq!(encode(&entry)[..], expected);
    }

    #[test]
    fn files_that_cannot_be_right_are_detected() {
        let intact: Vec<u8> = aborted(&NESTED).entries.iter().flat_map(encode).collect();
        assert!(decode(&intact, 0, 10).is_some());
        assert!(decode(&intact[..40], 0, 10).is_none(), "half an entry");
        assert!(decode(&intact, 0, 9).is_none(), "a marker after the segment");
        assert!(decode(&intact, 5, 10).is_none(), "a marker before the segment");
        let twice = [&intact[..ENTRY_BYTES], &intact[..ENTRY_BYTES]].concat();
        assert!(decode(&twice, 0, 10).is_none(), "one marker twice");
        let mut other_version = intact;
        other_version[1] = 1;
        assert!(decode(&other_version, 0, 10).is_none(), "an unknown version");
    }
}
