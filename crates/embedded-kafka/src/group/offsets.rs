//! Committed offsets: who may commit them, what is kept of them, and who may delete them.
//!
//! What open transactions commit is kept apart until they end. Old offsets do not expire here
//! (Kafka forgets them after `offsets.retention.minutes`).

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;

use super::Step;
use super::pending::{Key, Logged, Pending};
use super::state::{Group, State};
use crate::records::OffsetCommitValue;
use crate::time::Timestamp;

/// One committed offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommittedOffset {
    /// The next offset to read.
    pub(crate) offset: i64,
    /// −1 where the client did not say.
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

    /// Whether the metadata is within the limit, which Kafka counts in UTF-16 units.
    pub(super) fn metadata_fits(&self, limit: usize) -> bool {
        self.metadata.len() <= limit || self.metadata.encode_utf16().count() <= limit
    }
}

/// Who commits. The version of the request decides on an error code alone.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    /// −1 for a consumer that assigns its partitions itself.
    pub(crate) generation: i32,
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    /// Whether the client understands GROUP_ID_NOT_FOUND (version 9).
    pub(crate) understands_unknown_group: bool,
}

impl Commit {
    /// Whether the client says that it is a member of the group.
    pub(super) fn claims_membership(&self) -> bool {
        self.generation >= 0 || !self.member_id.is_empty() || self.instance_id.is_some()
    }
}

/// What is to be committed for one partition.
#[derive(Debug, Clone)]
pub(crate) struct OffsetToCommit {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) committed: CommittedOffset,
}

/// What a client is told of one partition: the offset, if one is committed. The error is
/// UNSTABLE_OFFSET_COMMIT, for those who want to know no offset that may be another in a moment.
pub(crate) type FetchedOffset = Result<Option<CommittedOffset>, ResponseError>;

/// A topic and, for each partition, what is committed there.
pub(crate) type TopicOffsets = (String, Vec<(i32, FetchedOffset)>);

/// All committed offsets of a group, and those that wait for the end of a transaction.
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

    /// Whether there is an offset for the partition, pending or not.
    pub(super) fn contains(&self, key: &Key) -> bool {
        self.get(&key.0, key.1).is_some() || self.pending.contains(key)
    }

    /// Takes in what was written to the log: pending where a transaction did it.
    pub(super) fn put(&mut self, producer_id: Option<i64>, key: Key, logged: Logged) {
        match producer_id {
            Some(producer_id) => self.pending.put(producer_id, key, logged),
            None => {
                self.topics.entry(key.0).or_default().insert(key.1, logged);
            }
        }
    }

    /// The producer's transaction has ended: its offsets count, where nothing newer is committed,
    /// or are dropped.
    pub(super) fn complete(&mut self, producer_id: i64, commit: bool) {
        let ended = self.pending.take(producer_id);
        for (key, logged) in ended.into_iter().filter(|_| commit) {
            let current = self.get(&key.0, key.1);
            if current.is_none_or(|current| current.position < logged.position) {
                self.put(None, key, logged);
            }
        }
    }

    /// Forgets the partition's offset, and what is pending there.
    pub(super) fn remove(&mut self, key: &Key) {
        if let Some(partitions) = self.topics.get_mut(&key.0) {
            partitions.remove(&key.1);
            if partitions.is_empty() {
                self.topics.remove(&key.0);
            }
        }
        self.pending.remove(key);
    }

    /// Every topic and partition that has an offset, pending or not.
    pub(super) fn keys(&self) -> BTreeSet<Key> {
        let committed = self.topics.iter().flat_map(|(topic, partitions)| {
            partitions.keys().map(|partition| (topic.clone(), *partition))
        });
        committed.chain(self.pending.keys()).collect()
    }

    /// What is committed for the partitions asked for, or for all that have anything.
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
            // A partition that has nothing but a pending offset is not among them.
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

impl Group {
    /// Whether the client may commit now. A member's commit keeps its session alive.
    pub(crate) fn check_commit(
        &mut self,
        commit: &Commit,
        step: &Step<'_>,
    ) -> Result<(), ResponseError> {
        if let Some(consumer) = &self.consumer {
            return consumer.check_commit(commit);
        }
        match self.state {
            State::Dead => return Err(ResponseError::CoordinatorNotAvailable),
            // An administrator, or a consumer that assigns its partitions itself.
            State::Empty if commit.generation < 0 => return Ok(()),
            State::Empty
            | State::PreparingRebalance
            | State::CompletingRebalance
            | State::Stable => {}
        }
        if !commit.claims_membership() {
            return Err(ResponseError::UnknownMemberId);
        }
        self.validate_member(&commit.member_id, commit.instance_id.as_deref())?;
        if commit.generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        match self.state {
            // The member knows the generation, and not yet what it is assigned in it.
            State::CompletingRebalance => Err(ResponseError::RebalanceInProgress),
            State::Stable | State::PreparingRebalance => {
                self.renew_session(&commit.member_id, step);
                Ok(())
            }
            State::Empty | State::Dead => Ok(()),
        }
    }

    /// Whether offsets of this group may be deleted one by one: while it has members only those
    /// of topics that none of them reads, which only the consumer protocol tells.
    pub(crate) fn check_delete_offsets(&self) -> Result<(), ResponseError> {
        match self.state {
            State::Dead => Err(ResponseError::GroupIdNotFound),
            State::Empty => Ok(()),
            State::PreparingRebalance | State::CompletingRebalance | State::Stable => {
                if self.uses_consumer_protocol() {
                    Ok(())
                } else {
                    Err(ResponseError::NonEmptyGroup)
                }
            }
        }
    }

    /// Whether a member reads the topic. If nobody can tell, it may be so.
    pub(crate) fn is_subscribed_to(&self, topic: &str) -> bool {
        if let Some(consumer) = &self.consumer {
            return consumer.is_subscribed_to(topic);
        }
        match &self.subscribed_topics {
            Some(topics) => topics.contains(topic),
            None => self.uses_consumer_protocol(),
        }
    }

    /// Whether the group may be deleted.
    pub(crate) fn check_delete(&self) -> Result<(), ResponseError> {
        match self.state {
            State::Dead => Err(ResponseError::GroupIdNotFound),
            State::Empty if self.consumer.as_ref().is_some_and(|it| !it.is_empty()) => {
                Err(ResponseError::NonEmptyGroup)
            }
            State::Empty => Ok(()),
            State::PreparingRebalance | State::CompletingRebalance | State::Stable => {
                Err(ResponseError::NonEmptyGroup)
            }
        }
    }
}
