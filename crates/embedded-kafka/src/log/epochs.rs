//! The leader epochs of a log and their first offsets, as in Kafka's `leader-epoch-checkpoint`.
//!
//! A consumer that returns after its leader changed asks for the end of its last epoch, and so
//! learns whether the log was truncated in the meantime (KIP-320).

use std::io;
use std::path::Path;

use super::files::{read_if_there, replace};

/// The name of the file in a partition's directory.
const FILE_NAME: &str = "leader-epoch-checkpoint";
/// The version of the file's format.
const VERSION: &str = "0";

/// The leader epochs of a log, oldest first, each with the first offset written in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LeaderEpochs {
    entries: Vec<(i32, i64)>,
}

impl LeaderEpochs {
    /// Reads the file in `directory`. A missing or damaged file counts as empty: recovery finds the
    /// epochs again in the batches that it reads.
    pub(super) fn load(directory: &Path) -> io::Result<Self> {
        let contents = read_if_there(&directory.join(FILE_NAME))?.unwrap_or_default();
        let text = String::from_utf8_lossy(&contents);
        let mut lines = text.lines();
        let mut epochs = Self::default();
        if lines.next() != Some(VERSION) {
            return Ok(epochs);
        }
        for line in lines.skip(1) {
            if let Some((epoch, offset)) = line.split_once(' ')
                && let (Ok(epoch), Ok(offset)) = (epoch.parse(), offset.parse())
            {
                epochs.assign(epoch, offset);
            }
        }
        Ok(epochs)
    }

    /// Writes the file in `directory`.
    pub(super) fn save(&self, directory: &Path) -> io::Result<()> {
        let mut text = format!("{VERSION}\n{}\n", self.entries.len());
        for (epoch, offset) in &self.entries {
            text.push_str(&format!("{epoch} {offset}\n"));
        }
        replace(&directory.join(FILE_NAME), text.as_bytes())
    }

    /// Notes that the batch at `offset` is written in `epoch`. Returns whether the epoch is new.
    pub(super) fn assign(&mut self, epoch: i32, offset: i64) -> bool {
        if epoch < 0 || self.entries.last().is_some_and(|(latest, _)| *latest >= epoch) {
            return false;
        }
        // An epoch in which nothing was written has no place in the list.
        self.entries.retain(|(_, start)| *start < offset);
        self.entries.push((epoch, offset));
        true
    }

    /// Returns a copy to change and save, if `epoch` is not in the list yet.
    pub(super) fn clone_if_news(&self, epoch: i32) -> Option<Self> {
        let is_news = epoch >= 0 && self.latest().is_none_or(|latest| latest < epoch);
        is_news.then(|| self.clone())
    }

    /// Returns the newest epoch.
    pub(super) fn latest(&self) -> Option<i32> {
        self.entries.last().map(|(epoch, _)| *epoch)
    }

    /// Returns the largest epoch up to `epoch`, and its end; `None` if that is unknown.
    pub(super) fn end_offset_for(&self, epoch: i32, end_offset: i64) -> Option<(i32, i64)> {
        if epoch < 0 {
            return None;
        }
        if self.latest() == Some(epoch) {
            return Some((epoch, end_offset));
        }
        let higher = self.entries.partition_point(|(entry, _)| *entry <= epoch);
        let (_, end) = *self.entries.get(higher)?;
        let found = higher.checked_sub(1).map_or(epoch, |index| self.entries[index].0);
        Some((found, end))
    }

    /// Removes the epochs that began at or after `end_offset`. Returns whether there were any.
    pub(super) fn truncate_end(&mut self, end_offset: i64) -> bool {
        let before = self.entries.len();
        self.entries.retain(|(_, start)| *start < end_offset);
        self.entries.len() != before
    }

    /// Removes the epochs that ended before `start_offset`. Returns whether anything changed.
    pub(super) fn truncate_start(&mut self, start_offset: i64) -> bool {
        let behind = self.entries.partition_point(|(_, start)| *start <= start_offset);
        let Some(current) = behind.checked_sub(1) else {
            return false;
        };
        let changed = current > 0 || self.entries[current].1 != start_offset;
        self.entries[current].1 = start_offset;
        self.entries.drain(..current);
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(entries: &[(i32, i64)]) -> LeaderEpochs {
        let mut epochs = LeaderEpochs::default();
        for (epoch, offset) in entries {
            epochs.assign(*epoch, *offset);
        }
        epochs
    }

    #[test]
    fn the_end_of_an_epoch_is_the_start_of_the_next() {
        let epochs = epochs(&[(2, 10), (5, 30)]);
        for (asked, answer) in [
            (-1, None),
            (1, Some((1, 10))),
            (2, Some((2, 30))),
            (3, Some((2, 30))),
            (5, Some((5, 99))),
            (6, None),
        ] {
            assert_eq!(epochs.end_offset_for(asked, 99), answer, "epoch {asked}");
        }
    }

    #[test]
    fn an_epoch_is_news_once_and_never_goes_back() {
        let mut epochs = epochs(&[(2, 10)]);
        assert!(!epochs.assign(2, 20));
        assert!(!epochs.assign(1, 20));
        assert!(epochs.assign(3, 20));
        assert_eq!(epochs.entries, [(2, 10), (3, 20)]);
    }

    #[test]
    fn an_epoch_without_batches_is_replaced() {
        let mut epochs = epochs(&[(2, 10), (3, 20)]);
        assert!(epochs.assign(4, 20));
        assert_eq!(epochs.entries, [(2, 10), (4, 20)]);
    }

    #[test]
    fn cutting_either_end_keeps_the_epoch_in_between() {
        let mut epochs = epochs(&[(1, 0), (2, 10), (3, 20)]);
        assert!(epochs.truncate_end(20));
        assert_eq!(epochs.entries, [(1, 0), (2, 10)]);
        assert!(epochs.truncate_start(15));
        assert_eq!(epochs.entries, [(2, 15)]);
        assert!(!epochs.truncate_start(15));
    }

    #[test]
    fn the_file_has_kafkas_format() {
        let directory = tempfile::tempdir().unwrap();
        let epochs = epochs(&[(0, 0), (4, 120)]);
        epochs.save(directory.path()).unwrap();
        let text = std::fs::read_to_string(directory.path().join(FILE_NAME)).unwrap();
        assert_eq!(text, "0\n2\n0 0\n4 120\n");
        assert_eq!(LeaderEpochs::load(directory.path()).unwrap(), epochs);
    }
}
