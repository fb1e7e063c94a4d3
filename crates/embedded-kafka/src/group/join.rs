//! JoinGroup: a client becomes a member, or a member asks for the next generation.

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::delayed::{Delayed, Responder};
use super::member::Member;
use super::messages::{JoinRejection, JoinReply, JoinRequest, Joined};
use super::state_machine::{Group, State};
use super::{GroupEvent, Step};

fn rejected(error: ResponseError, member_id: impl Into<String>) -> Delayed<JoinReply> {
    Delayed::answered(Err(JoinRejection { error, member_id: member_id.into() }))
}

impl Group {
    /// Lets a client join. The response comes at once, or when the next generation begins.
    pub(crate) fn join(&mut self, request: JoinRequest, step: &mut Step<'_>) -> Delayed<JoinReply> {
        if self.state == State::Dead {
            return rejected(ResponseError::CoordinatorNotAvailable, request.member_id);
        }
        if !self.supports_protocols(&request.protocol_type, &request.protocols) {
            return rejected(ResponseError::InconsistentGroupProtocol, request.member_id);
        }
        if request.member_id.is_empty() {
            self.join_new_member(request, step)
        } else if self.pending_joins.contains_key(&request.member_id) {
            if request.instance_id.is_some() {
                // Only dynamic members receive an id in advance.
                return rejected(ResponseError::UnknownServerError, request.member_id);
            }
            let member_id = request.member_id.clone();
            self.add_and_rebalance(member_id, request, step)
        } else {
            self.join_existing_member(&request, step)
        }
    }

    fn join_new_member(&mut self, request: JoinRequest, step: &mut Step<'_>) -> Delayed<JoinReply> {
        let member_id = request.new_member_id.clone();
        if let Some(instance_id) = request.instance_id.clone() {
            return match self.static_member_id(&instance_id) {
                Some(old_id) => self.replace_static_member(&old_id, &instance_id, &request, step),
                None => self.add_and_rebalance(member_id, request, step),
            };
        }
        if !request.requires_member_id {
            return self.add_and_rebalance(member_id, request, step);
        }
        // A client that times out and tries again would otherwise leave a member behind each time.
        let expires_at = step.after(request.session_timeout_ms);
        self.pending_joins.insert(member_id.clone(), expires_at);
        rejected(ResponseError::MemberIdRequired, member_id)
    }

    fn join_existing_member(
        &mut self,
        request: &JoinRequest,
        step: &mut Step<'_>,
    ) -> Delayed<JoinReply> {
        let member_id = request.member_id.clone();
        if let Err(error) = self.validate_member(&member_id, request.instance_id.as_deref()) {
            return rejected(error, member_id);
        }
        let is_unchanged = self
            .members
            .get(&member_id)
            .is_some_and(|member| member.protocols == request.protocols);
        let reason = match self.state {
            State::PreparingRebalance => "is joining".to_owned(),
            // The response to the member's first request was lost: it receives the same one again.
            State::CompletingRebalance if is_unchanged => {
                return self.current_generation(&member_id);
            }
            // A leader that joins again wants a new assignment, for reasons of its own such as a
            // topic with more partitions. A follower with nothing new has only missed a response.
            State::Stable if is_unchanged && !self.is_leader(&member_id) => {
                return self.current_generation(&member_id);
            }
            State::Stable if self.is_leader(&member_id) => "leads and joins again".to_owned(),
            State::CompletingRebalance | State::Stable => "has new metadata".to_owned(),
            State::Empty | State::Dead => {
                return rejected(ResponseError::UnknownMemberId, member_id);
            }
        };
        let reason = format!("member {member_id} {reason}; client reason: {}", request.reason);
        let (delayed, responder) = Delayed::new();
        self.update_member(&member_id, request, responder);
        self.rebalance_or_complete_join(&reason, step);
        delayed
    }

    /// Returns the response for a member that has everything except the last response.
    fn current_generation(&self, member_id: &str) -> Delayed<JoinReply> {
        Delayed::answered(Ok(self.joined(member_id, false)))
    }

    pub(super) fn joined(&self, member_id: &str, skip_assignment: bool) -> Joined {
        let is_leader = self.is_leader(member_id);
        Joined {
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol_name.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            skip_assignment,
            member_id: member_id.to_owned(),
            members: if is_leader { self.joined_members() } else { Vec::new() },
        }
    }

    fn add_and_rebalance(
        &mut self,
        member_id: String,
        request: JoinRequest,
        step: &mut Step<'_>,
    ) -> Delayed<JoinReply> {
        let (delayed, responder) = Delayed::new();
        let reason = format!("member {member_id} joins; client reason: {}", request.reason);
        step.events.push(GroupEvent::MemberJoined {
            group: self.id.clone(),
            member: member_id.clone(),
            client_id: request.client_id.clone(),
        });
        if self.state == State::PreparingRebalance && self.previous_state == State::Empty {
            self.new_member_added = true;
        }
        let member = Member {
            id: member_id,
            instance_id: request.instance_id,
            client_id: request.client_id,
            client_host: request.client_host,
            session_timeout_ms: request.session_timeout_ms,
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            protocols: request.protocols,
            assignment: Bytes::new(),
            joining: Some(responder),
            syncing: None,
            is_new: true,
            expires_at: Some(step.after(step.settings.new_member_join_timeout_ms)),
        };
        self.add_member(member, request.protocol_type);
        self.rebalance_or_complete_join(&reason, step);
        delayed
    }

    /// Takes over the member's current metadata. An earlier request of the same member that still
    /// waits came over a closed connection; a client that still waits for it may try again.
    fn update_member(
        &mut self,
        member_id: &str,
        request: &JoinRequest,
        responder: Responder<JoinReply>,
    ) {
        let Some(member) = self.members.get_mut(member_id) else {
            return;
        };
        member.protocols.clone_from(&request.protocols);
        member.session_timeout_ms = request.session_timeout_ms;
        member.rebalance_timeout_ms = request.rebalance_timeout_ms;
        let error = ResponseError::RebalanceInProgress;
        member.answer_join(Err(JoinRejection { error, member_id: member_id.to_owned() }));
        member.joining = Some(responder);
    }

    /// Replaces a static member that is back without its member id, after a restart. The new member
    /// takes over the assignment, and no other member needs to notice (KIP-345).
    fn replace_static_member(
        &mut self,
        old_id: &str,
        instance_id: &str,
        request: &JoinRequest,
        step: &mut Step<'_>,
    ) -> Delayed<JoinReply> {
        let new_id = request.new_member_id.clone();
        let old_leader = self.leader.clone();
        let Some(replaced) = self.rename_static_member(old_id, &new_id, step) else {
            return rejected(ResponseError::UnknownMemberId, "");
        };
        let (delayed, responder) = Delayed::new();
        self.update_member(&new_id, request, responder);
        step.events.push(GroupEvent::MemberReplaced {
            group: self.id.clone(),
            instance: instance_id.to_owned(),
            member: new_id.clone(),
        });
        let reason = format!(
            "static member {instance_id} is back as {new_id}; client reason: {}",
            request.reason
        );
        match self.state {
            State::Stable if self.select_protocol() == self.protocol_name => {
                let skip_assignment = request.understands_skip_assignment;
                self.keep_generation(&new_id, old_leader, replaced, skip_assignment, step);
            }
            // The leader may be computing an assignment that names the old member id.
            State::Stable | State::CompletingRebalance => self.prepare_rebalance(&reason, step),
            State::PreparingRebalance | State::Empty | State::Dead => {
                self.complete_join_if_all_joined(step);
            }
        }
        delayed
    }

    /// Moves a static member to its new id and returns what it was. A request that still waits with
    /// the old id is fenced.
    fn rename_static_member(
        &mut self,
        old_id: &str,
        new_id: &str,
        step: &Step<'_>,
    ) -> Option<Member> {
        let mut old = self.members.remove(old_id)?;
        let error = ResponseError::FencedInstanceId;
        old.answer_join(Err(JoinRejection { error, member_id: old_id.to_owned() }));
        old.answer_sync(Err(error));
        if self.pending_syncs.remove(old_id) {
            self.pending_syncs.insert(new_id.to_owned());
        }
        if self.is_leader(old_id) {
            self.leader = Some(new_id.to_owned());
        }
        let mut new = Member {
            id: new_id.to_owned(),
            instance_id: old.instance_id.clone(),
            client_id: old.client_id.clone(),
            client_host: old.client_host.clone(),
            protocols: old.protocols.clone(),
            assignment: old.assignment.clone(),
            joining: None,
            syncing: None,
            is_new: false,
            ..old
        };
        new.renew_session(step);
        self.members.insert(new_id.to_owned(), new);
        Some(old)
    }

    /// Stores the new member id and responds with the current generation. If it cannot be stored,
    /// the old member is put back.
    fn keep_generation(
        &mut self,
        new_id: &str,
        old_leader: Option<String>,
        replaced: Member,
        understands_skip_assignment: bool,
        step: &mut Step<'_>,
    ) {
        let stored = self.store(None, step);
        let mut answer = Ok(self.joined(new_id, false));
        if let Err(error) = stored {
            answer = Err(JoinRejection { error, member_id: String::new() });
        } else if let Ok(joined) = &mut answer {
            if understands_skip_assignment {
                joined.skip_assignment = self.is_leader(new_id);
            } else {
                // An older client that leads would assign again. The response names its former self
                // as the leader, so the client waits for the existing assignment.
                joined.leader = old_leader.clone().unwrap_or_default();
                joined.members = Vec::new();
            }
        }
        if let Some(member) = self.members.get_mut(new_id) {
            member.answer_join(answer);
        }
        if stored.is_err() {
            self.members.remove(new_id);
            self.pending_syncs.remove(new_id);
            self.leader = old_leader;
            self.members.insert(replaced.id.clone(), replaced);
        }
    }
}
