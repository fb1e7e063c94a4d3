//! Consumer groups: the classic protocol (JoinGroup, SyncGroup, Heartbeat, LeaveGroup), the new one
//! of KIP-848 (`consumer/`) and committed offsets, as Apache Kafka's group coordinator does them.
//!
//! A [`state::Group`] is a state machine of plain functions: it is told the time and what to do,
//! and leaves answers, records and events behind ([`Step`]). It looks into nobody's metadata,
//! which is why every assignor of every client works; [`subscription`] is the one exception, for
//! refusing to delete offsets that are in use.
//!
//! [`Groups`] holds all of them, one lock each, writes what must survive to `__consumer_offsets`,
//! and wakes the requests that wait. The expiry of old offsets is not here.

mod committed;
mod consumer;
mod coordinator;
mod describe;
mod join;
mod members;
mod offsets;
mod pending;
mod rebalance;
mod recover;
mod replay;
mod state;
mod subscription;
mod sync;
#[cfg(test)]
mod tests;
mod waiting;

use std::fmt;

use kafka_protocol::ResponseError;

use crate::records::GroupMetadataValue;
use crate::time::Timestamp;

pub(crate) use consumer::{
    ASSIGNORS, ConsumerHeartbeat, DescribedConsumer, DescribedConsumerGroup, FetchingMember,
    HeartbeatAnswer, Refused, Topics, whole,
};
pub(crate) use coordinator::{Groups, OffsetsLog, append_error};
pub(crate) use describe::{Described, DescribedMember, Listed};
#[cfg(test)]
pub(crate) use join::JoinedMember;
pub(crate) use join::{JoinRefused, JoinRequest, Joined};
pub(crate) use members::Leaving;
pub(crate) use offsets::{Commit, CommittedOffset, FetchedOffset, OffsetToCommit, TopicOffsets};
pub(crate) use recover::LogEntry;
pub(crate) use state::Protocol;
pub(crate) use sync::{SyncRequest, Synced};

/// `group.consumer.session.timeout.ms`.
pub(crate) const CONSUMER_SESSION_TIMEOUT_MS: i32 = 45_000;
/// `group.consumer.heartbeat.interval.ms`, 5 s in Kafka.
pub(crate) const CONSUMER_HEARTBEAT_INTERVAL_MS: i32 = 1_000;
/// `group.consumer.assignment.interval.ms`, 1 s in Kafka.
pub(crate) const CONSUMER_ASSIGNMENT_INTERVAL_MS: i32 = 0;
/// `group.consumer.migration.policy`.
pub(crate) const MIGRATION_POLICY: &str = "bidirectional";

/// The limits and delays of all groups, in milliseconds unless they say otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// How long the first rebalance of an empty group waits for more members
    /// (`group.initial.rebalance.delay.ms`, 3 s in Kafka; short here, so that a learner's first
    /// consumer starts at once).
    pub(crate) initial_rebalance_delay_ms: i32,
    /// `group.min.session.timeout.ms`.
    pub(crate) min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub(crate) max_session_timeout_ms: i32,
    /// How long a new member's JoinGroup may wait before the member is dropped: its client may
    /// have gone, and it has no session yet. Kafka's own constant.
    pub(crate) new_member_join_timeout_ms: i32,
    /// The longest metadata of a committed offset, in UTF-16 units (`offset.metadata.max.bytes`).
    pub(crate) max_offset_metadata: usize,
    /// How long a group without members and offsets is remembered
    /// (`offsets.retention.check.interval.ms`).
    pub(crate) empty_group_retention_ms: i32,
    /// How long a member of the new protocol may keep silent
    /// (`group.consumer.session.timeout.ms`).
    pub(crate) consumer_session_timeout_ms: i32,
    /// How often a member of the new protocol is to be heard of, and so how soon it learns of
    /// another assignment (`group.consumer.heartbeat.interval.ms`, 5 s in Kafka).
    pub(crate) consumer_heartbeat_interval_ms: i32,
    /// How long an assignment of the new protocol holds at least before the next one is computed
    /// (`group.consumer.assignment.interval.ms`, 1 s in Kafka).
    pub(crate) consumer_assignment_interval_ms: i32,
    /// The most members of a group of the new protocol (`group.consumer.max.size`).
    pub(crate) consumer_group_max_size: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            initial_rebalance_delay_ms: 50,
            min_session_timeout_ms: 6_000,
            max_session_timeout_ms: 1_800_000,
            new_member_join_timeout_ms: 300_000,
            max_offset_metadata: 4_096,
            empty_group_retention_ms: 600_000,
            consumer_session_timeout_ms: CONSUMER_SESSION_TIMEOUT_MS,
            consumer_heartbeat_interval_ms: CONSUMER_HEARTBEAT_INTERVAL_MS,
            consumer_assignment_interval_ms: CONSUMER_ASSIGNMENT_INTERVAL_MS,
            consumer_group_max_size: usize::MAX,
        }
    }
}

/// What happened in a group, for logs and live views.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GroupEvent {
    /// A member was added to the group.
    MemberJoined { group: String, member: String, client_id: String },
    /// A static member came back under a new member id (KIP-345).
    MemberReplaced { group: String, instance: String, member: String },
    /// A member left by its own or an administrator's request.
    MemberLeft { group: String, member: String },
    /// A member was removed because it kept silent for too long.
    MemberExpired { group: String, member: String },
    /// All members are asked to join again.
    Rebalancing { group: String, reason: String },
    /// Every member of the generation can have its assignment.
    Stable { group: String, generation: i32, members: Vec<String> },
}

impl GroupEvent {
    /// The group in which it happened.
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
            Self::MemberExpired { member, .. } => write!(f, "{member} fell silent and is out"),
            Self::Rebalancing { reason, .. } => write!(f, "rebalancing: {reason}"),
            Self::Stable { generation, members, .. } => {
                write!(f, "generation {generation} is stable with {} member(s)", members.len())
            }
        }
    }
}

/// What a group writes to the log before it answers.
pub(crate) type Store<'a> = dyn FnMut(&GroupMetadataValue) -> Result<(), ResponseError> + 'a;

/// What one step of a group is given, and what it leaves behind beside its answers.
pub(crate) struct Step<'a> {
    pub(crate) now: Timestamp,
    pub(crate) settings: &'a Settings,
    pub(crate) store: &'a mut Store<'a>,
    pub(crate) events: Vec<GroupEvent>,
}

impl Step<'_> {
    /// The time `timeout_ms` from now. A negative timeout from the wire means at once.
    fn after(&self, timeout_ms: i32) -> Timestamp {
        self.now.saturating_add(i64::from(timeout_ms.max(0)))
    }
}
