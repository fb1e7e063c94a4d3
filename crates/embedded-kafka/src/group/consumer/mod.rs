//! Groups of the consumer protocol (KIP-848): the coordinator assigns, members reconcile one by
//! one.
//!
//! The group's epoch grows with every change that needs another assignment: a member joins or
//! leaves, a subscription or a topic changes. The target assignment is computed for an epoch, and
//! the responses to a member's heartbeats lead it there: first it revokes the partitions that it
//! loses, then it receives those that others have revoked. No two members ever own the same
//! partition.
//!
//! [`ConsumerGroup`] is the state in the group's records, plus timers. A step produces another
//! state; the differences are written in one batch before they count.

mod assignor;
mod classic;
mod consumer_description;
mod heartbeat;
mod leave;
mod member_epochs;
mod reconcile;
mod regex;
mod requests;
mod store;
mod target;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::subscription::NamedPartitions;
use crate::records::{ConsumerMemberValue, CurrentAssignmentValue, Partitions, Reconciliation};
use crate::time::Timestamp;

pub(crate) use consumer_description::{DescribedConsumer, DescribedConsumerGroup};
pub(crate) use heartbeat::{ConsumerHeartbeat, HeartbeatReply};
pub(crate) use member_epochs::FetchingMember;
pub(crate) use regex::whole;

/// The epoch with which a member leaves permanently.
pub(crate) const LEAVES: i32 = -1;
/// The epoch with which a static member leaves temporarily.
pub(crate) const LEAVES_FOR_A_WHILE: i32 = -2;

/// The topics of the cluster, as an assignor must know them. Called with a group locked.
pub(crate) trait Topics {
    /// Returns a topic's id and the number of its partitions.
    fn find(&self, name: &str) -> Option<(Uuid, i32)>;

    /// Returns the name of a topic.
    fn name(&self, id: Uuid) -> Option<String>;

    /// Returns the topics whose names match.
    fn matching(&self, is_match: &dyn Fn(&str) -> bool) -> BTreeSet<String>;
}

/// A member: the state in its records, and its timers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConsumerMember {
    about: ConsumerMemberValue,
    current: CurrentAssignmentValue,
    /// The time at which its session expires.
    session_ends: Option<Timestamp>,
    /// The time by which the member must have revoked its partitions, or it is removed.
    revocation_ends: Option<Timestamp>,
    /// The time by which a classic member must have sent JoinGroup or SyncGroup, or it is removed.
    request_ends: Option<Timestamp>,
}

impl ConsumerMember {
    fn new(about: ConsumerMemberValue, current: CurrentAssignmentValue) -> Self {
        Self { about, current, session_ends: None, revocation_ends: None, request_ends: None }
    }

    fn timers(&self) -> [Option<Timestamp>; 3] {
        [self.session_ends, self.revocation_ends, self.request_ends]
    }

    /// Returns whether the member has the target assignment of this epoch.
    fn is_reconciled_to(&self, epoch: i32) -> bool {
        self.current.state == Reconciliation::Stable && self.current.epoch == epoch
    }
}

/// The state of such a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConsumerGroupState {
    Empty,
    /// The target assignment is older than the group.
    Assigning,
    /// Members are on their way to the target.
    Reconciling,
    Stable,
}

impl ConsumerGroupState {
    /// Returns the name in Kafka's protocol.
    fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Stable => "Stable",
        }
    }
}

/// A group of the consumer protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConsumerGroup {
    epoch: i32,
    /// The hash of the topics in this epoch, so that another topic or partition makes a new epoch.
    metadata_hash: i64,
    /// The epoch that the targets were computed for.
    assignment_epoch: i32,
    members: BTreeMap<String, ConsumerMember>,
    /// The target assignment of each member.
    targets: BTreeMap<String, Partitions>,
    /// The topics that match each regular expression of a member.
    resolved: BTreeMap<String, BTreeSet<String>>,
    /// The time at which the regular expressions were last matched against the topics.
    resolved_at: Timestamp,
    /// The time at which the targets were computed, if this coordinator computed them.
    assigned_at: Option<Timestamp>,
}

impl ConsumerGroup {
    /// Returns a group without members. Kafka's first assignment has epoch 1 or later.
    pub(super) fn new() -> Self {
        Self {
            epoch: 1,
            metadata_hash: 0,
            assignment_epoch: 0,
            members: BTreeMap::new(),
            targets: BTreeMap::new(),
            resolved: BTreeMap::new(),
            resolved_at: 0,
            assigned_at: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn state(&self) -> ConsumerGroupState {
        if self.members.is_empty() {
            ConsumerGroupState::Empty
        } else if self.epoch > self.assignment_epoch {
            ConsumerGroupState::Assigning
        } else if self.members.values().all(|it| it.is_reconciled_to(self.assignment_epoch)) {
            ConsumerGroupState::Stable
        } else {
            ConsumerGroupState::Reconciling
        }
    }

    /// Returns the current member of a static instance.
    fn static_member(&self, instance_id: &str) -> Option<(&String, &ConsumerMember)> {
        let is_it = |(_, it): &(&String, &ConsumerMember)| {
            it.about.instance_id.as_deref() == Some(instance_id)
        };
        self.members.iter().find(is_it)
    }

    /// Returns the earliest time at which a member's timer ends.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let timers = self.members.values().flat_map(ConsumerMember::timers);
        timers.flatten().min()
    }

    /// Returns whether the member reads the topic.
    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        self.members.values().any(|member| self.topics_of(member).any(|it| it == topic))
    }

    /// Returns the topics that a member subscribes to, some perhaps twice.
    fn topics_of<'a>(&'a self, member: &'a ConsumerMember) -> impl Iterator<Item = &'a str> {
        let matching = member.about.regex.as_ref().and_then(|regex| self.resolved.get(regex));
        member.about.topics.iter().chain(matching.into_iter().flatten()).map(String::as_str)
    }
}
