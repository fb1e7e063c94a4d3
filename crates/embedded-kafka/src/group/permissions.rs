//! Checks of who may commit the offsets of a group, and of what may be deleted.

use kafka_protocol::ResponseError;

use super::Step;
use super::messages::Commit;
use super::state_machine::{Group, State};

/// The sender of a commit to a group of the classic protocol.
enum Committer {
    /// An administrator, or a consumer with explicit partitions.
    Administrator,
    /// A client that names no member of a group that has some.
    Unnamed,
    /// A member, in the current generation of the group.
    Member,
}

impl Group {
    /// Checks whether the client may commit now. A member's commit keeps its session alive.
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
            // The member knows the generation, and not yet its assignment.
            Committer::Member if self.state == State::CompletingRebalance => {
                Err(ResponseError::RebalanceInProgress)
            }
            Committer::Member => {
                self.renew_session(&commit.member_id, step);
                Ok(())
            }
        }
    }

    /// Checks whether a transaction may commit offsets of this group (KIP-447). Unlike a consumer's
    /// own commit it is accepted during a rebalance and does not keep the member's session alive. A
    /// client that names neither generation nor member, as before version 3, is trusted.
    pub(crate) fn check_pending_commit(&self, commit: &Commit) -> Result<(), ResponseError> {
        match &self.consumer {
            Some(consumer) => consumer.check_pending_commit(commit),
            None => self.committer(commit).map(drop),
        }
    }

    /// Identifies the sender of a commit.
    ///
    /// # Errors
    /// The errors of a client that claims an unknown membership or generation, and
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

    /// Checks whether offsets of this group may be deleted one by one: while it has members only
    /// those of topics that no member reads, which only consumers' metadata tells.
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

    /// Returns whether a member reads the topic. If that is unknown, it may.
    pub(crate) fn is_subscribed_to(&self, topic: &str) -> bool {
        if let Some(consumer) = &self.consumer {
            return consumer.is_subscribed_to(topic);
        }
        match &self.subscribed_topics {
            Some(topics) => topics.contains(topic),
            None => self.uses_consumer_protocol(),
        }
    }

    /// Checks whether the group may be deleted.
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
