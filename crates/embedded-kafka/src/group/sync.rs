//! SyncGroup: the leader sends the assignments, and every member fetches its own.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::delayed::Delayed;
use super::messages::{SyncReply, SyncRequest, Synced};
use super::state_machine::{Group, State};
use super::{GroupEvent, Step};

impl Group {
    /// Responds with the member's assignment: at once, or when the leader has sent it.
    pub(crate) fn sync(
        &mut self,
        request: &SyncRequest,
        step: &mut Step<'_>,
    ) -> Delayed<SyncReply> {
        if let Err(error) = self.validate_sync(request) {
            return Delayed::answered(Err(error));
        }
        match self.state {
            State::Dead => Delayed::answered(Err(ResponseError::CoordinatorNotAvailable)),
            State::Empty => Delayed::answered(Err(ResponseError::UnknownMemberId)),
            State::PreparingRebalance => Delayed::answered(Err(ResponseError::RebalanceInProgress)),
            State::CompletingRebalance => self.await_leader(request, step),
            State::Stable => {
                self.sync_received(&request.member_id);
                Delayed::answered(Ok(self.synced(&request.member_id)))
            }
        }
    }

    fn validate_sync(&self, request: &SyncRequest) -> Result<(), ResponseError> {
        if self.state == State::Dead {
            return Err(ResponseError::CoordinatorNotAvailable);
        }
        self.validate_member(&request.member_id, request.instance_id.as_deref())?;
        if request.generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        let differs = |claimed: &Option<String>, actual: &Option<String>| {
            claimed.is_some() && claimed != actual
        };
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol_name, &self.protocol_name)
        {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        Ok(())
    }

    fn await_leader(&mut self, request: &SyncRequest, step: &mut Step<'_>) -> Delayed<SyncReply> {
        let (delayed, responder) = Delayed::new();
        if let Some(member) = self.members.get_mut(&request.member_id) {
            // As with JoinGroup, an earlier request of the same member has lost its connection.
            member.answer_sync(Err(ResponseError::RebalanceInProgress));
            member.syncing = Some(responder);
        }
        self.sync_received(&request.member_id);
        if self.is_leader(&request.member_id) {
            self.assign(&request.assignments, step);
        }
        delayed
    }

    fn sync_received(&mut self, member_id: &str) {
        self.pending_syncs.remove(member_id);
        if self.pending_syncs.is_empty() {
            self.sync_deadline = None;
        }
    }

    /// Stores the leader's assignment before any member receives it: a member with its assignment
    /// can rely on the group to know it after a restart. Members that the leader left out get an
    /// empty assignment.
    fn assign(&mut self, assignments: &BTreeMap<String, Bytes>, step: &mut Step<'_>) {
        if let Err(error) = self.store(Some(assignments), step) {
            self.reset_assignments(error, step);
            let reason = format!("the assignment could not be written: {error}");
            self.rebalance_or_complete_join(&reason, step);
            return;
        }
        for member in self.members.values_mut() {
            member.assignment = assignments.get(&member.id).cloned().unwrap_or_default();
        }
        self.enter(State::Stable, step.now);
        step.events.push(GroupEvent::Stable {
            group: self.id.clone(),
            generation: self.generation,
            members: self.members.keys().cloned().collect(),
        });
        let ids = self.members.keys().cloned().collect::<Vec<_>>();
        for id in ids {
            let synced = self.synced(&id);
            self.answer_sync(&id, Ok(synced), step);
        }
    }

    fn synced(&self, member_id: &str) -> Synced {
        let member = self.members.get(member_id);
        Synced {
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol_name.clone(),
            assignment: member.map(|member| member.assignment.clone()).unwrap_or_default(),
        }
    }

    /// Drops the assignment, and rejects the requests that wait for it.
    pub(super) fn reset_assignments(&mut self, error: ResponseError, step: &Step<'_>) {
        let ids = self.members.keys().cloned().collect::<Vec<_>>();
        for id in ids {
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = Bytes::new();
            }
            self.answer_sync(&id, Err(error), step);
        }
    }

    /// Responds to a waiting SyncGroup. The member's session starts again: it could send no
    /// heartbeat while it waited.
    fn answer_sync(&mut self, member_id: &str, answer: SyncReply, step: &Step<'_>) {
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        if member.syncing.is_some() {
            member.answer_sync(answer);
            member.renew_session(step);
        }
    }
}
