//! The file that says where a cluster runs, and the check that it still does.
//!
//! Whoever hosts a cluster writes it and removes it. A process that was killed leaves it behind,
//! so it proves nothing by itself: the host's lock says whether the process lives, and the cluster
//! has to answer with the id that stands here.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ask::{ask, plain_config};

/// How long a connection on this machine may take. A port that nobody listens on refuses at once,
/// and librdkafka would try it again until its own limit.
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
    /// The addresses as clients take them, separated by commas.
    pub fn bootstrap_servers(&self) -> String {
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        addresses.join(",")
    }

    /// Whether a cluster with this id answers at these addresses.
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
        // A node may be paused on purpose. Connected to all, librdkafka asks one that answers.
        config.set("enable.sparse.connections", "false");
        let answer = ask(config).await;
        answer.is_ok_and(|answer| answer.cluster_id.as_ref() == Some(&self.cluster_id))
    }
}
