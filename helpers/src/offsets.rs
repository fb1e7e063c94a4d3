//! Tracks which offset may be committed when records finish out of order.
//!
//! A committed offset means that everything before it is done. A program that works on several
//! records at once may therefore commit only up to the oldest one that is not finished, however
//! many after it are. [`ContiguousOffsets`] keeps track; it has no client and commits nothing
//! itself.

use std::collections::{BTreeMap, BTreeSet};

/// Tracks the records in flight, for each partition.
#[derive(Clone, Debug, Default)]
pub struct ContiguousOffsets {
    topics: BTreeMap<String, BTreeMap<i32, InFlight>>,
}

#[derive(Clone, Debug, Default)]
struct InFlight {
    offsets: BTreeSet<i64>,
    /// The offset after the last record that was started.
    end: i64,
    /// The offset that was last returned for a commit.
    ready: i64,
}

impl ContiguousOffsets {
    /// Starts with no record in flight.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records that work on a record begins; call it in the order of the partition. Offsets may be
    /// missing: compaction and transaction markers leave gaps.
    pub fn begun(&mut self, topic: &str, partition: i32, offset: i64) {
        if !self.topics.contains_key(topic) {
            self.topics.insert(topic.to_owned(), BTreeMap::new());
        }
        let partitions = self.topics.get_mut(topic);
        let in_flight = partitions.expect("it is there or was just put there").entry(partition);
        // The first record of a partition: there is nothing to commit yet.
        let in_flight =
            in_flight.or_insert_with(|| InFlight { ready: offset, ..InFlight::default() });
        in_flight.offsets.insert(offset);
        in_flight.end = in_flight.end.max(offset + 1);
    }

    /// Records that work on a record is done. Returns the offset to commit if it has moved: all
    /// records before it are finished. Returns `None` while an older record is still in flight, and
    /// for a record that is not tracked.
    pub fn finished(&mut self, topic: &str, partition: i32, offset: i64) -> Option<i64> {
        let in_flight = self.topics.get_mut(topic)?.get_mut(&partition)?;
        if !in_flight.offsets.remove(&offset) {
            return None;
        }
        let ready = in_flight.offsets.first().copied().unwrap_or(in_flight.end);
        let moved = ready > in_flight.ready;
        in_flight.ready = in_flight.ready.max(ready);
        moved.then_some(ready)
    }

    /// Stops tracking a partition; call it when the partition is revoked or you seek in it. Its
    /// records in flight may still finish, but no longer move the offset to commit.
    pub fn remove(&mut self, topic: &str, partition: i32) {
        if let Some(partitions) = self.topics.get_mut(topic) {
            partitions.remove(&partition);
        }
    }

    /// Returns how many records are in flight, in all partitions.
    pub fn in_flight(&self) -> usize {
        let partitions = self.topics.values().flat_map(BTreeMap::values);
        partitions.map(|it| it.offsets.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(offsets: &[i64]) -> ContiguousOffsets {
        let mut tracked = ContiguousOffsets::new();
        for offset in offsets {
            tracked.begun("departures", 0, *offset);
        }
        tracked
    }

    #[test]
    fn a_commit_waits_for_the_oldest_record() {
        let mut tracked = begun(&[5, 6, 7]);
        assert_eq!(tracked.finished("departures", 0, 7), None);
        assert_eq!(tracked.finished("departures", 0, 5), Some(6));
        assert_eq!(tracked.in_flight(), 1);
        assert_eq!(tracked.finished("departures", 0, 6), Some(8));
        assert_eq!(tracked.in_flight(), 0);
    }

    #[test]
    fn partitions_do_not_wait_for_each_other() {
        let mut tracked = begun(&[0]);
        tracked.begun("departures", 1, 40);
        tracked.begun("arrivals", 0, 90);
        assert_eq!(tracked.finished("departures", 1, 40), Some(41));
        assert_eq!(tracked.finished("arrivals", 0, 90), Some(91));
        assert_eq!(tracked.finished("departures", 0, 0), Some(1));
    }

    #[test]
    fn a_partition_that_was_taken_away_is_not_committed() {
        let mut tracked = begun(&[0, 1]);
        tracked.remove("departures", 0);
        assert_eq!(tracked.finished("departures", 0, 0), None);
        // It is assigned again, and work on its first record begins again.
        tracked.begun("departures", 0, 0);
        assert_eq!(tracked.finished("departures", 0, 1), None);
        assert_eq!(tracked.finished("departures", 0, 0), Some(1));
    }

    #[test]
    fn what_is_ready_never_goes_back() {
        let mut tracked = begun(&[5]);
        assert_eq!(tracked.finished("departures", 0, 5), Some(6));
        tracked.begun("departures", 0, 2);
        assert_eq!(tracked.finished("departures", 0, 2), None);
    }

    /// Every order in which `left` can come.
    fn orders(left: &[i64]) -> Vec<Vec<i64>> {
        if left.is_empty() {
            return vec![Vec::new()];
        }
        let first = |index: usize| {
            let mut rest = left.to_vec();
            let offset = rest.remove(index);
            orders(&rest).into_iter().map(move |order| [vec![offset], order].concat())
        };
        (0..left.len()).flat_map(first).collect()
    }

    #[test]
    fn in_every_order_all_before_the_commit_is_finished_and_the_next_is_not() {
        let offsets = [0, 1, 3, 4, 7, 9];
        let all = orders(&offsets);
        assert_eq!(all.len(), 720);
        for order in all {
            let mut tracked = begun(&offsets);
            let mut committed = 0;
            for (count, offset) in order.iter().enumerate() {
                let ready = tracked.finished("departures", 0, *offset);
                committed = ready.unwrap_or(committed);
                let oldest = offsets.iter().find(|it| !order[..=count].contains(it));
                assert_eq!(committed, oldest.copied().unwrap_or(10), "{order:?} at {count}");
            }
        }
    }
}
