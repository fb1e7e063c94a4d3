//! The state of transactions that the cleaner needs: which batches were aborted, and which markers
//! have no records left.

use std::collections::{HashMap, HashSet, VecDeque};

use super::super::aborted::AbortedTransactions;
use super::super::batch::BatchHeader;
use super::super::marker::EndTransactionMarker;

/// The transactions of a log, in the order of their batches.
#[derive(Debug)]
pub(super) struct CleanedTransactions {
    /// Producer and first offset of those that were aborted, in the order in which they began.
    aborted: VecDeque<(i64, i64)>,
    /// The aborted transactions that have begun, and whether the scan met a batch of theirs.
    ongoing_aborted: HashMap<i64, bool>,
    /// The producers with batches that were not aborted.
    ongoing_committed: HashSet<i64>,
}

impl CleanedTransactions {
    /// Returns the transactions below `end_offset`.
    pub(super) fn new(aborted: &AbortedTransactions, end_offset: i64) -> Self {
        let mut found: Vec<_> = aborted
            .overlapping(0, end_offset)
            .iter()
            .map(|transaction| (transaction.producer_id, transaction.first_offset))
            .collect();
        found.sort_unstable_by_key(|(_, first_offset)| *first_offset);
        Self {
            aborted: found.into(),
            ongoing_aborted: HashMap::new(),
            ongoing_committed: HashSet::new(),
        }
    }

    /// Notes a batch of records. Returns whether it was aborted.
    pub(super) fn on_batch(&mut self, header: &BatchHeader) -> bool {
        if header.is_control() {
            return false;
        }
        self.begin_aborted(header.last_offset());
        if !header.is_transactional() {
            return false;
        }
        if let Some(is_met) = self.ongoing_aborted.get_mut(&header.producer_id) {
            *is_met = true;
            return true;
        }
        self.ongoing_committed.insert(header.producer_id);
        false
    }

    /// Notes a marker. Returns whether its transaction has no batch left.
    pub(super) fn on_marker(
        &mut self,
        header: &BatchHeader,
        marker: Option<EndTransactionMarker>,
    ) -> bool {
        self.begin_aborted(header.last_offset());
        match marker {
            Some(marker) if marker.commit => !self.ongoing_committed.remove(&header.producer_id),
            Some(_) => self.ongoing_aborted.remove(&header.producer_id) != Some(true),
            None => false,
        }
    }

    fn begin_aborted(&mut self, offset: i64) {
        while let Some((producer_id, first_offset)) = self.aborted.front()
            && *first_offset <= offset
        {
            self.ongoing_aborted.entry(*producer_id).or_default();
            self.aborted.pop_front();
        }
    }
}
