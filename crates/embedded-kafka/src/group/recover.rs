//! What a restart finds: every record of `__consumer_offsets`, in the order of the log.

use tracing::debug;

use super::coordinator::Groups;
use super::offsets::CommittedOffset;
use crate::records::{GroupMetadataValue, OffsetCommitKey, OffsetCommitValue, OffsetsKey};
use crate::time::Timestamp;

impl Groups {
    /// Takes in a record of `__consumer_offsets`, in the order of the log, before the first
    /// request. What cannot be read is left out.
    pub(crate) fn replay(&self, key: &[u8], value: Option<&[u8]>) {
        match OffsetsKey::decode(key) {
            Ok(OffsetsKey::Offset(key)) => self.replay_offset(key, value),
            Ok(OffsetsKey::Group(key)) => self.replay_group(&key.group, value),
            Ok(OffsetsKey::Unknown(kind)) => {
                debug!(kind, "a record of a kind that is not kept here");
            }
            Err(error) => debug!(%error, "a record whose key cannot be read"),
        }
    }

    fn replay_offset(&self, key: OffsetCommitKey, value: Option<&[u8]>) {
        let cell = self.find_or_create(&key.group, 0);
        let mut group = cell.group.lock();
        match value.map(OffsetCommitValue::decode) {
            None => group.offsets.remove(&key.topic, key.partition),
            Some(Ok(value)) => {
                let committed = CommittedOffset::from_record(value);
                group.offsets.put(key.topic, key.partition, committed);
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
