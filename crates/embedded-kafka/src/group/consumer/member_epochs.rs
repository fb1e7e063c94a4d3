//! Checks of a member's epoch: only a member with the group's current epoch for it may commit and
//! fetch offsets.

use kafka_protocol::ResponseError;

use super::{ConsumerGroup, ConsumerMember};
use crate::group::Commit;

/// The sender of an OffsetFetch (since version 9). Administrators name no member.
#[derive(Debug, Clone)]
pub(crate) struct FetchingMember {
    pub(crate) id: Option<String>,
    pub(crate) epoch: i32,
}

impl ConsumerGroup {
    /// Checks whether the client may commit. A commit does not renew the session: only heartbeats
    /// do.
    pub(in crate::group) fn check_commit(&self, commit: &Commit) -> Result<(), ResponseError> {
        if commit.generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        let member = self.members.get(&commit.member_id).ok_or(ResponseError::UnknownMemberId)?;
        // Before version 9 a client does not know that it sends an epoch.
        if !commit.understands_unknown_group && !member.is_classic() {
            return Err(ResponseError::UnsupportedVersion);
        }
        check_epoch(member, commit.generation)
    }

    /// Checks whether a transaction may commit offsets. The error names the epoch as a generation,
    /// which its client knows.
    pub(in crate::group) fn check_pending_commit(
        &self,
        commit: &Commit,
    ) -> Result<(), ResponseError> {
        if !commit.claims_membership() {
            return Ok(());
        }
        let member = self.members.get(&commit.member_id).ok_or(ResponseError::UnknownMemberId)?;
        if commit.generation == member.current.epoch {
            Ok(())
        } else {
            Err(ResponseError::IllegalGeneration)
        }
    }

    /// Checks whether the client may read committed offsets.
    pub(in crate::group) fn check_fetch(
        &self,
        fetching: &FetchingMember,
    ) -> Result<(), ResponseError> {
        let Some(id) = &fetching.id else {
            // Kafka has no better error for an epoch without a member.
            return if fetching.epoch < 0 {
                Ok(())
            } else {
                Err(ResponseError::UnknownServerError)
            };
        };
        let member = self.members.get(id).ok_or(ResponseError::UnknownMemberId)?;
        check_epoch(member, fetching.epoch)
    }
}

/// Checks that the request has the member's current epoch, which a classic member calls its
/// generation.
fn check_epoch(member: &ConsumerMember, epoch: i32) -> Result<(), ResponseError> {
    if epoch == member.current.epoch {
        Ok(())
    } else if member.is_classic() {
        Err(ResponseError::IllegalGeneration)
    } else {
        Err(ResponseError::StaleMemberEpoch)
    }
}
