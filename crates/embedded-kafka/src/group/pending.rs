//! Offsets that a transaction commits: they are in the log, and count only once the transaction
//! has ended with a commit.
//!
//! The end is a marker in the same partition of `__consumer_offsets`. What was written by then is
//! taken over or dropped as a whole. A plain commit that stands behind a pending one in the log is
//! the newer of the two, whenever the transaction ends.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;

use super::offsets::{Commit, CommittedOffset};
use super::state::{Group, State};

/// A committed offset, and the position in the log at which it was written.
#[derive(Debug)]
pub(super) struct Logged {
    pub(super) position: i64,
    pub(super) committed: CommittedOffset,
}

/// A topic and one of its partitions.
pub(super) type Key = (String, i32);

/// What the open transactions have written for a group, by producer id.
#[derive(Debug, Default)]
pub(super) struct Pending {
    by_producer: BTreeMap<i64, BTreeMap<Key, Logged>>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.by_producer.is_empty()
    }

    /// Whether an open transaction has written an offset for the partition.
    pub(super) fn contains(&self, key: &Key) -> bool {
        self.by_producer.values().any(|offsets| offsets.contains_key(key))
    }

    /// The partitions that open transactions have written offsets for.
    pub(super) fn keys(&self) -> BTreeSet<Key> {
        self.by_producer.values().flat_map(BTreeMap::keys).cloned().collect()
    }

    pub(super) fn put(&mut self, producer_id: i64, key: Key, logged: Logged) {
        self.by_producer.entry(producer_id).or_default().insert(key, logged);
    }

    /// Forgets what any transaction has written for the partition.
    pub(super) fn remove(&mut self, key: &Key) {
        self.by_producer.retain(|_, offsets| {
            offsets.remove(key);
            !offsets.is_empty()
        });
    }

    /// All that the producer's transaction has written: it has ended.
    pub(super) fn take(&mut self, producer_id: i64) -> BTreeMap<Key, Logged> {
        self.by_producer.remove(&producer_id).unwrap_or_default()
    }
}

impl Group {
    /// Whether a transaction may commit offsets of this group (KIP-447). Unlike a consumer's own
    /// commit it is accepted during a rebalance and does not keep the member's session alive. A
    /// client that names neither generation nor member, as those before version 3, is trusted.
    pub(crate) fn check_pending_commit(&self, commit: &Commit) -> Result<(), ResponseError> {
        if let Some(consumer) = &self.consumer {
            return consumer.check_pending_commit(commit);
        }
        match self.state {
            State::Dead => return Err(ResponseError::CoordinatorNotAvailable),
            State::Empty if commit.generation < 0 => return Ok(()),
            State::Empty
            | State::PreparingRebalance
            | State::CompletingRebalance
            | State::Stable => {}
        }
        if !commit.claims_membership() {
            return Ok(());
        }
        self.validate_member(&commit.member_id, commit.instance_id.as_deref())?;
        if commit.generation == self.generation {
            Ok(())
        } else {
            Err(ResponseError::IllegalGeneration)
        }
    }
}
