//! Conversion of a classic group to a record and back, for a restart.
//!
//! The record holds the generation, its members and their assignment, and is written whenever that
//! changes permanently. A member that was about to join is not in it, and joins again. Members have
//! a full session after the restart.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::Step;
use super::member::Member;
use super::messages::{JoinRejection, Protocol};
use super::state_machine::{Group, JoinTimer, State};
use crate::records::{GroupMetadataValue, MemberMetadata};
use crate::time::Timestamp;

impl Group {
    /// Writes the group as it is, or with the given assignments.
    pub(super) fn store(
        &mut self,
        assignments: Option<&BTreeMap<String, Bytes>>,
        step: &mut Step<'_>,
    ) -> Result<(), ResponseError> {
        (step.store)(&self.to_record(assignments))?;
        self.is_stored = true;
        Ok(())
    }

    /// Writes a new group, so that a restart finds it.
    pub(crate) fn store_as_new(&mut self, step: &mut Step<'_>) -> Result<(), ResponseError> {
        if self.is_stored {
            return Ok(());
        }
        (step.store)(&GroupMetadataValue {
            protocol_type: String::new(),
            generation: 0,
            protocol: None,
            leader: None,
            current_state_timestamp: self.state_since,
            members: Vec::new(),
        })?;
        self.is_stored = true;
        Ok(())
    }

    pub(super) fn to_record(
        &self,
        assignments: Option<&BTreeMap<String, Bytes>>,
    ) -> GroupMetadataValue {
        let members = self.members.values().map(|member| MemberMetadata {
            member_id: member.id.clone(),
            group_instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout: member.rebalance_timeout_ms,
            session_timeout: member.session_timeout_ms,
            subscription: member.metadata(self.protocol_name.as_deref()),
            assignment: match assignments {
                Some(assignments) => assignments.get(&member.id).cloned().unwrap_or_default(),
                None => member.assignment.clone(),
            },
        });
        GroupMetadataValue {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol_name.clone(),
            leader: self.leader.clone(),
            current_state_timestamp: self.state_since,
            members: members.collect(),
        }
    }

    /// Takes over the state in the record. Committed offsets have records of their own and stay.
    pub(crate) fn replay(&mut self, value: GroupMetadataValue) {
        let offsets = std::mem::take(&mut self.offsets);
        *self = Self::new(std::mem::take(&mut self.id), value.current_state_timestamp.max(0));
        self.offsets = offsets;
        self.is_stored = true;
        self.generation = value.generation;
        self.protocol_type = Some(value.protocol_type).filter(|name| !name.is_empty());
        self.protocol_name = value.protocol;
        self.leader = value.leader;
        for member in value.members {
            let member = member_of_record(member, self.protocol_name.clone().unwrap_or_default());
            self.members.insert(member.id.clone(), member);
        }
        if !self.leader.as_ref().is_some_and(|leader| self.members.contains_key(leader)) {
            self.leader = self.members.keys().next().cloned();
        }
        if !self.members.is_empty() {
            self.state = State::Stable;
        }
        self.subscribed_topics = self.collect_subscribed_topics();
    }

    /// Handles a tombstone of the group's metadata. Offsets that are left make it a group without
    /// members.
    pub(crate) fn replay_tombstone(&mut self) {
        // The group may be of the consumer protocol by now, or again.
        let consumer = self.consumer.take();
        let offsets = std::mem::take(&mut self.offsets);
        *self = Self::new(std::mem::take(&mut self.id), 0);
        self.offsets = offsets;
        self.consumer = consumer;
    }

    /// Starts the members' sessions after the log has been read to its end.
    pub(crate) fn start_sessions(&mut self, step: &Step<'_>) {
        for member in self.members.values_mut() {
            member.renew_session(step);
        }
        if let Some(consumer) = &mut self.consumer {
            consumer.start_sessions(step);
        }
    }

    /// Unloads the group, because another node coordinates it: waiting requests get an error, and
    /// no timer of it runs here again.
    pub(crate) fn leave_node(&mut self, now: Timestamp) {
        let error = ResponseError::NotCoordinator;
        for member in self.members.values_mut() {
            member.expires_at = None;
            let member_id = member.id.clone();
            member.answer_join(Err(JoinRejection { error, member_id }));
            member.answer_sync(Err(error));
        }
        self.mark_deleted(now);
    }

    /// Deletes the group. No timer of it runs again.
    pub(crate) fn mark_deleted(&mut self, now: Timestamp) {
        self.enter(State::Dead, now);
        self.pending_joins.clear();
        self.join_timer = None::<JoinTimer>;
        self.sync_deadline = None;
        self.consumer = None;
    }
}

fn member_of_record(member: MemberMetadata, protocol: String) -> Member {
    let rebalance_timeout_ms = match member.rebalance_timeout {
        -1 => member.session_timeout,
        timeout => timeout,
    };
    Member {
        id: member.member_id,
        instance_id: member.group_instance_id,
        client_id: member.client_id,
        client_host: member.client_host,
        session_timeout_ms: member.session_timeout,
        rebalance_timeout_ms,
        protocols: vec![Protocol { name: protocol, metadata: member.subscription }],
        assignment: member.assignment,
        joining: None,
        syncing: None,
        is_new: false,
        expires_at: None,
    }
}
