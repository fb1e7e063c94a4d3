//! Who may commit the offsets of a group, and what of a group may be deleted.

use kafka_protocol::ResponseError;

use super::Step;
use super::messages::Commit;
use super::state_machine::{Group, State};

/// Who commits to a group of the classic protocol.
enum Committer {
    /// An administrator, or a consumer that assigns its partitions itself.
    Administrator,
    /// A client that names no member of a group that has some.
    Unnamed,
    /// A member, in the generation that the group is in.
    Member,
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
        match self.committer(commit)? {
            Committer::Administrator => Ok(()),
            Committer::Unnamed => Err(ResponseError::UnknownMemberId),
            // The member knows the generation, and not yet what it is assigned in it.
            Committer::Member if self.state == State::CompletingRebalance => {
                Err(ResponseError::RebalanceInProgress)
            }
            Committer::Member => {
                self.renew_session(&commit.member_id, step);
                Ok(())
            }
        }
    }

    /// Whether a transaction may commit offsets of this group (KIP-447). Unlike a consumer's own
    /// commit it is accepted during a rebalance and does not keep the member's session alive. A
    /// client that names neither generation nor member, as those before version 3, is trusted.
    pub(crate) fn check_pending_commit(&self, commit: &Commit) -> Result<(), ResponseError> {
        match &self.consumer {
            Some(consumer) => consumer.check_pending_commit(commit),
            None => self.committer(commit).map(drop),
        }
    }

    /// Tells who commits.
    ///
    /// # Errors
    /// Those of a client that claims a membership or a generation that the group does not know, and
    /// `COORDINATOR_NOT_AVAILABLE` for a group that was deleted.
    fn committer(&self, commit: &Commit) -> Result<Committer, ResponseError> {
        match self.state {
            State::Dead => return Err(ResponseError::CoordinatorNotAvailable),
            State::Empty if commit.generation < 0 => return Ok(Committer::Administrator),
            State::Empty
            | State::PreparingRebalance
            | State::CompletingRebalance
            | State::Stable => {}
        }
        if !commit.claims_membership() {
            return Ok(Committer::Unnamed);
        }
        self.validate_member(&commit.member_id, commit.instance_id.as_deref())?;
        if commit.generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        Ok(Committer::Member)
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
