//! What a restart finds: every record and every marker of `__consumer_offsets`, in the order of
//! the log.

use tracing::debug;

use super::coordinator::Groups;
use super::offsets::CommittedOffset;
use super::pending::Logged;
use crate::records::{GroupMetadataValue, OffsetCommitKey, OffsetCommitValue, OffsetsKey};
use crate::time::Timestamp;

/// What a partition of `__consumer_offsets` holds.
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

impl Groups {
    /// Takes in what a partition of `__consumer_offsets` holds, in the order of the log, before
    /// the first request. What cannot be read is left out. Offsets of a transaction whose marker
    /// does not follow stay pending: its coordinator has still to end it.
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
                Ok(OffsetsKey::Unknown(kind)) => {
                    debug!(kind, "a record of a kind that is not kept here");
                }
                Err(error) => debug!(%error, "a record whose key cannot be read"),
            },
            LogEntry::Marker { producer_id, commit } => {
                self.complete_pending(producer_id, partition, commit, 0);
            }
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

    /// The log has been replayed to its end: sessions begin, and what was deleted is forgotten.
    pub(crate) fn replayed(&self, now: Timestamp) {
        self.groups.write().retain(|_, cell| {
            let group = cell.group.lock();
            group.is_stored || !group.is_forgettable()
        });
        let cells = self.groups.read().values().cloned().collect::<Vec<_>>();
        for cell in cells {
            self.step(&cell, now, |group, step| group.start_sessions(step));
        }
    }
}
