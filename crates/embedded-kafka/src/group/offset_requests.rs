//! The committed offsets of all groups: writes them to the log before they count, and deletes them
//! with a group or a topic.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use tracing::warn;

use super::group_coordinator::{GroupCell, GroupCoordinator, is_valid_group_id};
use super::messages::Commit;
use super::offset_store::{Key, Logged, OffsetToCommit, Offsets, TopicOffsets};
use super::state_machine::Group;
use crate::log::Producer;
use crate::records::{GroupMetadataKey, OffsetCommitKey};
use crate::time::Timestamp;

impl GroupCoordinator {
    /// Handles OffsetCommit: one result for each offset, or one error for all. The empty group id
    /// is allowed, as it was in Kafka's earliest versions.
    pub(crate) fn commit(
        &self,
        group_id: &str,
        commit: &Commit,
        offsets: Vec<OffsetToCommit>,
        now: Timestamp,
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        let cell = self.find_to_commit(group_id, commit, now)?;
        self.step(&cell, now, |group, step| {
            group.check_commit(commit, step)?;
            self.write_offsets(group, None, offsets)
        })
    }

    /// Handles TxnOffsetCommit: offsets that count once the producer's transaction is committed.
    /// One result for each offset, or one error for all. The caller checks that the transaction is
    /// open and includes this group's offsets.
    pub(crate) fn commit_pending(
        &self,
        group_id: &str,
        producer: Producer,
        commit: &Commit,
        offsets: Vec<OffsetToCommit>,
        now: Timestamp,
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        if !is_valid_group_id(group_id) {
            return Err(ResponseError::InvalidGroupId);
        }
        let cell = self.find_to_commit(group_id, commit, now)?;
        self.step(&cell, now, |group, _| {
            group.check_pending_commit(commit)?;
            let partition = self.log.partition_for(group_id);
            self.expect_marker(partition, producer.id, group_id);
            self.write_offsets(group, Some(producer), offsets)
        })
    }

    /// Handles the marker that ends a producer's transaction in this partition of
    /// `__consumer_offsets`: its offsets count from now on, or are dropped.
    pub(crate) fn complete_pending(
        &self,
        producer_id: i64,
        partition: i32,
        commit: bool,
        now: Timestamp,
    ) {
        let groups = self.awaiting_markers.lock().remove(&(partition, producer_id));
        for group_id in groups.into_iter().flatten() {
            if let Some(cell) = self.find(&group_id) {
                self.step(&cell, now, |group, _| group.offsets.complete(producer_id, commit));
            }
        }
    }

    /// Notes that a marker of this producer concerns the group. Called with the group locked and
    /// before the offsets are written: the thread that handles the marker finds the group, and
    /// waits for its lock until the offsets are there.
    pub(super) fn expect_marker(&self, partition: i32, producer_id: i64, group_id: &str) {
        let mut awaiting = self.awaiting_markers.lock();
        awaiting.entry((partition, producer_id)).or_default().insert(group_id.to_owned());
    }

    /// Returns the group, which a consumer with explicit partitions may create.
    fn find_to_commit(
        &self,
        group_id: &str,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Arc<GroupCell>, ResponseError> {
        match self.find(group_id) {
            Some(cell) => Ok(cell),
            None if group_id.len() > i16::MAX as usize => Err(ResponseError::InvalidGroupId),
            None if commit.generation < 0 => self.find_or_open(group_id, now),
            None if self.is_unloaded(self.log.partition_for(group_id)) => {
                Err(ResponseError::CoordinatorLoadInProgress)
            }
            None if commit.understands_unknown_group => Err(ResponseError::GroupIdNotFound),
            None => Err(ResponseError::IllegalGeneration),
        }
    }

    /// Writes offsets to the log, and then to the group.
    fn write_offsets(
        &self,
        group: &mut Group,
        producer: Option<Producer>,
        offsets: Vec<OffsetToCommit>,
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        let limit = self.settings().max_offset_metadata;
        let check = |offset: &OffsetToCommit| match offset.committed.metadata_fits(limit) {
            true => Ok(()),
            false => Err(ResponseError::OffsetMetadataTooLarge),
        };
        let answers = offsets.iter().map(check).collect();
        let accepted =
            offsets.into_iter().filter(|offset| check(offset).is_ok()).collect::<Vec<_>>();
        if accepted.is_empty() {
            return Ok(answers);
        }
        let records = accepted.iter().map(|offset| {
            let key = offset_key(&group.id, &offset.topic, offset.partition);
            (key, Some(offset.committed.to_record().encode()))
        });
        let first = self.append(&group.id, producer, records.collect())?;
        for (position, offset) in (first..).zip(accepted) {
            let logged = Logged { position, committed: offset.committed };
            let key = (offset.topic, offset.partition);
            group.offsets.put(producer.map(|producer| producer.id), key, logged);
        }
        Ok(answers)
    }

    /// Handles OffsetFetch: the committed offsets of the requested partitions (`None`: of all). An
    /// unknown group has committed nothing. With `require_stable` a partition with a pending offset
    /// of an open transaction gets UNSTABLE_OFFSET_COMMIT (KIP-447).
    pub(crate) fn fetch_offsets(
        &self,
        group_id: &str,
        asked: Option<&[(String, Vec<i32>)]>,
        require_stable: bool,
    ) -> Vec<TopicOffsets> {
        match self.find(group_id) {
            Some(cell) => cell.group.lock().offsets.fetch(asked, require_stable),
            None => Offsets::default().fetch(asked, require_stable),
        }
    }

    /// Handles DeleteGroups: deletes a group without members, with its committed and pending
    /// offsets.
    pub(crate) fn delete(&self, group_id: &str, now: Timestamp) -> Result<(), ResponseError> {
        let cell = self.find(group_id).ok_or(ResponseError::GroupIdNotFound)?;
        self.step(&cell, now, |group, _| {
            group.check_delete()?;
            self.delete_group(group, now)
        })?;
        self.remove(group_id, &cell);
        Ok(())
    }

    pub(super) fn delete_group(
        &self,
        group: &mut Group,
        now: Timestamp,
    ) -> Result<(), ResponseError> {
        let mut records = tombstones(&group.id, &group.offsets.keys());
        records.extend(Self::consumer_tombstones(group, now));
        if group.is_stored {
            records.push((GroupMetadataKey { group: group.id.clone() }.encode(), None));
        }
        self.append_if_any(&group.id, records)?;
        group.mark_deleted(now);
        Ok(())
    }

    /// Handles OffsetDelete: one result for each partition, or one error for all.
    pub(crate) fn delete_offsets(
        &self,
        group_id: &str,
        partitions: &[(String, i32)],
        now: Timestamp,
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        if !is_valid_group_id(group_id) {
            return Err(ResponseError::InvalidGroupId);
        }
        let cell = self.find(group_id).ok_or(ResponseError::GroupIdNotFound)?;
        self.step(&cell, now, |group, _| {
            group.check_delete_offsets()?;
            let answers = partitions
                .iter()
                .map(|(topic, _)| match group.is_subscribed_to(topic) {
                    true => Err(ResponseError::GroupSubscribedToTopic),
                    false => Ok(()),
                })
                .collect::<Vec<_>>();
            let deletable = partitions
                .iter()
                .zip(&answers)
                .filter(|(key, answer)| answer.is_ok() && group.offsets.contains(key))
                .map(|(key, _)| key.clone())
                .collect::<BTreeSet<_>>();
            self.remove_offsets(group, &deletable)?;
            Ok(answers)
        })
    }

    /// Deletes all groups' committed and pending offsets for deleted topics: consumers of a new
    /// topic of the same name would otherwise start at the offsets of the old one. In partitions
    /// that are not loaded that happens once they are.
    pub(crate) fn delete_offsets_of_topics(&self, topics: &[&str], now: Timestamp) {
        let mut groups = self.groups.write();
        for gone in groups.unloaded.values_mut() {
            gone.extend(topics.iter().map(|&topic| topic.to_owned()));
        }
        let cells =
            groups.cells_where(|group_id| groups.is_loaded(|| self.log.partition_for(group_id)));
        drop(groups);
        self.delete_offsets_of(cells, |topic| topics.contains(&topic), now);
    }

    /// Deletes committed offsets of topics that do not exist: their deletion had begun when the
    /// cluster was killed.
    pub(crate) fn delete_offsets_of_unknown_topics(
        &self,
        exists: impl Fn(&str) -> bool,
        now: Timestamp,
    ) {
        let cells = self.groups.read().cells_where(|_| true);
        self.delete_offsets_of(cells, |topic| !exists(topic), now);
    }

    /// Deletes the committed offsets of these groups for deleted topics.
    pub(super) fn delete_offsets_of(
        &self,
        cells: Vec<Arc<GroupCell>>,
        is_gone: impl Fn(&str) -> bool,
        now: Timestamp,
    ) {
        for cell in cells {
            self.step(&cell, now, |group, _| {
                let mut gone = group.offsets.keys();
                gone.retain(|(topic, _)| is_gone(topic));
                if let Err(error) = self.remove_offsets(group, &gone) {
                    warn!(group = group.id, %error, "offsets of deleted topics stay committed");
                }
            });
        }
    }

    fn remove_offsets(&self, group: &mut Group, keys: &BTreeSet<Key>) -> Result<(), ResponseError> {
        self.append_if_any(&group.id, tombstones(&group.id, keys))?;
        for key in keys {
            group.offsets.remove(key);
        }
        Ok(())
    }
}

fn offset_key(group: &str, topic: &str, partition: i32) -> Bytes {
    OffsetCommitKey { group: group.to_owned(), topic: topic.to_owned(), partition }.encode()
}

fn tombstones(group: &str, keys: &BTreeSet<Key>) -> Vec<(Bytes, Option<Bytes>)> {
    keys.iter().map(|(topic, partition)| (offset_key(group, topic, *partition), None)).collect()
}
