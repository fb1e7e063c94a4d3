//! A set of offsets as ranges: consumers read most partitions from front to back.

use std::collections::BTreeMap;

/// A set of offsets.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spans {
    /// The end (exclusive) of each range, by its start. No two ranges touch.
    ranges: BTreeMap<i64, i64>,
}

impl Spans {
    /// Adds the offsets from `start` up to `end` (exclusive).
    pub(crate) fn add(&mut self, start: i64, end: i64) {
        if start >= end {
            return;
        }
        let (mut start, mut end) = (start, end);
        // The ranges that touch the new one begin at its end or before.
        while let Some((&from, &to)) = self.ranges.range(..=end).next_back() {
            if to < start {
                break;
            }
            self.ranges.remove(&from);
            (start, end) = (start.min(from), end.max(to));
        }
        self.ranges.insert(start, end);
    }

    pub(crate) fn contains(&self, offset: i64) -> bool {
        self.ranges.range(..=offset).next_back().is_some_and(|(_, end)| offset < *end)
    }

    /// Returns the number of offsets.
    pub(crate) fn len(&self) -> u64 {
        self.ranges.iter().map(|(start, end)| end.abs_diff(*start)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one() {
        let mut spans = Spans::default();
        for (start, end) in [(5, 8), (10, 12), (8, 10), (0, 2), (1, 3), (7, 7), (20, 21), (0, 1)] {
            spans.add(start, end);
        }
        assert_eq!(spans.ranges, BTreeMap::from([(0, 3), (5, 12), (20, 21)]));
        assert_eq!(spans.len(), 3 + 7 + 1);
        let found: Vec<i64> = (-1..22).filter(|offset| spans.contains(*offset)).collect();
        assert_eq!(found, [0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 20]);
        spans.add(2, 30);
        assert_eq!(spans.ranges, BTreeMap::from([(0, 30)]));
    }
}
