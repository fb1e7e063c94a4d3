//! The file that says where a cluster runs, and the check that it still does.
//!
//! The host of a cluster writes it and removes it. A killed process leaves it in place, so it
//! proves nothing by itself: the host's lock says whether the process is alive, and the cluster has
//! to respond with the id in the file.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ask::{ask, plain_config};

/// How long a connection on this machine may take. A port without a listener rejects a connection
/// at once, and librdkafka would retry it until its own limit.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// A cluster that a process of the workshop hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The cluster's id, as its metadata has it.
    pub cluster_id: String,
    /// The process that hosts it.
    pub process_id: u32,
    /// Where each node listens, in the order of the node ids.
    pub addresses: Vec<SocketAddr>,
}

impl Running {
    /// Returns the addresses in the format of `bootstrap.servers`, separated by commas.
    pub fn bootstrap_servers(&self) -> String {
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        addresses.join(",")
    }

    /// Returns whether a cluster with this id responds at these addresses.
    pub(crate) async fn answers(&self) -> bool {
        // Any node will do: others may be down on purpose.
        let addresses = self.addresses.clone();
        let connected = tokio::task::spawn_blocking(move || {
            let answers =
                |address: &SocketAddr| TcpStream::connect_timeout(address, CONNECT_LIMIT).is_ok();
            addresses.iter().any(answers)
        });
        if !connected.await.unwrap_or(false) {
            return false;
        }
        let mut config = plain_config(&self.bootstrap_servers());
        // A node may be paused on purpose. Connected to all, librdkafka asks one that responds.
        config.set("enable.sparse.connections", "false");
        let answer = ask(config).await;
        answer.is_ok_and(|answer| answer.cluster_id.as_ref() == Some(&self.cluster_id))
    }
}
