//! Loads groups, after a restart or at the next coordinator: every record and every marker of a
//! partition of `__consumer_offsets`, in the order of the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::debug;

use super::group_coordinator::GroupCoordinator;
use super::offset_store::{CommittedOffset, Logged};
use crate::records::{GroupMetadataValue, OffsetCommitKey, OffsetCommitValue, OffsetsKey};
use crate::time::Timestamp;

/// An entry of a partition of `__consumer_offsets`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LogEntry<'a> {
    /// A record that is not of a control batch.
    Record {
        /// Its offset.
        position: i64,
        /// The producer whose transaction it is part of.
        producer_id: Option<i64>,
        key: &'a [u8],
        /// `None` deletes the key.
        value: Option<&'a [u8]>,
    },
    /// The end of a producer's transaction in this partition.
    Marker { producer_id: i64, commit: bool },
}

impl GroupCoordinator {
    /// Loads the entries of a partition of `__consumer_offsets`, in the order of the log, before
    /// the first request. Unreadable entries are skipped. Offsets of a transaction without a marker
    /// stay pending: its coordinator has still to end it.
    pub(crate) fn replay(&self, partition: i32, entry: LogEntry<'_>) {
        match entry {
            LogEntry::Record { position, producer_id, key, value } => match OffsetsKey::decode(key)
            {
                Ok(OffsetsKey::Offset(key)) => {
                    if let Some(producer_id) = producer_id {
                        self.expect_marker(partition, producer_id, &key.group);
                    }
                    self.replay_offset(position, producer_id, key, value);
                }
                Ok(OffsetsKey::Group(key)) => self.replay_group(&key.group, value),
                Ok(OffsetsKey::ConsumerGroup(key)) => self.replay_consumer_group(key, value),
                Ok(OffsetsKey::Unknown(kind)) => {
                    debug!(kind, "a record of a kind that is not kept here");
                }
                Err(error) => debug!(%error, "a record whose key cannot be read"),
            },
            LogEntry::Marker { producer_id, commit } => {
                self.replay_marker(producer_id, partition, commit);
            }
        }
    }

    fn replay_marker(&self, producer_id: i64, partition: i32, commit: bool) {
        let groups = self.awaiting_markers.lock().remove(&(partition, producer_id));
        for group_id in groups.into_iter().flatten() {
            let cell = self.find_or_create(&group_id, 0);
            cell.group.lock().offsets.complete(producer_id, commit);
        }
    }

    fn replay_offset(
        &self,
        position: i64,
        producer_id: Option<i64>,
        key: OffsetCommitKey,
        value: Option<&[u8]>,
    ) {
        let cell = self.find_or_create(&key.group, 0);
        let mut group = cell.group.lock();
        let partition = (key.topic, key.partition);
        match value.map(OffsetCommitValue::decode) {
            None => group.offsets.remove(&partition),
            Some(Ok(value)) => {
                let committed = CommittedOffset::from_record(value);
                group.offsets.put(producer_id, partition, Logged { position, committed });
            }
            Some(Err(error)) => {
                debug!(group = key.group, %error, "a committed offset that cannot be read");
            }
        }
    }

    fn replay_group(&self, group_id: &str, value: Option<&[u8]>) {
        let cell = self.find_or_create(group_id, 0);
        let mut group = cell.group.lock();
        match value.map(GroupMetadataValue::decode) {
            None => group.replay_tombstone(),
            Some(Ok(value)) => group.replay(value),
            Some(Err(error)) => debug!(group = group_id, %error, "a group that cannot be read"),
        }
    }

    /// Ends the loading of partitions that were replayed to their ends: their groups are available,
    /// sessions begin, and deleted groups are dropped.
    pub(crate) fn finish_loading(&self, is_loaded: impl Fn(i32) -> bool, now: Timestamp) {
        let is_concerned = |group_id: &str| is_loaded(self.log.partition_for(group_id));
        self.groups.write().by_id.retain(|group_id, cell| {
            let group = cell.group.lock();
            let is_stored = group.is_stored || group.consumer.is_some();
            !is_concerned(group_id) || is_stored || !group.may_be_deleted()
        });
        let cells = self.groups.read().cells_where(is_concerned);
        for cell in cells {
            self.step(&cell, now, |group, step| group.start_sessions(step));
        }
        self.mark_loaded(is_loaded, now);
    }

    /// Marks partitions as loaded, once nothing is left in them of topics that were deleted in the
    /// meantime.
    fn mark_loaded(&self, is_loaded: impl Fn(i32) -> bool, now: Timestamp) {
        loop {
            let mut groups = self.groups.write();
            let mut gone = BTreeMap::new();
            for (partition, topics) in &mut groups.unloaded {
                if is_loaded(*partition) && !topics.is_empty() {
                    gone.insert(*partition, std::mem::take(topics));
                }
            }
            if gone.is_empty() {
                groups.unloaded.retain(|partition, _| !is_loaded(*partition));
                groups.moves += 1;
                return;
            }
            drop(groups);
            for (partition, topics) in gone {
                let is_there = |group_id: &str| self.log.partition_for(group_id) == partition;
                let cells = self.groups.read().cells_where(is_there);
                self.delete_offsets_of(cells, |topic| topics.contains(topic), now);
            }
        }
    }

    /// Unloads partitions whose groups another node coordinates from now on, or none: drops their
    /// state here, and rejects the waiting requests, so that their clients look for the new
    /// coordinator.
    pub(crate) fn unload(&self, partitions: &[i32], now: Timestamp) {
        let mut groups = self.groups.write();
        for partition in partitions {
            groups.unloaded.entry(*partition).or_default();
        }
        groups.moves += 1;
        let mut gone = Vec::new();
        groups.by_id.retain(|group_id, cell| {
            let stays = !partitions.contains(&self.log.partition_for(group_id));
            if !stays {
                gone.push(Arc::clone(cell));
            }
            stays
        });
        drop(groups);
        // A request that has found a group before sees that it is dead, and is rejected, too.
        for cell in gone {
            cell.group.lock().leave_node(now);
            cell.changed.wake();
        }
        let mut awaiting = self.awaiting_markers.lock();
        awaiting.retain(|(partition, _), _| !partitions.contains(partition));
    }

    /// Returns how often partitions were unloaded or loaded again.
    pub(crate) fn moves(&self) -> u64 {
        self.groups.read().moves
    }

    /// Returns the partitions whose groups are not loaded.
    pub(crate) fn unloaded(&self) -> Vec<i32> {
        self.groups.read().unloaded.keys().copied().collect()
    }

    /// Returns whether the groups of a partition are not loaded.
    pub(crate) fn is_unloaded(&self, partition: i32) -> bool {
        self.groups.read().unloaded.contains_key(&partition)
    }
}
