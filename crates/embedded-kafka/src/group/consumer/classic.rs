//! Classic members in a group of the consumer protocol, so that a group changes from one protocol
//! to the other while its members continue (KIP-848, `group.consumer.migration.policy`).
//!
//! A group is upgraded when the first member of the consumer protocol joins, and downgraded when
//! the last one has left. In between the coordinator assigns for all. It leads a classic member to
//! its target like the others, but with the member's own requests: a heartbeat tells the member to
//! join again, JoinGroup reports its partitions, and SyncGroup returns its assignment.

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::{ConsumerGroup, ConsumerMember, Partitions, Reconciliation, Topics};
use crate::group::member::Member;
use crate::group::messages::{JoinRejection, JoinReply};
use crate::group::state_machine::Group;
use crate::group::subscription::{Subscription, decode_assignment, encode_assignment};
use crate::group::{GroupEvent, JoinRequest, Joined, Protocol, Step, SyncRequest, Synced};
use crate::records::{ClassicMember, ConsumerMemberValue, CurrentAssignmentValue};
use crate::rejection::Rejection;

const CONSUMER_PROTOCOL: &str = "consumer";

impl ConsumerMember {
    /// Returns whether the member speaks the classic protocol.
    pub(super) fn is_classic(&self) -> bool {
        self.about.classic.is_some()
    }

    /// Returns the session timeout: a classic member has chosen its own.
    pub(super) fn session_timeout_ms(&self, step: &Step<'_>) -> i32 {
        let own = self.about.classic.as_ref().map(|classic| classic.session_timeout_ms);
        own.unwrap_or(step.settings.consumer_session_timeout_ms)
    }

    fn protocol(&self) -> Option<&(String, Bytes)> {
        self.about.classic.as_ref()?.protocols.first()
    }
}

impl ConsumerGroup {
    /// Converts a classic group with its members and their partitions; its generation is the epoch.
    pub(super) fn of_classic(
        group: &Group,
        topics: &dyn Topics,
        step: &Step<'_>,
    ) -> Result<Self, Rejection> {
        let mut upgraded = Self::new();
        (upgraded.epoch, upgraded.assignment_epoch) = (group.generation, group.generation);
        for (id, member) in &group.members {
            let metadata = match member.metadata(group.protocol_name.as_deref()) {
                none if none.is_empty() => {
                    member.protocols.first().map(|it| it.metadata.clone()).unwrap_or_default()
                }
                metadata => metadata,
            };
            let malformed = || {
                let message = format!(
                    "Cannot upgrade classic group {} to consumer group because the embedded \
                     consumer protocol is malformed.",
                    group.id
                );
                Rejection::new(ResponseError::GroupIdNotFound, message)
            };
            let subscription = Subscription::decode(&metadata).ok_or_else(malformed)?;
            let assigned = if member.assignment.is_empty() {
                Partitions::new()
            } else {
                with_ids(&decode_assignment(&member.assignment).ok_or_else(malformed)?, topics)
            };
            let about = ConsumerMemberValue {
                instance_id: member.instance_id.clone(),
                rack_id: subscription.rack_id,
                client_id: member.client_id.clone(),
                client_host: member.client_host.clone(),
                topics: subscription.topics,
                rebalance_timeout_ms: member.rebalance_timeout_ms,
                classic: Some(about_classic(member.session_timeout_ms, &member.protocols)),
                ..ConsumerMemberValue::default()
            };
            let current = CurrentAssignmentValue {
                epoch: group.generation,
                previous_epoch: group.generation,
                state: Reconciliation::Stable,
                assigned: assigned.clone(),
                revoking: Partitions::new(),
            };
            let mut upgraded_member = ConsumerMember::new(about, current);
            upgraded_member.session_ends = Some(step.after(member.session_timeout_ms));
            upgraded.members.insert(id.clone(), upgraded_member);
            upgraded.targets.insert(id.clone(), assigned);
        }
        upgraded.metadata_hash = upgraded.hash_of_topics(topics);
        Ok(upgraded)
    }

    /// Returns whether no member of the consumer protocol is left.
    pub(super) fn is_all_classic(&self) -> bool {
        !self.members.is_empty() && self.members.values().all(ConsumerMember::is_classic)
    }

    /// Returns the members of the classic group after the downgrade. They join again at once, and
    /// so their current assignments do not matter.
    pub(super) fn to_classic(&self, step: &Step<'_>) -> Vec<Member> {
        let members = self.members.iter().filter_map(|(id, member)| {
            let about = &member.about;
            let classic = about.classic.as_ref()?;
            let protocols = classic.protocols.iter().map(|(name, metadata)| Protocol {
                name: name.clone(),
                metadata: metadata.clone(),
            });
            Some(Member {
                id: id.clone(),
                instance_id: about.instance_id.clone(),
                client_id: about.client_id.clone(),
                client_host: about.client_host.clone(),
                session_timeout_ms: classic.session_timeout_ms,
                rebalance_timeout_ms: about.rebalance_timeout_ms,
                protocols: protocols.collect(),
                assignment: Bytes::new(),
                joining: None,
                syncing: None,
                is_new: false,
                expires_at: Some(step.after(classic.session_timeout_ms)),
            })
        });
        members.collect()
    }

    /// Handles JoinGroup of a classic member. The response comes at once, and its generation is the
    /// member's epoch.
    pub(super) fn join_classic(
        &mut self,
        group: &str,
        request: &JoinRequest,
        topics: &dyn Topics,
        step: &mut Step<'_>,
    ) -> JoinReply {
        let reject =
            |error, member_id: &str| Err(JoinRejection { error, member_id: member_id.to_owned() });
        let first = request.protocols.first().filter(|_| self.supports(request));
        let first = first.and_then(|it| Some((&it.name, Subscription::decode(&it.metadata)?)));
        let Some((protocol_name, subscription)) = first else {
            return reject(ResponseError::InconsistentGroupProtocol, &request.member_id);
        };
        let is_full = self.members.len() >= step.settings.consumer_group_max_size;
        if is_full && !self.members.contains_key(&request.member_id) {
            return reject(ResponseError::GroupMaxSizeReached, &request.member_id);
        }
        let is_new = request.member_id.is_empty() && request.instance_id.is_none();
        if is_new && request.requires_member_id {
            return reject(ResponseError::MemberIdRequired, &request.new_member_id);
        }
        let member_id = match self.classic_member(group, request, step) {
            Ok(member_id) => member_id,
            Err(error) => return reject(error, &request.member_id),
        };
        let is_new_epoch = self.update_classic(&member_id, request, &subscription);
        self.advance(is_new_epoch, topics);
        self.assign_if_due(group, topics, step);
        let owned = with_ids(&subscription.owned, topics);
        self.reconcile(&member_id, Some(&owned), step.now);
        let generation = self.members.get_mut(&member_id).map_or(0, |member| {
            member.session_ends = Some(step.after(request.session_timeout_ms));
            // The member must send SyncGroup within this time.
            member.request_ends = Some(step.after(request.rebalance_timeout_ms));
            member.current.epoch
        });
        Ok(Joined {
            generation,
            protocol_type: Some(CONSUMER_PROTOCOL.to_owned()),
            protocol_name: Some(protocol_name.clone()),
            leader: String::new(),
            skip_assignment: false,
            member_id,
            members: Vec::new(),
        })
    }

    /// Returns whether the client has a protocol in common with all classic members.
    fn supports(&self, request: &JoinRequest) -> bool {
        let others = || self.members.values().filter_map(|member| member.about.classic.as_ref());
        let all_support = |name: &str| {
            others().all(|classic| classic.protocols.iter().any(|(known, _)| known == name))
        };
        request.protocol_type == CONSUMER_PROTOCOL
            && request.protocols.iter().any(|protocol| all_support(&protocol.name))
    }

    /// Returns the id of the member in the request, and adds the member if there is none. A static
    /// one replaces its former self at once, as in the classic protocol.
    fn classic_member(
        &mut self,
        group: &str,
        request: &JoinRequest,
        step: &mut Step<'_>,
    ) -> Result<String, ResponseError> {
        let given = &request.member_id;
        let id = if given.is_empty() { &request.new_member_id } else { given };
        let former = request.instance_id.as_deref().and_then(|it| self.static_member(it));
        let former = former.map(|(former, _)| former.clone());
        match (&request.instance_id, former) {
            (Some(_), Some(former)) if given.is_empty() => {
                self.replace(&former, id);
                step.events.push(GroupEvent::MemberReplaced {
                    group: group.to_owned(),
                    instance: request.instance_id.clone().unwrap_or_default(),
                    member: id.clone(),
                });
            }
            (Some(_), Some(former)) if former != *id => {
                return Err(ResponseError::FencedInstanceId);
            }
            (Some(_), None) if !given.is_empty() => return Err(ResponseError::UnknownMemberId),
            _ if self.members.contains_key(id) => {}
            _ => {
                let about = ConsumerMemberValue {
                    instance_id: request.instance_id.clone(),
                    ..ConsumerMemberValue::default()
                };
                let member = ConsumerMember::new(about, CurrentAssignmentValue::default());
                self.members.insert(id.clone(), member);
                step.events.push(GroupEvent::MemberJoined {
                    group: group.to_owned(),
                    member: id.clone(),
                    client_id: request.client_id.clone(),
                });
            }
        }
        Ok(id.clone())
    }

    /// Takes over the member's subscription and metadata. Returns whether its topics have changed.
    fn update_classic(
        &mut self,
        member_id: &str,
        request: &JoinRequest,
        subscription: &Subscription,
    ) -> bool {
        let Some(member) = self.members.get_mut(member_id) else {
            return false;
        };
        let about = &mut member.about;
        let is_changed = about.topics != subscription.topics || about.regex.is_some();
        *about = ConsumerMemberValue {
            instance_id: about.instance_id.take(),
            rack_id: subscription.rack_id.clone(),
            client_id: request.client_id.clone(),
            client_host: request.client_host.clone(),
            topics: subscription.topics.clone(),
            regex: None,
            rebalance_timeout_ms: request.rebalance_timeout_ms,
            assignor: None,
            classic: Some(about_classic(request.session_timeout_ms, &request.protocols)),
        };
        is_changed
    }

    /// Handles SyncGroup of a classic member.
    pub(in crate::group) fn sync_classic(
        &mut self,
        request: &SyncRequest,
        topics: &dyn Topics,
        step: &Step<'_>,
    ) -> Result<Synced, ResponseError> {
        let (id, instance_id) = (request.member_id.as_str(), request.instance_id.as_deref());
        let member = self.check_classic(id, instance_id, request.generation)?;
        let (name, metadata) = member.protocol().ok_or(ResponseError::UnknownMemberId)?.clone();
        let differs =
            |claimed: &Option<String>, is: &str| claimed.as_deref().is_some_and(|it| it != is);
        if differs(&request.protocol_type, CONSUMER_PROTOCOL)
            || differs(&request.protocol_name, &name)
        {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        // A member that must revoke partitions first does that before it joins again.
        let is_revoking = member.current.state == Reconciliation::Revoking;
        let is_behind = self.epoch > member.current.epoch && !is_revoking;
        let assigned = with_names(&member.current.assigned, topics);
        let Some(member) = self.members.get_mut(id) else {
            return Err(ResponseError::UnknownMemberId);
        };
        member.session_ends = Some(step.after(member.session_timeout_ms(step)));
        if is_behind {
            return Err(ResponseError::RebalanceInProgress);
        }
        member.request_ends = None;
        let version = Subscription::decode(&metadata).map_or(0, |it| it.version);
        Ok(Synced {
            protocol_type: Some(CONSUMER_PROTOCOL.to_owned()),
            protocol_name: Some(name),
            assignment: encode_assignment(version, &assigned),
        })
    }

    /// Handles Heartbeat of a classic member: it must join again if a change waits for it.
    pub(in crate::group) fn heartbeat_classic(
        &mut self,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
        step: &Step<'_>,
    ) -> Result<(), ResponseError> {
        let member = self.check_classic(member_id, instance_id, generation)?;
        let must_join = member.current.epoch < self.epoch
            || match member.current.state {
                Reconciliation::Stable => false,
                Reconciliation::Revoking => true,
                Reconciliation::Waiting => !self.waits_for_others(member_id),
            };
        let Some(member) = self.members.get_mut(member_id) else {
            return Err(ResponseError::UnknownMemberId);
        };
        member.session_ends = Some(step.after(member.session_timeout_ms(step)));
        if !must_join {
            return Ok(());
        }
        let ends = step.after(member.about.rebalance_timeout_ms);
        member.request_ends.get_or_insert(ends);
        Err(ResponseError::RebalanceInProgress)
    }

    /// Returns the classic member, if the request may speak for it.
    fn check_classic(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
    ) -> Result<&ConsumerMember, ResponseError> {
        if let Some(instance_id) = instance_id {
            self.check_instance(instance_id, member_id).map_err(|rejection| rejection.code)?;
        }
        let member = self.members.get(member_id).filter(|member| member.is_classic());
        let member = member.ok_or(ResponseError::UnknownMemberId)?;
        if member.current.epoch == generation {
            Ok(member)
        } else {
            Err(ResponseError::IllegalGeneration)
        }
    }

    /// Returns whether others still have partitions of the member's target.
    fn waits_for_others(&self, member_id: &str) -> bool {
        let taken = self.taken_by_others(member_id);
        let target = self.targets.get(member_id).into_iter().flatten();
        let mut wanted = target.flat_map(|(topic, all)| all.iter().map(|it| (*topic, *it)));
        wanted.any(|partition| taken.contains(&partition))
    }
}

fn about_classic(session_timeout_ms: i32, protocols: &[Protocol]) -> ClassicMember {
    let protocols = protocols.iter().map(|it| (it.name.clone(), it.metadata.clone()));
    ClassicMember { session_timeout_ms, protocols: protocols.collect() }
}

/// Returns partitions by the ids of their topics, without those of deleted topics.
fn with_ids(named: &super::NamedPartitions, topics: &dyn Topics) -> Partitions {
    let known = named.iter().filter_map(|(name, all)| Some((topics.find(name)?.0, all.clone())));
    known.filter(|(_, all)| !all.is_empty()).collect()
}

fn with_names(partitions: &Partitions, topics: &dyn Topics) -> super::NamedPartitions {
    let known = partitions.iter().filter_map(|(id, all)| Some((topics.name(*id)?, all.clone())));
    known.collect()
}
