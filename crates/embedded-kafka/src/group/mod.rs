//! Consumer groups: the classic protocol (JoinGroup, SyncGroup, Heartbeat, LeaveGroup), the
//! consumer protocol of KIP-848 (`consumer/`) and committed offsets, as in Apache Kafka's group
//! coordinator.
//!
//! A [`state_machine::Group`] is a state machine of plain functions. It receives the time and a
//! request, and produces responses, records and events ([`Step`]). It does not read any member's
//! metadata, which is why every assignor of every client works; [`subscription`] is the one
//! exception, for rejecting the deletion of offsets in use.
//!
//! [`GroupCoordinator`] holds all of them, one lock each, writes their records to
//! `__consumer_offsets`, and wakes the waiting requests. The expiry of old offsets is not here.

pub(crate) mod config;
mod consumer;
mod delayed;
mod group_coordinator;
mod group_description;
mod group_record;
mod join;
mod load_groups;
mod member;
mod members;
mod messages;
mod offset_requests;
mod offset_store;
mod permissions;
mod rebalance;
mod state_machine;
mod subscription;
mod sync;
#[cfg(test)]
mod tests;

use std::fmt;

use kafka_protocol::ResponseError;

use crate::records::GroupMetadataValue;
use crate::time::Timestamp;

pub(crate) use config::Settings;
pub(crate) use consumer::{
    ConsumerHeartbeat, DescribedConsumer, DescribedConsumerGroup, FetchingMember, HeartbeatReply,
    Topics, whole,
};
pub(crate) use group_coordinator::{GroupCoordinator, OffsetsLog};
pub(crate) use group_description::{Described, DescribedMember, Listed};
pub(crate) use load_groups::LogEntry;
#[cfg(test)]
pub(crate) use messages::JoinedMember;
pub(crate) use messages::{
    Commit, JoinRejection, JoinRequest, Joined, Leaving, Protocol, SyncRequest, Synced,
};
pub(crate) use offset_store::{CommittedOffset, FetchedOffset, OffsetToCommit, TopicOffsets};

/// An event of a group, for logs and live views.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GroupEvent {
    /// A member was added to the group.
    MemberJoined { group: String, member: String, client_id: String },
    /// A static member came back under a new member id (KIP-345).
    MemberReplaced { group: String, instance: String, member: String },
    /// A member left by its own or an administrator's request.
    MemberLeft { group: String, member: String },
    /// A member was removed because its session expired.
    MemberExpired { group: String, member: String },
    /// All members are asked to join again.
    Rebalancing { group: String, reason: String },
    /// Every member of the generation can have its assignment.
    Stable { group: String, generation: i32, members: Vec<String> },
}

impl GroupEvent {
    /// Returns the group in which it happened.
    pub(crate) fn group(&self) -> &str {
        match self {
            Self::MemberJoined { group, .. }
            | Self::MemberReplaced { group, .. }
            | Self::MemberLeft { group, .. }
            | Self::MemberExpired { group, .. }
            | Self::Rebalancing { group, .. }
            | Self::Stable { group, .. } => group,
        }
    }
}

impl fmt::Display for GroupEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MemberJoined { member, .. } => write!(f, "{member} joined"),
            Self::MemberReplaced { instance, member, .. } => {
                write!(f, "instance {instance} came back as {member}")
            }
            Self::MemberLeft { member, .. } => write!(f, "{member} left"),
            Self::MemberExpired { member, .. } => {
                write!(f, "{member} was removed: its session expired")
            }
            Self::Rebalancing { reason, .. } => write!(f, "rebalancing: {reason}"),
            Self::Stable { generation, members, .. } => {
                write!(f, "generation {generation} is stable with {} member(s)", members.len())
            }
        }
    }
}

/// A record that a group writes to the log before it responds.
pub(crate) type Store<'a> = dyn FnMut(&GroupMetadataValue) -> Result<(), ResponseError> + 'a;

/// The input of one step of a group, and its output except the response.
pub(crate) struct Step<'a> {
    pub(crate) now: Timestamp,
    pub(crate) settings: &'a Settings,
    pub(crate) store: &'a mut Store<'a>,
    pub(crate) events: Vec<GroupEvent>,
}

impl Step<'_> {
    /// Returns the time `timeout_ms` from now. A negative timeout from the wire means at once.
    fn after(&self, timeout_ms: i32) -> Timestamp {
        self.now.saturating_add(i64::from(timeout_ms.max(0)))
    }
}
