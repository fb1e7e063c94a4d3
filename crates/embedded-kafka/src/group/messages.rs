//! The requests of a group's clients and the responses to them: the messages of the classic
//! protocol and of commits, without their form on the wire.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::ResponseError;

/// An assignor that a member supports, with the member's metadata for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Protocol {
    pub(crate) name: String,
    pub(crate) metadata: Bytes,
}

/// A JoinGroup request.
#[derive(Debug, Clone)]
pub(crate) struct JoinRequest {
    /// The member's id, empty for a new member.
    pub(crate) member_id: String,
    /// The id for a client that has none: the group generates nothing by itself.
    pub(crate) new_member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout_ms: i32,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) protocol_type: String,
    /// In the order of preference, each name once.
    pub(crate) protocols: Vec<Protocol>,
    /// The reason for joining, in the client's words (KIP-800).
    pub(crate) reason: String,
    /// Tells whether the client joins a second time with an id from the coordinator (version 4,
    /// KIP-394).
    pub(crate) requires_member_id: bool,
    /// Tells whether the client understands that it leads and has nothing to assign (version 9,
    /// KIP-814).
    pub(crate) understands_skip_assignment: bool,
}

/// The response to a member of the next generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol_name: Option<String>,
    pub(crate) leader: String,
    /// Tells the leader to send no assignment: the one of the group still applies.
    pub(crate) skip_assignment: bool,
    pub(crate) member_id: String,
    /// All members for the leader, an empty list for the others.
    pub(crate) members: Vec<JoinedMember>,
}

/// The leader's view of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinedMember {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) metadata: Bytes,
}

/// A rejected JoinGroup, with the member id that the client must use from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinRejection {
    pub(crate) error: ResponseError,
    pub(crate) member_id: String,
}

pub(crate) type JoinReply = Result<Joined, JoinRejection>;

/// A SyncGroup request.
#[derive(Debug, Clone)]
pub(crate) struct SyncRequest {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) generation: i32,
    /// The client's view of the group's protocol (version 5, KIP-559), checked if given.
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol_name: Option<String>,
    /// From the leader: member ids and their assignments.
    pub(crate) assignments: BTreeMap<String, Bytes>,
}

/// The assignment of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synced {
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol_name: Option<String>,
    pub(crate) assignment: Bytes,
}

pub(crate) type SyncReply = Result<Synced, ResponseError>;

/// The member that leaves: named by its id, or as a static member by its instance id, with an empty
/// member id if an administrator removes it.
#[derive(Debug, Clone)]
pub(crate) struct Leaving {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    /// The reason, in the client's words (KIP-800).
    pub(crate) reason: String,
}

/// The sender of a commit. The version of the request decides on an error code alone.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    /// The generation or epoch, −1 for a consumer with explicit partitions.
    pub(crate) generation: i32,
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    /// Tells whether the client understands GROUP_ID_NOT_FOUND (version 9).
    pub(crate) understands_unknown_group: bool,
}

impl Commit {
    /// Returns whether the client claims to be a member of the group.
    pub(super) fn claims_membership(&self) -> bool {
        self.generation >= 0 || !self.member_id.is_empty() || self.instance_id.is_some()
    }
}
