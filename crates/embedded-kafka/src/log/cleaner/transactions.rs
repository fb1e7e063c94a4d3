//! What the cleaner has to know of transactions: which batches were aborted, and which markers have
//! nothing left that they mark.

use std::collections::{HashMap, HashSet, VecDeque};

use super::super::aborted::AbortedTransactions;
use super::super::batch::BatchHeader;
use super::super::marker::EndTransactionMarker;

/// The transactions of a log, as they are met on the way from its start.
#[derive(Debug)]
pub(super) struct CleanedTransactions {
    /// Producer and first offset of those that were aborted, in the order in which they began.
    aborted: VecDeque<(i64, i64)>,
    /// The aborted ones that have begun, and whether any batch of theirs was met.
    ongoing_aborted: HashMap<i64, bool>,
    /// The producers of which batches were met that were not aborted.
    ongoing_committed: HashSet<i64>,
}

impl CleanedTransactions {
    /// The transactions below `end_offset`.
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

    /// Takes note of a batch of records; answers whether it was aborted.
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

    /// Takes note of a marker; answers whether nothing of its transaction was met.
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
