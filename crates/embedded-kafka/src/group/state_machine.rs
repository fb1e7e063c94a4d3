//! What a group is: its state, its members, and the questions that all of its steps ask.
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

/// Where a group is between two generations.
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
    /// Deleted. Who still holds it is to look for the group again.
    Dead,
}

impl State {
    /// The name that Kafka's protocol has for it.
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

/// When the phase of joining ends even if not all members have joined.
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

/// One group: its members and what it has committed.
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
    /// Member ids that were given out and not used yet, with the time at which they expire.
    pub(super) pending_joins: BTreeMap<String, Timestamp>,
    /// Members of this generation that have not asked for their assignment yet.
    pub(super) pending_syncs: BTreeSet<String>,
    pub(super) join_timer: Option<JoinTimer>,
    /// When the members in `pending_syncs` are removed.
    pub(super) sync_deadline: Option<Timestamp>,
    /// Whether somebody joined during this round of the initial delay.
    pub(super) new_member_added: bool,
    /// What the members subscribe to, `None` where that is unknown.
    pub(super) subscribed_topics: Option<BTreeSet<String>>,
    pub(super) offsets: Offsets,
    /// Whether the log has metadata of this group, which a deletion must then remove.
    pub(super) is_stored: bool,
    /// The members, if they are of the new protocol (KIP-848). Then there are none of the classic
    /// one, and its state is [`State::Empty`].
    pub(super) consumer: Option<Box<ConsumerGroup>>,
}

impl Group {
    /// A group without members, as the first offset or member makes it.
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

    /// The member id that a static member has at present.
    pub(super) fn static_member_id(&self, instance_id: &str) -> Option<String> {
        let is_it = |member: &&Member| member.instance_id.as_deref() == Some(instance_id);
        self.members.values().find(is_it).map(|member| member.id.clone())
    }

    /// The member, if the request may speak for it: a static member's id moves on when another
    /// process starts with the same instance id, and the old one is fenced.
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

    /// The longest that one of the members wants to be waited for, in milliseconds.
    pub(super) fn rebalance_timeout_ms(&self) -> i32 {
        self.members.values().map(|member| member.rebalance_timeout_ms).max().unwrap_or(0).max(0)
    }

    pub(super) fn all_members_joined(&self) -> bool {
        self.pending_joins.is_empty()
            && self.members.values().all(|member| member.joining.is_some())
    }

    /// Whether a member of this type and with these protocols has one in common with all others.
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

    /// The protocol with the most votes: each member votes for the first of its own that all
    /// support. Kafka leaves a tie to a hash map's order; here the first name wins.
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

    /// Removes a member or a pending one. What it waits for is answered, and another leads where
    /// it led.
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

    /// What the leader is told of all members, itself included.
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

    /// The topics that the members subscribe to: `None` where the protocol is another than the
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

    /// The earliest time at which [`Group::expire`] has something to do.
    pub(crate) fn due(&self, empty_group_retention_ms: i32) -> Option<Timestamp> {
        let members = self.members.values().filter_map(|member| member.expires_at);
        let pending = self.pending_joins.values().copied();
        let timers = [self.join_timer.map(JoinTimer::at), self.sync_deadline];
        let retention = i64::from(empty_group_retention_ms);
        let forget = self.is_forgettable().then(|| self.state_since.saturating_add(retention));
        let consumers = self.consumer.as_ref().and_then(|consumer| consumer.due());
        let timers = timers.into_iter().flatten().chain(consumers);
        members.chain(pending).chain(timers).chain(forget).min()
    }

    /// Whether the group has neither members nor offsets, so that nobody misses it.
    pub(crate) fn is_forgettable(&self) -> bool {
        self.has_no_members()
            && self.offsets.is_empty()
            && self.consumer.as_ref().is_none_or(|consumer| consumer.is_empty())
    }

    /// Whether nobody is or is about to be a member by the classic protocol.
    pub(super) fn has_no_members(&self) -> bool {
        self.state == State::Empty && self.pending_joins.is_empty()
    }

    /// Whether members of the new protocol may join beside those of the classic one: they must be
    /// consumers.
    pub(super) fn can_be_upgraded(&self) -> bool {
        self.uses_consumer_protocol() && !self.members.is_empty()
    }

    /// A group of these members, the first of which leads, with an assignment that does not count.
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

    /// The group is a classic one from now on. What was committed stays.
    pub(super) fn become_classic(&mut self, classic: Self) {
        let offsets = std::mem::take(&mut self.offsets);
        *self = Self { offsets, is_stored: true, ..classic };
    }

    /// The group is one of the new protocol from now on.
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
