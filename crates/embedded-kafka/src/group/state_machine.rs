//! The state of a group: its phase, its members, and the queries that all of its steps share.
//!
//! The steps themselves are in `join`, `rebalance`, `sync`, `members` and `permissions`.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::ResponseError;

use super::consumer::ConsumerGroup;
use super::member::Member;
use super::messages::{JoinRejection, JoinedMember, Protocol};
use super::offset_store::Offsets;
use super::subscription::subscribed_topics;
use crate::time::Timestamp;

/// The protocol type whose metadata holds a list of topics.
const CONSUMER_PROTOCOL: &str = "consumer";

/// The phase of a group between two generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// No members; there may be committed offsets.
    Empty,
    /// Waits until all members have joined (again).
    PreparingRebalance,
    /// Waits for the leader's assignment.
    CompletingRebalance,
    /// Every member can have its assignment.
    Stable,
    /// Deleted. A request that still holds it must look for the group again.
    Dead,
}

impl State {
    /// Returns the name in Kafka's protocol.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }
}

/// The end of the phase of joining, even if not all members have joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JoinTimer {
    /// At the rebalance timeout.
    Rebalance { at: Timestamp },
    /// The first rebalance of an empty group waits in rounds of `delay_ms` for as long as new
    /// members keep coming, and at most `remaining_ms` longer than this one.
    Initial { at: Timestamp, delay_ms: i32, remaining_ms: i32 },
}

impl JoinTimer {
    pub(super) fn at(self) -> Timestamp {
        match self {
            Self::Rebalance { at } | Self::Initial { at, .. } => at,
        }
    }
}

/// One group: its members and its committed offsets.
#[derive(Debug)]
pub(crate) struct Group {
    pub(super) id: String,
    pub(super) state: State,
    /// The state before this one: a rebalance that began in Empty waits its delay out.
    pub(super) previous_state: State,
    pub(super) state_since: Timestamp,
    pub(super) generation: i32,
    pub(super) protocol_type: Option<String>,
    pub(super) protocol_name: Option<String>,
    pub(super) leader: Option<String>,
    pub(super) members: BTreeMap<String, Member>,
    /// The member ids that were allocated and not used yet, with the time at which they expire.
    pub(super) pending_joins: BTreeMap<String, Timestamp>,
    /// Members of this generation that have not asked for their assignment yet.
    pub(super) pending_syncs: BTreeSet<String>,
    pub(super) join_timer: Option<JoinTimer>,
    /// The time at which the members in `pending_syncs` are removed.
    pub(super) sync_deadline: Option<Timestamp>,
    /// Tells whether a member joined during this round of the initial delay.
    pub(super) new_member_added: bool,
    /// The topics that the members subscribe to, `None` if that is unknown.
    pub(super) subscribed_topics: Option<BTreeSet<String>>,
    pub(super) offsets: Offsets,
    /// Tells whether the log has metadata of this group, which a deletion must then remove.
    pub(super) is_stored: bool,
    /// The members, if they are of the consumer protocol (KIP-848). Then there are none of the
    /// classic protocol, and its state is [`State::Empty`].
    pub(super) consumer: Option<Box<ConsumerGroup>>,
}

impl Group {
    /// Returns a group without members, as the first offset or member creates it.
    pub(crate) fn new(id: String, now: Timestamp) -> Self {
        Self {
            id,
            state: State::Empty,
            previous_state: State::Dead,
            state_since: now,
            generation: 0,
            protocol_type: None,
            protocol_name: None,
            leader: None,
            members: BTreeMap::new(),
            pending_joins: BTreeMap::new(),
            pending_syncs: BTreeSet::new(),
            join_timer: None,
            sync_deadline: None,
            new_member_added: false,
            subscribed_topics: None,
            offsets: Offsets::default(),
            is_stored: false,
            consumer: None,
        }
    }

    pub(super) fn enter(&mut self, state: State, now: Timestamp) {
        self.previous_state = self.state;
        self.state = state;
        self.state_since = now;
    }

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// Returns the current member id of a static member.
    pub(super) fn static_member_id(&self, instance_id: &str) -> Option<String> {
        let is_it = |member: &&Member| member.instance_id.as_deref() == Some(instance_id);
        self.members.values().find(is_it).map(|member| member.id.clone())
    }

    /// Returns the member, if the request may speak for it: a static member's id changes when
    /// another process starts with the same instance id, and the old process is fenced.
    pub(super) fn validate_member(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
    ) -> Result<(), ResponseError> {
        if let Some(instance_id) = instance_id {
            match self.static_member_id(instance_id) {
                None => return Err(ResponseError::UnknownMemberId),
                Some(current) if current != member_id => {
                    return Err(ResponseError::FencedInstanceId);
                }
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) {
            Ok(())
        } else {
            Err(ResponseError::UnknownMemberId)
        }
    }

    /// Returns the longest rebalance timeout of the members, in milliseconds.
    pub(super) fn rebalance_timeout_ms(&self) -> i32 {
        self.members.values().map(|member| member.rebalance_timeout_ms).max().unwrap_or(0).max(0)
    }

    pub(super) fn all_members_joined(&self) -> bool {
        self.pending_joins.is_empty()
            && self.members.values().all(|member| member.joining.is_some())
    }

    /// Returns whether a member of this type and with these protocols has one in common with all
    /// others.
    pub(super) fn supports_protocols(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if self.state == State::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|protocol| self.all_support(&protocol.name))
    }

    fn all_support(&self, protocol: &str) -> bool {
        self.members.values().all(|member| member.supports(protocol))
    }

    /// Returns the protocol with the most votes: each member votes for the first of its own that
    /// all support. Kafka leaves a tie to a hash map's order; here the first name wins.
    pub(super) fn select_protocol(&self) -> Option<String> {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let names = member.protocols.iter().map(|protocol| protocol.name.as_str());
            if let Some(vote) = names.into_iter().find(|name| self.all_support(name)) {
                *votes.entry(vote).or_default() += 1;
            }
        }
        let most = votes.values().copied().max()?;
        votes.into_iter().find(|(_, count)| *count == most).map(|(name, _)| name.to_owned())
    }

    /// Adds a member whose request waits. The first one leads.
    pub(super) fn add_member(&mut self, member: Member, protocol_type: String) {
        if self.members.is_empty() {
            self.protocol_type = Some(protocol_type);
        }
        if self.leader.is_none() {
            self.leader = Some(member.id.clone());
        }
        self.pending_joins.remove(&member.id);
        self.members.insert(member.id.clone(), member);
    }

    /// Removes a member or a pending one. Its waiting requests get a response, and another member
    /// leads if it was the leader.
    pub(super) fn remove_member(&mut self, member_id: &str) {
        self.pending_joins.remove(member_id);
        self.pending_syncs.remove(member_id);
        if let Some(mut member) = self.members.remove(member_id) {
            let error = ResponseError::UnknownMemberId;
            member.answer_join(Err(JoinRejection { error, member_id: String::new() }));
            member.answer_sync(Err(error));
        }
        if self.is_leader(member_id) {
            self.leader = self.members.keys().next().cloned();
        }
    }

    /// Returns the leader's view of all members, itself included.
    pub(super) fn joined_members(&self) -> Vec<JoinedMember> {
        let protocol = self.protocol_name.as_deref();
        let members = self.members.values().map(|member| JoinedMember {
            member_id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            metadata: member.metadata(protocol),
        });
        members.collect()
    }

    pub(super) fn uses_consumer_protocol(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER_PROTOCOL)
    }

    /// Returns the topics that the members subscribe to: `None` if the protocol is not the
    /// consumers', or a member's metadata cannot be read.
    pub(super) fn collect_subscribed_topics(&self) -> Option<BTreeSet<String>> {
        if !self.uses_consumer_protocol() {
            return None;
        }
        let protocol = self.protocol_name.as_deref();
        let mut topics = BTreeSet::new();
        for member in self.members.values() {
            topics.extend(subscribed_topics(&member.metadata(protocol))?);
        }
        Some(topics)
    }

    /// Returns the time of the next timer that [`Group::expire`] handles.
    pub(crate) fn due(&self, empty_group_retention_ms: i32) -> Option<Timestamp> {
        let members = self.members.values().filter_map(|member| member.expires_at);
        let pending = self.pending_joins.values().copied();
        let timers = [self.join_timer.map(JoinTimer::at), self.sync_deadline];
        let retention = i64::from(empty_group_retention_ms);
        let deletion = self.may_be_deleted().then(|| self.state_since.saturating_add(retention));
        let consumers = self.consumer.as_ref().and_then(|consumer| consumer.due());
        let timers = timers.into_iter().flatten().chain(consumers);
        members.chain(pending).chain(timers).chain(deletion).min()
    }

    /// Returns whether the group has neither members nor offsets, so that it may be deleted.
    pub(crate) fn may_be_deleted(&self) -> bool {
        self.has_no_members()
            && self.offsets.is_empty()
            && self.consumer.as_ref().is_none_or(|consumer| consumer.is_empty())
    }

    /// Returns whether the group has no classic member, and none that is about to join.
    pub(super) fn has_no_members(&self) -> bool {
        self.state == State::Empty && self.pending_joins.is_empty()
    }

    /// Returns whether members of the consumer protocol may join next to the classic ones: they
    /// must be consumers.
    pub(super) fn can_be_upgraded(&self) -> bool {
        self.uses_consumer_protocol() && !self.members.is_empty()
    }

    /// Returns a group of these members, the first of which leads, with an assignment that does not
    /// count.
    pub(super) fn of_members(
        id: &str,
        generation: i32,
        members: Vec<Member>,
        now: Timestamp,
    ) -> Self {
        let mut group = Self::new(id.to_owned(), now);
        for member in members {
            group.add_member(member, CONSUMER_PROTOCOL.to_owned());
        }
        group.generation = generation;
        group.protocol_name = group.select_protocol();
        group.subscribed_topics = group.collect_subscribed_topics();
        group.enter(State::Stable, now);
        group
    }

    /// Turns the group into a classic one. Its committed offsets stay.
    pub(super) fn become_classic(&mut self, classic: Self) {
        let offsets = std::mem::take(&mut self.offsets);
        *self = Self { offsets, is_stored: true, ..classic };
    }

    /// Turns the group into one of the consumer protocol.
    pub(super) fn become_consumer_group(&mut self, consumer: ConsumerGroup) {
        if self.consumer.is_none() {
            self.is_stored = false;
            for (member_id, mut member) in std::mem::take(&mut self.members) {
                let error = ResponseError::RebalanceInProgress;
                member.answer_join(Err(JoinRejection { error, member_id }));
                member.answer_sync(Err(error));
            }
            self.pending_joins.clear();
            self.pending_syncs.clear();
            (self.join_timer, self.sync_deadline) = (None, None);
            self.state = State::Empty;
            (self.generation, self.protocol_type, self.protocol_name) = (0, None, None);
            (self.leader, self.subscribed_topics) = (None, None);
        }
        self.consumer = Some(Box::new(consumer));
    }
}
