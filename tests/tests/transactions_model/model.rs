//! What must be true: the coordinator's view of each transactional id, and a list of all that was
//! ever written, each with the transaction that it belongs to.
//!
//! Markers are not in it. How many there are is the cluster's affair: after a kill a partition may
//! get one twice.

use std::collections::BTreeSet;
use workshop_tests::errors::{INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, PRODUCER_FENCED};

/// The transactional ids.
pub(crate) const IDS: [&str; 2] = ["counter-1", "counter-2"];

/// The groups. The first two have the same hash, and so share a partition of `__consumer_offsets`.
pub(crate) const GROUPS: [&str; 3] = ["Aa", "BB", "east-coast-dpt"];

/// Which of the groups share a partition.
const SHARED: [usize; 3] = [0, 0, 1];

/// How many partitions the topic has.
pub(crate) const PARTITIONS: usize = 3;

/// How a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Open,
    Committed,
    Aborted,
}

/// Where a transactional id stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Empty,
    /// The transaction of this number is open.
    Open(usize),
    /// The last one was committed, or aborted.
    Ended(bool),
}

/// A producer as it sees itself.
#[derive(Debug, Clone)]
pub(crate) struct Producer {
    pub(crate) epoch: i16,
    /// The next sequence number of each partition.
    pub(crate) sequences: [i32; PARTITIONS],
}

impl Producer {
    pub(crate) fn new(epoch: i16) -> Producer {
        Producer { epoch, sequences: [0; PARTITIONS] }
    }
}

/// A transactional id as its coordinator sees it, and all producers that ever had it.
#[derive(Debug)]
pub(crate) struct Id {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    /// The epoch before the last bump, while its producer may go on from it. A restart forgets it.
    pub(crate) last_epoch: Option<i16>,
    pub(crate) stage: Stage,
    pub(crate) partitions: BTreeSet<usize>,
    /// The partitions of `__consumer_offsets` that were added.
    pub(crate) offsets: BTreeSet<usize>,
    /// The oldest one first.
    pub(crate) producers: Vec<Producer>,
}

/// A record, and the transaction that it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) offset: i64,
    pub(crate) value: String,
    pub(crate) transaction: Option<usize>,
}

/// A committed offset, and the transaction that it belongs to.
#[derive(Debug, Clone, Copy)]
struct Committed {
    group: usize,
    partition: usize,
    offset: i64,
    transaction: Option<usize>,
}

/// All that was written.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) ids: Vec<Id>,
    pub(crate) records: [Vec<Record>; PARTITIONS],
    transactions: Vec<Fate>,
    /// In the order in which they were written.
    offsets: Vec<Committed>,
}

impl Model {
    /// What a producer is answered that wants to change its transaction, 0 if it may.
    pub(crate) fn check(&self, id: usize, epoch: i16) -> i16 {
        if self.ids[id].epoch == epoch { 0 } else { PRODUCER_FENCED }
    }

    /// What a producer is answered that writes to a partition, 0 if it may.
    pub(crate) fn check_produce(&self, id: usize, epoch: i16, partition: usize) -> i16 {
        let id = &self.ids[id];
        let is_open = matches!(id.stage, Stage::Open(_)) && id.partitions.contains(&partition);
        check_write(id, epoch, is_open)
    }

    /// What a producer is answered that commits an offset of a group, 0 if it may.
    pub(crate) fn check_offset(&self, id: usize, epoch: i16, group: usize) -> i16 {
        let id = &self.ids[id];
        let is_open = matches!(id.stage, Stage::Open(_)) && id.offsets.contains(&SHARED[group]);
        check_write(id, epoch, is_open)
    }

    /// What a producer is answered that ends its transaction, 0 if it may.
    pub(crate) fn check_end(&self, id: usize, epoch: i16, commit: bool) -> i16 {
        match (self.check(id, epoch), self.ids[id].stage) {
            (0, Stage::Open(_)) => 0,
            (0, Stage::Ended(committed)) if committed == commit => 0,
            (0, _) => INVALID_TXN_STATE,
            (error, _) => error,
        }
    }

    /// Which producer a request of the producer with `epoch` for another one leads to (KIP-360);
    /// nothing must be open.
    pub(crate) fn continued(&self, id: usize, epoch: i16) -> Result<i16, i16> {
        let id = &self.ids[id];
        match epoch {
            present if present == id.epoch => Ok(present + 1),
            last if Some(last) == id.last_epoch => Ok(id.epoch),
            _ => Err(PRODUCER_FENCED),
        }
    }

    /// The id has an epoch, and nothing open.
    pub(crate) fn initialized(&mut self, id: usize, epoch: i16, last_epoch: Option<i16>) {
        let id = &mut self.ids[id];
        (id.epoch, id.last_epoch, id.stage) = (epoch, last_epoch, Stage::Empty);
    }

    /// The open transaction is aborted under an epoch that no client knows.
    pub(crate) fn fence(&mut self, id: usize) {
        let present = self.ids[id].epoch;
        self.end(id, false);
        (self.ids[id].epoch, self.ids[id].last_epoch) = (present + 1, Some(present));
    }

    pub(crate) fn add_partitions(&mut self, id: usize, partitions: &[usize]) {
        self.open(id);
        self.ids[id].partitions.extend(partitions);
    }

    pub(crate) fn add_group(&mut self, id: usize, group: usize) {
        self.open(id);
        self.ids[id].offsets.insert(SHARED[group]);
    }

    fn open(&mut self, id: usize) {
        if !matches!(self.ids[id].stage, Stage::Open(_)) {
            self.ids[id].stage = Stage::Open(self.transactions.len());
            self.transactions.push(Fate::Open);
        }
    }

    /// The number of the transaction that the id has open.
    pub(crate) fn transaction(&self, id: usize) -> Option<usize> {
        match self.ids[id].stage {
            Stage::Open(number) => Some(number),
            Stage::Empty | Stage::Ended(_) => None,
        }
    }

    /// The open transaction, if there is one, ends.
    pub(crate) fn end(&mut self, id: usize, commit: bool) {
        if let Some(number) = self.transaction(id) {
            self.transactions[number] = if commit { Fate::Committed } else { Fate::Aborted };
            let id = &mut self.ids[id];
            id.stage = Stage::Ended(commit);
            id.partitions.clear();
            id.offsets.clear();
        }
    }

    pub(crate) fn commit_offset(
        &mut self,
        group: usize,
        partition: usize,
        offset: i64,
        transaction: Option<usize>,
    ) {
        self.offsets.push(Committed { group, partition, offset, transaction });
    }

    fn fate(&self, transaction: Option<usize>) -> Fate {
        transaction.map_or(Fate::Committed, |number| self.transactions[number])
    }

    /// The last stable offset of a partition that ends at `end`: where the oldest open transaction
    /// begins.
    pub(crate) fn last_stable_offset(&self, partition: usize, end: i64) -> i64 {
        let mut records = self.records[partition].iter();
        let open = records.find(|it| self.fate(it.transaction) == Fate::Open);
        open.map_or(end, |it| it.offset)
    }

    /// Offsets and values from `from` on, that a reader sees which reads all, or what is committed.
    pub(crate) fn visible(
        &self,
        partition: usize,
        from: i64,
        is_committed_only: bool,
    ) -> Vec<(i64, String)> {
        let stable = self.last_stable_offset(partition, i64::MAX);
        let visible = |it: &&Record| {
            let is_committed = self.fate(it.transaction) == Fate::Committed && it.offset < stable;
            it.offset >= from && (is_committed || !is_committed_only)
        };
        let records = self.records[partition].iter().filter(visible);
        records.map(|it| (it.offset, it.value.clone())).collect()
    }

    /// The offset that counts for a group, −1 for none, and whether a transaction may change that.
    pub(crate) fn offset(&self, group: usize, partition: usize) -> (i64, bool) {
        let (mut counts, mut is_pending) = (-1, false);
        for it in self.offsets.iter().filter(|it| (it.group, it.partition) == (group, partition)) {
            match self.fate(it.transaction) {
                Fate::Committed => counts = it.offset,
                Fate::Open => is_pending = true,
                Fate::Aborted => {}
            }
        }
        (counts, is_pending)
    }
}

fn check_write(id: &Id, epoch: i16, is_open: bool) -> i16 {
    if id.epoch != epoch {
        INVALID_PRODUCER_EPOCH
    } else if is_open {
        0
    } else {
        INVALID_TXN_STATE
    }
}
