//! One file per API of the protocol, and what all of their handlers are given.

pub(crate) mod alter_configs;
mod config_resources;
pub(crate) mod describe_configs;
pub(crate) mod incremental_alter_configs;

use std::net::IpAddr;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;

use crate::time::Timestamp;

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

/// What all nodes share.
pub(crate) struct State {
    pub(crate) metadata: crate::metadata::Metadata,
}
