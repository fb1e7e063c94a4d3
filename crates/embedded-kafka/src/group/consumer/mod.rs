//! Groups of the new protocol (KIP-848): the coordinator assigns, members reconcile one by one.
//!
//! The group's epoch grows with everything that asks for another assignment: a member that comes or
//! goes, a subscription, a topic. The target assignment is computed for an epoch, and each member
//! is led to it by the answers to its heartbeats: first it gives up what is no longer its own, then
//! it gets what others have given up. No partition is ever with two members.
//!
//! [`ConsumerGroup`] is what the records of the group say, and nothing else but timers. A step
//! makes another one of it; what differs is written in one batch before it counts.

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
pub(crate) use heartbeat::{ConsumerHeartbeat, HeartbeatAnswer};
pub(crate) use member_epochs::FetchingMember;
pub(crate) use regex::whole;

/// The epoch with which a member leaves for good.
pub(crate) const LEAVES: i32 = -1;
/// The epoch with which a static member leaves and is expected back.
pub(crate) const LEAVES_FOR_A_WHILE: i32 = -2;

/// The topics of the cluster, as an assignor must know them. Asked with a group locked.
pub(crate) trait Topics {
    /// A topic's id and the number of its partitions.
    fn find(&self, name: &str) -> Option<(Uuid, i32)>;

    /// The name of a topic.
    fn name(&self, id: Uuid) -> Option<String>;

    /// The topics whose names match.
    fn matching(&self, is_match: &dyn Fn(&str) -> bool) -> BTreeSet<String>;
}

/// A member, as its records say, and its timers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConsumerMember {
    about: ConsumerMemberValue,
    current: CurrentAssignmentValue,
    /// When the member is removed unless it is heard of before.
    session_ends: Option<Timestamp>,
    /// When the member is removed unless it has given up what it was told to.
    revocation_ends: Option<Timestamp>,
    /// When a classic member is removed unless it has sent the JoinGroup or SyncGroup that is due.
    request_ends: Option<Timestamp>,
}

impl ConsumerMember {
    fn new(about: ConsumerMemberValue, current: CurrentAssignmentValue) -> Self {
        Self { about, current, session_ends: None, revocation_ends: None, request_ends: None }
    }

    fn timers(&self) -> [Option<Timestamp>; 3] {
        [self.session_ends, self.revocation_ends, self.request_ends]
    }

    /// Whether the member has what the target of this epoch says.
    fn is_reconciled_to(&self, epoch: i32) -> bool {
        self.current.state == Reconciliation::Stable && self.current.epoch == epoch
    }
}

/// Where such a group is.
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
    /// The name that Kafka's protocol has for it.
    fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Stable => "Stable",
        }
    }
}

/// A group of the new protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConsumerGroup {
    epoch: i32,
    /// Of the topics that the epoch knows of, so that another topic or partition makes a new epoch.
    metadata_hash: i64,
    /// The epoch that the targets were computed for.
    assignment_epoch: i32,
    members: BTreeMap<String, ConsumerMember>,
    /// What each member is to have.
    targets: BTreeMap<String, Partitions>,
    /// The topics that match each regular expression of a member.
    resolved: BTreeMap<String, BTreeSet<String>>,
    /// When the regular expressions were last matched against the topics.
    resolved_at: Timestamp,
    /// When the targets were computed, if that was here.
    assigned_at: Option<Timestamp>,
}

impl ConsumerGroup {
    /// A group that has no member yet. Kafka's first assignment is of epoch 1 or later.
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

    /// The member that is this static member at present.
    fn static_member(&self, instance_id: &str) -> Option<(&String, &ConsumerMember)> {
        let is_it = |(_, it): &(&String, &ConsumerMember)| {
            it.about.instance_id.as_deref() == Some(instance_id)
        };
        self.members.iter().find(is_it)
    }

    /// The earliest time at which a member's timer ends.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let timers = self.members.values().flat_map(ConsumerMember::timers);
        timers.flatten().min()
    }

    /// Whether a member reads the topic.
    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        self.members.values().any(|member| self.topics_of(member).any(|it| it == topic))
    }

    /// The topics that a member subscribes to, some perhaps twice.
    fn topics_of<'a>(&'a self, member: &'a ConsumerMember) -> impl Iterator<Item = &'a str> {
        let matching = member.about.regex.as_ref().and_then(|regex| self.resolved.get(regex));
        member.about.topics.iter().chain(matching.into_iter().flatten()).map(String::as_str)
    }
}
