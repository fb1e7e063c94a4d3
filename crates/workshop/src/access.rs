//! Where a host takes orders, as its file in the data directory says.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The content of `control.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Access {
    /// Where the host listens.
    pub(crate) address: SocketAddr,
    /// The token that a client has to send first.
    pub(crate) token: String,
}
