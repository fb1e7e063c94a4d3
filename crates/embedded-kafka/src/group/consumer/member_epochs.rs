//! Which members may commit and fetch offsets: those whose epoch is the group's for them.

use kafka_protocol::ResponseError;

use super::{ConsumerGroup, ConsumerMember};
use crate::group::Commit;

/// Who fetches offsets (since version 9 of OffsetFetch). Administrators name no member.
#[derive(Debug, Clone)]
pub(crate) struct FetchingMember {
    pub(crate) id: Option<String>,
    pub(crate) epoch: i32,
}

impl ConsumerGroup {
    /// Whether the client may commit. A commit does not renew the session: only heartbeats do.
    pub(in crate::group) fn check_commit(&self, commit: &Commit) -> Result<(), ResponseError> {
        if commit.generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        let member = self.members.get(&commit.member_id).ok_or(ResponseError::UnknownMemberId)?;
        // Before version 9 a client does not know that it names an epoch.
        if !commit.understands_unknown_group && !member.is_classic() {
            return Err(ResponseError::UnsupportedVersion);
        }
        check_epoch(member, commit.generation)
    }

    /// Whether a transaction may commit offsets. Its client is told of an epoch as of a generation.
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

    /// Whether the client may see what is committed.
    pub(in crate::group) fn check_fetch(
        &self,
        fetching: &FetchingMember,
    ) -> Result<(), ResponseError> {
        let Some(id) = &fetching.id else {
            // Kafka has no better answer to an epoch without a member.
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

/// Whether the member speaks for its epoch, which a classic one takes for a generation.
fn check_epoch(member: &ConsumerMember, epoch: i32) -> Result<(), ResponseError> {
    if epoch == member.current.epoch {
        Ok(())
    } else if member.is_classic() {
        Err(ResponseError::IllegalGeneration)
    } else {
        Err(ResponseError::StaleMemberEpoch)
    }
}
