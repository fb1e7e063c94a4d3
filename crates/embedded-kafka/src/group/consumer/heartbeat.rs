//! ConsumerGroupHeartbeat: the one request by which a member joins, stays, reports its partitions
//! and receives its assignment.

use std::collections::BTreeSet;

use kafka_protocol::ResponseError;

use super::regex::whole;
use super::{ConsumerGroup, ConsumerMember, LEAVES, LEAVES_FOR_A_WHILE, Topics};
use crate::config::group_defaults::ASSIGNORS;
use crate::group::{GroupEvent, Step};
use crate::records::{ConsumerMemberValue, CurrentAssignmentValue, Partitions};
use crate::rejection::Rejection;

/// A ConsumerGroupHeartbeat request. A field that is `None` has not changed since the last one.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConsumerHeartbeat {
    pub(crate) member_id: String,
    /// 0 joins, −1 leaves, −2 leaves temporarily.
    pub(crate) epoch: i32,
    pub(crate) instance_id: Option<String>,
    pub(crate) rack_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    /// The rebalance timeout in milliseconds.
    pub(crate) rebalance_timeout_ms: Option<i32>,
    pub(crate) topics: Option<BTreeSet<String>>,
    pub(crate) regex: Option<String>,
    pub(crate) assignor: Option<String>,
    /// The partitions that the member owns at present.
    pub(crate) owned: Option<Partitions>,
}

/// The response to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeartbeatReply {
    pub(crate) member_id: String,
    pub(crate) epoch: i32,
    /// Milliseconds until the next heartbeat; 0 for a member that has left.
    pub(crate) interval_ms: i32,
    /// The member's assignment, if it has changed or the request was a full one.
    pub(crate) assignment: Option<Partitions>,
}

impl ConsumerHeartbeat {
    /// Checks the request by itself, whatever the group.
    pub(crate) fn validate(&self) -> Result<(), Rejection> {
        let invalid = |message: &str| Err(Rejection::new(ResponseError::InvalidRequest, message));
        if self.member_id.is_empty() {
            return invalid("MemberId can't be empty.");
        }
        if self.instance_id.as_deref() == Some("") {
            return invalid("InstanceId can't be empty.");
        }
        if self.rack_id.as_deref() == Some("") {
            return invalid("RackId can't be empty.");
        }
        match self.epoch {
            0 if self.rebalance_timeout_ms.is_none() => {
                return invalid("RebalanceTimeoutMs must be provided in first request.");
            }
            0 if self.owned.as_ref().is_none_or(|owned| !owned.is_empty()) => {
                return invalid("TopicPartitions must be empty when (re-)joining.");
            }
            0 if self.topics.is_none() && self.regex.is_none() => {
                return invalid(
                    "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when \
                     (re-)joining.",
                );
            }
            LEAVES_FOR_A_WHILE if self.instance_id.is_none() => {
                return invalid("InstanceId can't be null.");
            }
            ..LEAVES_FOR_A_WHILE => return invalid("MemberEpoch is invalid."),
            _ => {}
        }
        self.check_assignor()?;
        self.check_regex()
    }

    fn check_assignor(&self) -> Result<(), Rejection> {
        match &self.assignor {
            Some(name) if !ASSIGNORS.contains(&name.as_str()) => Err(Rejection::new(
                ResponseError::UnsupportedAssignor,
                format!(
                    "ServerAssignor {name} is not supported. Supported assignors: {}.",
                    ASSIGNORS.join(", ")
                ),
            )),
            _ => Ok(()),
        }
    }

    fn check_regex(&self) -> Result<(), Rejection> {
        let Some(text) = self.regex.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(());
        };
        whole(text).map(|_| ()).map_err(|error| {
            Rejection::new(
                ResponseError::InvalidRegularExpression,
                format!(
                    "SubscribedTopicRegex `{text}` is not a valid regular expression: {error}."
                ),
            )
        })
    }

    pub(crate) fn leaves(&self) -> bool {
        matches!(self.epoch, LEAVES | LEAVES_FOR_A_WHILE)
    }

    /// Returns whether the request is a full one, as a client sends when it joins or after an
    /// error.
    fn is_full(&self) -> bool {
        self.epoch == 0
            || (self.rebalance_timeout_ms.is_some()
                && (self.topics.is_some() || self.regex.is_some())
                && self.owned.is_some())
    }
}

impl ConsumerGroup {
    /// Takes a heartbeat of a member that joins or stays. An error leaves the group in a state that
    /// must not be used.
    pub(super) fn heartbeat(
        &mut self,
        group: &str,
        beat: &ConsumerHeartbeat,
        topics: &dyn Topics,
        step: &mut Step<'_>,
    ) -> Result<HeartbeatReply, Rejection> {
        self.check_size(beat, step.settings.consumer_group_max_size)?;
        self.find_or_add(group, beat, step)?;
        let before = self.current(&beat.member_id).assigned.clone();
        let is_new_epoch = self.update_member(beat) | self.resolve(beat, topics, step.now);
        self.advance(is_new_epoch, topics);
        self.assign_if_due(group, topics, step);
        self.reconcile(&beat.member_id, beat.owned.as_ref(), step.now);
        let session_ends = step.after(step.settings.consumer_session_timeout_ms);
        if let Some(member) = self.members.get_mut(&beat.member_id) {
            member.session_ends = Some(session_ends);
        }
        let current = self.current(&beat.member_id);
        let tells = beat.is_full() || current.assigned != before;
        Ok(HeartbeatReply {
            member_id: beat.member_id.clone(),
            epoch: current.epoch,
            interval_ms: step.settings.consumer_heartbeat_interval_ms,
            assignment: tells.then_some(current.assigned),
        })
    }

    /// Computes another target if the group has a newer epoch.
    pub(super) fn assign_if_due(&mut self, group: &str, topics: &dyn Topics, step: &mut Step<'_>) {
        if self.epoch > self.assignment_epoch && self.may_assign(step) {
            self.assign(topics);
            self.assigned_at = Some(step.now);
            step.events.push(GroupEvent::Rebalancing {
                group: group.to_owned(),
                reason: format!("a new assignment for epoch {}", self.epoch),
            });
        }
    }

    /// Returns whether the last assignment is old enough for another one. The first member of a
    /// group need not wait.
    fn may_assign(&self, step: &Step<'_>) -> bool {
        let interval = i64::from(step.settings.consumer_assignment_interval_ms);
        self.members.len() == 1 || self.assigned_at.is_none_or(|at| at + interval <= step.now)
    }

    /// Returns whether the heartbeat changes nothing except the member's session.
    pub(super) fn is_quiet(
        &self,
        beat: &ConsumerHeartbeat,
        topics: &dyn Topics,
        step: &Step<'_>,
    ) -> bool {
        let says_nothing = beat.instance_id.is_none()
            && beat.rack_id.is_none()
            && beat.rebalance_timeout_ms.is_none()
            && beat.topics.is_none()
            && beat.regex.is_none()
            && beat.assignor.is_none()
            && beat.owned.is_none();
        let is_reconciled = self
            .members
            .get(&beat.member_id)
            .is_some_and(|member| beat.epoch == self.epoch && member.is_reconciled_to(self.epoch));
        says_nothing
            && is_reconciled
            && self.assignment_epoch == self.epoch
            && !self.must_resolve(step.now)
            && self.metadata_hash == self.hash_of_topics(topics)
    }

    /// Renews the member's session.
    pub(super) fn renew_session(&mut self, member_id: &str, step: &Step<'_>) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.session_ends = Some(step.after(step.settings.consumer_session_timeout_ms));
        }
    }

    fn current(&self, member_id: &str) -> CurrentAssignmentValue {
        self.members.get(member_id).map(|member| member.current.clone()).unwrap_or_default()
    }

    fn check_size(&self, beat: &ConsumerHeartbeat, most: usize) -> Result<(), Rejection> {
        if self.members.len() < most || self.members.contains_key(&beat.member_id) {
            return Ok(());
        }
        let message =
            format!("The consumer group has reached its maximum capacity of {most} members.");
        Err(Rejection::new(ResponseError::GroupMaxSizeReached, message))
    }

    fn find_or_add(
        &mut self,
        group: &str,
        beat: &ConsumerHeartbeat,
        step: &mut Step<'_>,
    ) -> Result<(), Rejection> {
        let joins = beat.epoch == 0;
        if let Some(instance_id) = &beat.instance_id {
            if joins {
                return self.join_static_member(group, instance_id, beat, step);
            }
            self.check_instance(instance_id, &beat.member_id)?;
        }
        match self.members.get(&beat.member_id) {
            Some(member) => check_epoch(member, beat),
            None if joins => {
                self.add_member(group, beat, step);
                Ok(())
            }
            None => Err(unknown_member(&beat.member_id, group)),
        }
    }

    /// Returns whether the request may speak for the static member.
    pub(super) fn check_instance(
        &self,
        instance_id: &str,
        member_id: &str,
    ) -> Result<(), Rejection> {
        match self.static_member(instance_id) {
            None => Err(Rejection::new(
                ResponseError::UnknownMemberId,
                format!("Instance id {instance_id} is unknown."),
            )),
            Some((current, _)) if current != member_id => Err(Rejection::new(
                ResponseError::FencedInstanceId,
                format!(
                    "Static member {member_id} with instance id {instance_id} was fenced by member \
                     {current}."
                ),
            )),
            Some(_) => Ok(()),
        }
    }

    /// Adds a static member: as a new one, or in the place of its former self that has left
    /// temporarily. While the former self is active the instance id is in use.
    fn join_static_member(
        &mut self,
        group: &str,
        instance_id: &str,
        beat: &ConsumerHeartbeat,
        step: &mut Step<'_>,
    ) -> Result<(), Rejection> {
        let Some((former_id, former)) = self.static_member(instance_id) else {
            match self.members.get_mut(&beat.member_id) {
                // A member that joins again keeps its assignment, under its new id.
                Some(member) => member.about.instance_id = Some(instance_id.to_owned()),
                None => self.add_member(group, beat, step),
            }
            return Ok(());
        };
        // A classic static member never announces that it leaves.
        if former.current.epoch != LEAVES_FOR_A_WHILE && !former.is_classic() {
            return Err(Rejection::new(
                ResponseError::UnreleasedInstanceId,
                format!(
                    "Static member {} with instance id {instance_id} cannot join the group because \
                     the instance id is owned by {former_id} member.",
                    beat.member_id
                ),
            ));
        }
        let former_id = former_id.clone();
        self.replace(&former_id, &beat.member_id);
        step.events.push(GroupEvent::MemberReplaced {
            group: group.to_owned(),
            instance: instance_id.to_owned(),
            member: beat.member_id.clone(),
        });
        Ok(())
    }

    /// Gives a static member another id, with the whole assignment of its former self.
    pub(super) fn replace(&mut self, former_id: &str, member_id: &str) {
        if let Some(mut member) = self.members.remove(former_id) {
            (member.current.epoch, member.current.previous_epoch) = (0, 0);
            self.members.insert(member_id.to_owned(), member);
        }
        if let Some(target) = self.targets.remove(former_id) {
            self.targets.insert(member_id.to_owned(), target);
        }
    }

    fn add_member(&mut self, group: &str, beat: &ConsumerHeartbeat, step: &mut Step<'_>) {
        let about = ConsumerMemberValue {
            instance_id: beat.instance_id.clone(),
            ..ConsumerMemberValue::default()
        };
        let member = ConsumerMember::new(about, CurrentAssignmentValue::default());
        self.members.insert(beat.member_id.clone(), member);
        step.events.push(GroupEvent::MemberJoined {
            group: group.to_owned(),
            member: beat.member_id.clone(),
            client_id: beat.client_id.clone(),
        });
    }

    /// Takes over the member's subscription and metadata. Returns whether its topics have changed.
    fn update_member(&mut self, beat: &ConsumerHeartbeat) -> bool {
        let Some(member) = self.members.get_mut(&beat.member_id) else {
            return false;
        };
        let about = &mut member.about;
        about.classic = None;
        member.request_ends = None;
        about.client_id.clone_from(&beat.client_id);
        about.client_host.clone_from(&beat.client_host);
        if beat.rack_id.is_some() {
            about.rack_id.clone_from(&beat.rack_id);
        }
        if let Some(timeout) = beat.rebalance_timeout_ms {
            about.rebalance_timeout_ms = timeout;
        }
        if beat.assignor.is_some() {
            about.assignor.clone_from(&beat.assignor);
        }
        let said = beat.regex.as_ref();
        if let Some(regex) = said {
            // An empty expression ends the subscription.
            about.regex = Some(regex.clone()).filter(|regex| !regex.is_empty());
        }
        match &beat.topics {
            Some(topics) if *topics != about.topics => {
                about.topics.clone_from(topics);
                true
            }
            _ => false,
        }
    }
}

/// Returns whether the member's epoch fits the group's. A member that has missed the last response
/// is accepted if it owns only partitions of its assignment.
fn check_epoch(member: &ConsumerMember, beat: &ConsumerHeartbeat) -> Result<(), Rejection> {
    let current = &member.current;
    let fenced = |relation: &str| {
        Err(Rejection::new(
            ResponseError::FencedMemberEpoch,
            format!(
                "The consumer group member has a {relation} member epoch ({}) than the one known by \
                 the group coordinator ({}). The member must abandon all its partitions and rejoin.",
                beat.epoch, current.epoch
            ),
        ))
    };
    if beat.epoch == 0 || beat.epoch == current.epoch {
        return Ok(());
    }
    if beat.epoch > current.epoch {
        return fenced("greater");
    }
    let owns_its_own = beat.owned.as_ref().is_some_and(|owned| is_subset(owned, &current.assigned));
    if beat.epoch == current.previous_epoch && owns_its_own { Ok(()) } else { fenced("smaller") }
}

fn is_subset(part: &Partitions, whole: &Partitions) -> bool {
    let has = |(topic, partitions): (&uuid::Uuid, &BTreeSet<i32>)| {
        partitions.is_empty() || whole.get(topic).is_some_and(|all| partitions.is_subset(all))
    };
    part.iter().all(has)
}

pub(super) fn unknown_member(member_id: &str, group: &str) -> Rejection {
    let message = format!("Member {member_id} is not a member of group {group}.");
    Rejection::new(ResponseError::UnknownMemberId, message)
}
