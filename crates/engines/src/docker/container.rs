//! The container of one node.

use testcontainers::bollard::query_parameters::KillContainerOptionsBuilder;
use testcontainers::core::client::docker_client_instance;
use testcontainers::{ContainerAsync, GenericImage, TestcontainersError};
use tokio::sync::Mutex;

use super::state::{Change, State};
use crate::cluster::Node;
use crate::last_lines::last_lines;

/// The time limit for a clean shutdown, in seconds.
const STOP_SECONDS: i32 = 60;

/// The number of lines of a node's log that an error shows.
const SHOWN_LINES: usize = 12;

/// A node, its container and its state.
#[derive(Debug)]
pub(super) struct NodeContainer {
    pub(super) node: Node,
    pub(super) container: ContainerAsync<GenericImage>,
    /// Locked during a change, so that the second of two concurrent changes sees the first one's
    /// result.
    pub(super) state: Mutex<State>,
}

impl NodeContainer {
    /// Asks the container engine for a change.
    pub(super) async fn apply(&self, change: Change) -> Result<(), TestcontainersError> {
        match change {
            Change::Stop => self.container.stop_with_timeout(Some(STOP_SECONDS)).await,
            Change::Kill => self.kill().await,
            Change::Start => self.container.start().await,
            Change::Pause => self.container.pause().await,
            Change::Resume => self.container.unpause().await,
        }
    }

    async fn kill(&self) -> Result<(), TestcontainersError> {
        let client = docker_client_instance().await?;
        let signal = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
        let killed = client.kill_container(self.container.id(), Some(signal)).await;
        killed.map_err(|e| TestcontainersError::Other(Box::new(e)))
    }

    /// Returns the last lines of the node's log.
    pub(super) async fn last_lines(&self) -> String {
        let log = self.container.stdout_to_vec().await.unwrap_or_default();
        last_lines(&String::from_utf8_lossy(&log), SHOWN_LINES)
    }
}
