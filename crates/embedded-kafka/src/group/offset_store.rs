//! The offsets of a group: committed ones, and pending ones that wait for the end of a transaction.
//!
//! A transaction's offsets are in the log, and count only once it has ended with a commit. The end
//! is a marker in the same partition of `__consumer_offsets`: offsets before it are taken over or
//! dropped as a whole. A plain commit after a pending one in the log is the newer of the two,
//! whenever the transaction ends. Old offsets do not expire here (Kafka deletes them after
//! `offsets.retention.minutes`). `permissions` decides who may commit.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;

use crate::records::OffsetCommitValue;
use crate::time::Timestamp;

/// One committed offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommittedOffset {
    /// The next offset to read.
    pub(crate) offset: i64,
    /// The leader epoch, −1 if the client did not send it.
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
    pub(crate) commit_timestamp: Timestamp,
    /// −1 unless an old client asked for a retention time of its own.
    pub(crate) expire_timestamp: Timestamp,
}

impl CommittedOffset {
    pub(super) fn from_record(value: OffsetCommitValue) -> Self {
        Self {
            offset: value.offset,
            leader_epoch: value.leader_epoch,
            metadata: value.metadata,
            commit_timestamp: value.commit_timestamp,
            expire_timestamp: value.expire_timestamp,
        }
    }

    pub(super) fn to_record(&self) -> OffsetCommitValue {
        OffsetCommitValue {
            offset: self.offset,
            leader_epoch: self.leader_epoch,
            metadata: self.metadata.clone(),
            commit_timestamp: self.commit_timestamp,
            expire_timestamp: self.expire_timestamp,
            topic_id: uuid::Uuid::nil(),
        }
    }

    /// Returns whether the metadata is within the limit, which Kafka counts in UTF-16 units.
    pub(super) fn metadata_fits(&self, limit: usize) -> bool {
        self.metadata.len() <= limit || self.metadata.encode_utf16().count() <= limit
    }
}

/// A commit for one partition.
#[derive(Debug, Clone)]
pub(crate) struct OffsetToCommit {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) committed: CommittedOffset,
}

/// The response for one partition: the offset, if one is committed. The error is
/// UNSTABLE_OFFSET_COMMIT, if the client wants no offset that may change in a moment.
pub(crate) type FetchedOffset = Result<Option<CommittedOffset>, ResponseError>;

/// A topic with the committed offset of each partition.
pub(crate) type TopicOffsets = (String, Vec<(i32, FetchedOffset)>);

/// All committed offsets of a group, and the pending ones of transactions.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    topics: BTreeMap<String, BTreeMap<i32, Logged>>,
    pending: Pending,
}

impl Offsets {
    pub(super) fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.pending.is_empty()
    }

    fn get(&self, topic: &str, partition: i32) -> Option<&Logged> {
        self.topics.get(topic)?.get(&partition)
    }

    /// Returns whether there is an offset for the partition, pending or not.
    pub(super) fn contains(&self, key: &Key) -> bool {
        self.get(&key.0, key.1).is_some() || self.pending.contains(key)
    }

    /// Adds an offset that was written to the log: a pending one if it is part of a transaction.
    pub(super) fn put(&mut self, producer_id: Option<i64>, key: Key, logged: Logged) {
        match producer_id {
            Some(producer_id) => self.pending.put(producer_id, key, logged),
            None => {
                self.topics.entry(key.0).or_default().insert(key.1, logged);
            }
        }
    }

    /// Ends the producer's transaction: its offsets count, if nothing newer is committed, or are
    /// dropped.
    pub(super) fn complete(&mut self, producer_id: i64, commit: bool) {
        let ended = self.pending.take(producer_id);
        for (key, logged) in ended.into_iter().filter(|_| commit) {
            let current = self.get(&key.0, key.1);
            if current.is_none_or(|current| current.position < logged.position) {
                self.put(None, key, logged);
            }
        }
    }

    /// Removes the partition's committed and pending offsets.
    pub(super) fn remove(&mut self, key: &Key) {
        if let Some(partitions) = self.topics.get_mut(&key.0) {
            partitions.remove(&key.1);
            if partitions.is_empty() {
                self.topics.remove(&key.0);
            }
        }
        self.pending.remove(key);
    }

    /// Returns every topic and partition that has an offset, pending or not.
    pub(super) fn keys(&self) -> BTreeSet<Key> {
        let committed = self.topics.iter().flat_map(|(topic, partitions)| {
            partitions.keys().map(|partition| (topic.clone(), *partition))
        });
        committed.chain(self.pending.keys()).collect()
    }

    /// Returns the committed offsets of the requested partitions, or of all.
    pub(super) fn fetch(
        &self,
        asked: Option<&[(String, Vec<i32>)]>,
        require_stable: bool,
    ) -> Vec<TopicOffsets> {
        let fetched = |topic: &String, partition: i32| {
            if require_stable && self.pending.contains(&(topic.clone(), partition)) {
                return (partition, Err(ResponseError::UnstableOffsetCommit));
            }
            let logged = self.get(topic, partition);
            (partition, Ok(logged.map(|logged| logged.committed.clone())))
        };
        let Some(asked) = asked else {
            // A partition with only a pending offset is not among them.
            let all = self.topics.iter().map(|(topic, partitions)| {
                let offsets = partitions.keys().map(|partition| fetched(topic, *partition));
                (topic.clone(), offsets.collect())
            });
            return all.collect();
        };
        let topics = asked.iter().map(|(topic, partitions)| {
            let offsets = partitions.iter().map(|partition| fetched(topic, *partition));
            (topic.clone(), offsets.collect())
        });
        topics.collect()
    }
}

/// A committed offset, and the position in the log at which it was written.
#[derive(Debug)]
pub(super) struct Logged {
    pub(super) position: i64,
    pub(super) committed: CommittedOffset,
}

/// A topic and one of its partitions.
pub(super) type Key = (String, i32);

/// The pending offsets of a group, by producer id.
#[derive(Debug, Default)]
pub(super) struct Pending {
    by_producer: BTreeMap<i64, BTreeMap<Key, Logged>>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.by_producer.is_empty()
    }

    /// Returns whether an open transaction has written an offset for the partition.
    pub(super) fn contains(&self, key: &Key) -> bool {
        self.by_producer.values().any(|offsets| offsets.contains_key(key))
    }

    /// Returns the partitions with pending offsets.
    pub(super) fn keys(&self) -> BTreeSet<Key> {
        self.by_producer.values().flat_map(BTreeMap::keys).cloned().collect()
    }

    pub(super) fn put(&mut self, producer_id: i64, key: Key, logged: Logged) {
        self.by_producer.entry(producer_id).or_default().insert(key, logged);
    }

    /// Removes the pending offsets of the partition.
    pub(super) fn remove(&mut self, key: &Key) {
        self.by_producer.retain(|_, offsets| {
            offsets.remove(key);
            !offsets.is_empty()
        });
    }

    /// Removes and returns all offsets of the producer's transaction, which has ended.
    pub(super) fn take(&mut self, producer_id: i64) -> BTreeMap<Key, Logged> {
        self.by_producer.remove(&producer_id).unwrap_or_default()
    }
}
