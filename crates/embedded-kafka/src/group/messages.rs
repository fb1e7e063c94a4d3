//! What clients of a group ask, and what they are told: the messages of the classic protocol and of
//! commits, without their form on the wire.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka_protocol::ResponseError;

/// An assignor that a member supports, with what the member tells the assignor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Protocol {
    pub(crate) name: String,
    pub(crate) metadata: Bytes,
}

/// A JoinGroup request.
#[derive(Debug, Clone)]
pub(crate) struct JoinRequest {
    /// Empty for a client that is no member yet.
    pub(crate) member_id: String,
    /// The id to give to a client that has none: the group makes up nothing by itself.
    pub(crate) new_member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout_ms: i32,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) protocol_type: String,
    /// In the order of preference, each name once.
    pub(crate) protocols: Vec<Protocol>,
    /// Why the client joins, in its own words (KIP-800).
    pub(crate) reason: String,
    /// Whether the client comes back with an id that it is given (version 4, KIP-394).
    pub(crate) requires_member_id: bool,
    /// Whether the client understands that it leads and has nothing to assign (version 9, KIP-814).
    pub(crate) understands_skip_assignment: bool,
}

/// The answer to a member of the next generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol_name: Option<String>,
    pub(crate) leader: String,
    /// The leader is to send no assignment: the one that the group has still holds.
    pub(crate) skip_assignment: bool,
    pub(crate) member_id: String,
    /// All members for the leader, nobody for the others.
    pub(crate) members: Vec<JoinedMember>,
}

/// What the leader is told of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinedMember {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) metadata: Bytes,
}

/// A rejected JoinGroup, with the member id that the client is to use from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinRejection {
    pub(crate) error: ResponseError,
    pub(crate) member_id: String,
}

pub(crate) type JoinAnswer = Result<Joined, JoinRejection>;

/// A SyncGroup request.
#[derive(Debug, Clone)]
pub(crate) struct SyncRequest {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) generation: i32,
    /// What the client believes the group's type to be (version 5, KIP-559), checked if given.
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol_name: Option<String>,
    /// From the leader: member ids and their assignments.
    pub(crate) assignments: BTreeMap<String, Bytes>,
}

/// A member's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synced {
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol_name: Option<String>,
    pub(crate) assignment: Bytes,
}

pub(crate) type SyncAnswer = Result<Synced, ResponseError>;

/// Who is to leave: a member by its id, or a static member by its instance id, with an empty
/// member id where an administrator removes it.
#[derive(Debug, Clone)]
pub(crate) struct Leaving {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    /// Why, in the client's own words (KIP-800).
    pub(crate) reason: String,
}

/// Who commits. The version of the request decides on an error code alone.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    /// −1 for a consumer that assigns its partitions itself.
    pub(crate) generation: i32,
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    /// Whether the client understands GROUP_ID_NOT_FOUND (version 9).
    pub(crate) understands_unknown_group: bool,
}

impl Commit {
    /// Whether the client says that it is a member of the group.
    pub(super) fn claims_membership(&self) -> bool {
        self.generation >= 0 || !self.member_id.is_empty() || self.instance_id.is_some()
    }
}
