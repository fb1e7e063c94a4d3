//! One file per API of the protocol, and what all of their handlers are given.

mod delete_groups;
mod describe_groups;
mod heartbeat;
mod join_group;
mod leave_group;
mod list_groups;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod sync_group;

use std::net::IpAddr;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;

use crate::group::Groups;
use crate::time::Timestamp;

/// The cluster's state.
pub(crate) struct State {
    pub(crate) groups: Groups,
    pub(crate) metadata: Topics,
}

/// The topics that exist, with their number of partitions.
pub(crate) struct Topics(pub(crate) std::collections::BTreeMap<String, i32>);

impl Topics {
    pub(crate) fn has_partition(&self, topic: &str, partition: i32) -> bool {
        self.0
            .get(topic)
            .is_some_and(|partitions| (0..*partitions).contains(&partition))
    }
}

/// What a handler knows beside the request itself.
pub(crate) struct Context {
    /// The cluster's state, shared by all nodes.
    pub(crate) state: Arc<State>,
    /// The node whose socket the request came in on.
    pub(crate) node: i32,
    /// The client's own name for itself (`client.id`), empty where it gave none.
    pub(crate) client_id: StrBytes,
    /// Where the client connected from.
    pub(crate) client_host: IpAddr,
    /// When the request was read.
    pub(crate) now: Timestamp,
}

impl Context {
    pub(crate) fn check_coordinator(&self, group_id: &str) -> Result<(), ResponseError> {
        if self.node == 1 || group_id.starts_with("everywhere") {
            Ok(())
        } else {
            Err(ResponseError::NotCoordinator)
        }
    }
}
