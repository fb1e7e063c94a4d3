//! All groups' committed offsets: what is written to the log before it counts, and what is deleted
//! with a group or a topic.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use tracing::warn;

use super::coordinator::{Groups, is_valid_group_id};
use super::offsets::{Commit, OffsetToCommit, Offsets, TopicOffsets};
use super::state::Group;
use crate::records::{GroupMetadataKey, OffsetCommitKey};
use crate::time::Timestamp;

impl Groups {
    /// OffsetCommit: one answer for each offset, or one error for all. The empty group id is
    /// allowed, as it was in Kafka's earliest versions.
    pub(crate) fn commit(
        &self,
        group_id: &str,
        commit: &Commit,
        offsets: Vec<OffsetToCommit>,
        now: Timestamp,
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        let cell = match self.find(group_id) {
            Some(cell) => cell,
            None if group_id.len() > i16::MAX as usize => {
                return Err(ResponseError::InvalidGroupId);
            }
            None if commit.generation < 0 => self.find_or_create(group_id, now),
            None if commit.understands_unknown_group => {
                return Err(ResponseError::GroupIdNotFound);
            }
            None => return Err(ResponseError::IllegalGeneration),
        };
        self.step(&cell, now, |group, step| {
            group.check_commit(commit, step)?;
            self.write_offsets(group, offsets)
        })
    }

    /// Writes offsets to the log, and then to the group.
    fn write_offsets(
        &self,
        group: &mut Group,
        offsets: Vec<OffsetToCommit>,
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        let fits = |offset: &OffsetToCommit| {
            offset.committed.metadata_fits(self.settings.max_offset_metadata)
        };
        let answers = offsets
            .iter()
            .map(
                |offset| {
                    if fits(offset) { Ok(()) } else { Err(ResponseError::OffsetMetadataTooLarge) }
                },
            )
            .collect();
        let accepted = offsets.into_iter().filter(fits).collect::<Vec<_>>();
        let records = accepted.iter().map(|offset| {
            let key = offset_key(&group.id, &offset.topic, offset.partition);
            (key, Some(offset.committed.to_record().encode()))
        });
        self.append(&group.id, records.collect())?;
        for offset in accepted {
            group.offsets.put(offset.topic, offset.partition, offset.committed);
        }
        Ok(answers)
    }

    /// OffsetFetch: what is committed for the partitions asked for (`None`: for all). A group that
    /// nobody knows has committed nothing.
    pub(crate) fn fetch_offsets(
        &self,
        group_id: &str,
        asked: Option<&[(String, Vec<i32>)]>,
    ) -> Vec<TopicOffsets> {
        match self.find(group_id) {
            Some(cell) => cell.group.lock().offsets.fetch(asked),
            None => Offsets::default().fetch(asked),
        }
    }

    /// DeleteGroups: a group without members, with all that it has committed.
    pub(crate) fn delete(&self, group_id: &str, now: Timestamp) -> Result<(), ResponseError> {
        let cell = self.find(group_id).ok_or(ResponseError::GroupIdNotFound)?;
        self.step(&cell, now, |group, _| {
            group.check_delete()?;
            self.bury(group, now)
        })?;
        self.remove(group_id, &cell);
        Ok(())
    }

    pub(super) fn bury(&self, group: &mut Group, now: Timestamp) -> Result<(), ResponseError> {
        let keys = group.offsets.keys();
        let mut records = tombstones(&group.id, &keys);
        if group.is_stored {
            records.push((GroupMetadataKey { group: group.id.clone() }.encode(), None));
        }
        self.append(&group.id, records)?;
        group.bury(now);
        Ok(())
    }

    /// OffsetDelete: one answer for each partition, or one error for all.
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
                .filter(|((topic, partition), answer)| {
                    answer.is_ok() && group.offsets.get(topic, *partition).is_some()
                })
                .map(|(key, _)| key.clone())
                .collect::<Vec<_>>();
            self.remove_offsets(group, &deletable)?;
            Ok(answers)
        })
    }

    /// Deletes what all groups have committed for topics that are gone: a topic of the same name
    /// would otherwise be read from where the old one was left.
    pub(crate) fn forget_topics(&self, topics: &[&str], now: Timestamp) {
        let cells = self.groups.read().values().cloned().collect::<Vec<_>>();
        for cell in cells {
            self.step(&cell, now, |group, _| {
                let gone = topics.iter().flat_map(|topic| group.offsets.partitions_of(topic));
                let gone = gone.collect::<Vec<_>>();
                if let Err(error) = self.remove_offsets(group, &gone) {
                    warn!(group = group.id, %error, "offsets of deleted topics stay committed");
                }
            });
        }
    }

    fn remove_offsets(
        &self,
        group: &mut Group,
        keys: &[(String, i32)],
    ) -> Result<(), ResponseError> {
        self.append(&group.id, tombstones(&group.id, keys))?;
        for (topic, partition) in keys {
            group.offsets.remove(topic, *partition);
        }
        Ok(())
    }
}

fn offset_key(group: &str, topic: &str, partition: i32) -> Bytes {
    OffsetCommitKey { group: group.to_owned(), topic: topic.to_owned(), partition }.encode()
}

fn tombstones(group: &str, keys: &[(String, i32)]) -> Vec<(Bytes, Option<Bytes>)> {
    keys.iter().map(|(topic, partition)| (offset_key(group, topic, *partition), None)).collect()
}
