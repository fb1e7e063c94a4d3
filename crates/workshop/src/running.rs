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
        let first = self.addresses.first().copied();
        let connected = tokio::task::spawn_blocking(move || {
            first.is_some_and(|first| TcpStream::connect_timeout(&first, CONNECT_LIMIT).is_ok())
        });
        if !connected.await.unwrap_or(false) {
            return false;
        }
        let answer = ask(plain_config(&self.bootstrap_servers())).await;
        answer.is_ok_and(|answer| answer.cluster_id.as_ref() == Some(&self.cluster_id))
    }
}
