//! A log of `__consumer_offsets` in memory, and groups over it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use super::super::{CommittedOffset, OffsetToCommit, TopicOffsets, Topics};
use super::*;
use crate::group::group_coordinator::{GroupCoordinator, OffsetsLog};
use crate::group::load_groups::LogEntry;
use crate::log::Producer;
use crate::metadata::names::partition_of;

pub(super) type Record = (Bytes, Option<Bytes>);

/// The number of partitions of the log.
const PARTITIONS: i32 = 50;

/// An entry at one offset. A single count of offsets serves all partitions.
#[derive(Debug, Clone)]
pub(in crate::group) struct Entry {
    partition: i32,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Record { producer_id: Option<i64>, record: Record },
    Marker { producer_id: i64, commit: bool },
}

/// A log that can be full.
#[derive(Default)]
pub(in crate::group) struct MemoryLog {
    entries: Mutex<Vec<Entry>>,
    pub(in crate::group) failure: Mutex<Option<ResponseError>>,
}

/// A cluster without topics: no group of the consumer protocol needs them.
pub(in crate::group) struct NoTopics;

impl Topics for NoTopics {
    fn find(&self, _: &str) -> Option<(uuid::Uuid, i32)> {
        None
    }

    fn name(&self, _: uuid::Uuid) -> Option<String> {
        None
    }

    fn matching(&self, _: &dyn Fn(&str) -> bool) -> BTreeSet<String> {
        BTreeSet::new()
    }
}

impl OffsetsLog for MemoryLog {
    fn append(
        &self,
        partition: i32,
        producer: Option<Producer>,
        records: Vec<Record>,
    ) -> Result<i64, ResponseError> {
        assert!((0..PARTITIONS).contains(&partition));
        assert!(!records.is_empty());
        if let Some(error) = *self.failure.lock() {
            return Err(error);
        }
        let mut entries = self.entries.lock();
        let first = entries.len() as i64;
        let producer_id = producer.map(|producer| producer.id);
        entries.extend(
            records.into_iter().map(|record| Entry {
                partition,
                content: Content::Record { producer_id, record },
            }),
        );
        Ok(first)
    }

    fn partition_for(&self, group: &str) -> i32 {
        partition_of(group, PARTITIONS)
    }
}

impl MemoryLog {
    /// Writes the end of a producer's transaction to the partition of a group, as the coordinator
    /// of the transaction does before it informs the groups.
    pub(in crate::group) fn append_marker(&self, group: &str, producer_id: i64, commit: bool) {
        let content = Content::Marker { producer_id, commit };
        self.entries.lock().push(Entry { partition: self.partition_for(group), content });
    }

    pub(in crate::group) fn len(&self) -> usize {
        self.entries.lock().len()
    }

    /// Returns every record, oldest first.
    pub(in crate::group) fn records(&self) -> Vec<Record> {
        let entries = self.entries.lock();
        let records = entries.iter().filter_map(|entry| match &entry.content {
            Content::Record { record, .. } => Some(record.clone()),
            Content::Marker { .. } => None,
        });
        records.collect()
    }

    /// Returns the log after compaction: the last value of each key.
    pub(in crate::group) fn compacted(&self) -> BTreeMap<Bytes, Bytes> {
        let mut kept = BTreeMap::new();
        for (key, value) in self.records() {
            match value {
                Some(value) => kept.insert(key, value),
                None => kept.remove(&key),
            };
        }
        kept
    }

    /// Loads the first `length` entries into groups.
    pub(in crate::group) fn replay(&self, groups: &GroupCoordinator, length: usize) {
        for (position, entry) in self.entries.lock()[..length].iter().enumerate() {
            let replayed = match &entry.content {
                Content::Record { producer_id, record: (key, value) } => LogEntry::Record {
                    position: position as i64,
                    producer_id: *producer_id,
                    key,
                    value: value.as_deref(),
                },
                Content::Marker { producer_id, commit } => {
                    LogEntry::Marker { producer_id: *producer_id, commit: *commit }
                }
            };
            groups.replay(entry.partition, replayed);
        }
    }
}

pub(in crate::group) const GROUP: &str = "east-coast-dpt";

pub(in crate::group) fn groups(log: &Arc<MemoryLog>) -> GroupCoordinator {
    let settings = Settings { initial_rebalance_delay_ms: 0, ..Settings::default() };
    GroupCoordinator::new(log.clone(), settings, Box::new(|_| {}))
}

/// Returns the same groups after a restart at `now`.
pub(in crate::group) fn restarted(log: &Arc<MemoryLog>, now: Timestamp) -> GroupCoordinator {
    restarted_after(log, log.len(), now)
}

/// Returns the groups after a restart at `now` that found the first `length` entries of the log.
pub(in crate::group) fn restarted_after(
    log: &Arc<MemoryLog>,
    length: usize,
    now: Timestamp,
) -> GroupCoordinator {
    let groups = groups(log);
    log.replay(&groups, length);
    groups.finish_loading(|_| true, now);
    groups
}

pub(in crate::group) fn on_its_own() -> Commit {
    Commit {
        generation: -1,
        member_id: String::new(),
        instance_id: None,
        understands_unknown_group: true,
    }
}

pub(in crate::group) fn offset(topic: &str, partition: i32, offset: i64) -> OffsetToCommit {
    let committed = CommittedOffset {
        offset,
        leader_epoch: 3,
        metadata: "gate 7".into(),
        commit_timestamp: 17,
        expire_timestamp: -1,
    };
    OffsetToCommit { topic: topic.into(), partition, committed }
}

/// Returns all committed offsets of a group.
pub(in crate::group) fn fetched(groups: &GroupCoordinator) -> Vec<(String, i32, i64)> {
    let flat = |(topic, partitions): TopicOffsets| {
        let offsets = partitions.into_iter();
        offsets.map(move |(partition, at)| (topic.clone(), partition, at.unwrap().unwrap().offset))
    };
    groups.fetch_offsets(GROUP, None, false).into_iter().flat_map(flat).collect()
}
