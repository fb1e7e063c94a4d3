//! The account of one partition: what was sent to it, compared with what is in its log.

use std::collections::{BTreeMap, HashMap};

use embedded_kafka::PartitionStanding;

use crate::books::{PartitionBooks, Reply};
use crate::logged::{Fate, LoggedRecord};
use crate::sends::{Acknowledgement, Producer, Sends};
use crate::sheet::Numbers;

/// Why a record has more than one copy, or is out of order: what its producer had learned when it
/// sent the record again. `None` if it did not.
pub(crate) type Cause = Option<Reply>;

/// The numbers of a partition, and the reasons for those that should be 0.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) partition: i32,
    pub(crate) numbers: Numbers,
    /// The node that leads the partition.
    pub(crate) leader: Option<i32>,
    pub(crate) lost: BTreeMap<Acknowledgement, u64>,
    /// By cause, and whether the producer is idempotent.
    pub(crate) duplicated: BTreeMap<(Cause, bool), u64>,
    pub(crate) out_of_order: BTreeMap<(Cause, bool), u64>,
    pub(crate) resent: BTreeMap<Reply, u64>,
}

impl Account {
    /// Compares the books of a partition with its log. Without a standing the partition is gone.
    pub(crate) fn settle(
        partition: i32,
        books: &mut PartitionBooks,
        log: &[LoggedRecord],
        standing: Option<&PartitionStanding>,
    ) -> Self {
        books.sent.sort_by_key(|batch| batch.order);
        let mut sends = Sends::of(&books.sent);
        let mut account = Self { partition, ..Self::default() };
        account.leader = standing.and_then(|it| it.leader);
        account.numbers.deleted = books.deleted;
        account.look_through(log, &mut sends);
        account.count_sent(&sends, log, standing);
        account.count_read(books, log);
        account.resent = std::mem::take(&mut sends.resent);
        account.numbers.resent = account.resent.values().sum();
        account
    }

    /// Finds each record of the log among the sent ones.
    fn look_through(&mut self, log: &[LoggedRecord], sends: &mut Sends) {
        // The latest record of each producer so far, in the order of sending.
        let mut latest: HashMap<Producer, usize> = HashMap::new();
        for logged in log {
            match logged.fate {
                Fate::Committed => self.numbers.on_the_cluster += 1,
                Fate::Open => self.numbers.open += 1,
                Fate::Aborted => self.numbers.aborted += 1,
            }
            let Some(index) = sends.find(logged) else {
                self.numbers.not_noted += 1;
                continue;
            };
            let producer = sends.producer(index);
            let send = &mut sends.all[index];
            let cause = (send.resent_after, send.is_idempotent);
            if logged.fate == Fate::Aborted {
                // No consumer of committed records reads this copy.
                send.is_aborted = true;
                continue;
            }
            send.copies += 1;
            if send.copies > 1 {
                self.numbers.duplicated += 1;
                *self.duplicated.entry(cause).or_default() += 1;
                continue;
            }
            let latest = latest.entry(producer).or_insert(index);
            if index < *latest {
                self.numbers.out_of_order += 1;
                *self.out_of_order.entry(cause).or_default() += 1;
            }
            *latest = index.max(*latest);
        }
    }

    fn count_sent(
        &mut self,
        sends: &Sends,
        log: &[LoggedRecord],
        standing: Option<&PartitionStanding>,
    ) {
        self.numbers.sent = sends.all.len() as u64;
        for send in &sends.all {
            let Some(acknowledgement) = send.acknowledged else { continue };
            self.numbers.acknowledged += 1;
            if send.copies > 0 || send.is_aborted {
                continue;
            }
            if standing.is_some_and(|it| is_deleted(send.offset, log, it)) {
                self.numbers.deleted += 1;
            } else {
                self.numbers.lost += 1;
                *self.lost.entry(acknowledgement).or_default() += 1;
            }
        }
    }

    /// Counts what consumers got, without the records that they skip.
    fn count_read(&mut self, books: &PartitionBooks, log: &[LoggedRecord]) {
        let aborted = log.iter().filter(|logged| logged.fate == Fate::Aborted);
        let skipped = aborted.filter(|logged| books.read.contains(logged.offset)).count();
        self.numbers.read = books.read.len().saturating_sub(skipped as u64);
    }
}

/// Tells whether a record that is not in the log was deleted. Compaction leaves a gap at its
/// offset; if another record is there, or the log ends before it, the log was truncated.
fn is_deleted(offset: Option<i64>, log: &[LoggedRecord], standing: &PartitionStanding) -> bool {
    let Some(offset) = offset else { return standing.is_compacted };
    let is_gap = || {
        offset < standing.end_offset
            && log.binary_search_by_key(&offset, |logged| logged.offset).is_err()
    };
    offset < standing.start_offset || (standing.is_compacted && is_gap())
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
