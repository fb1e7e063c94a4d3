//! What every engine's cluster can be asked for.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::pin::Pin;

use crate::engine::Engine;
use crate::error::Error;

/// An answer that takes a while.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// A node of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// The broker id, from 1.
    pub id: i32,
    /// Where clients reach it.
    pub address: SocketAddr,
}

/// A running cluster, which is stopped and removed with all its data when this is dropped.
///
/// Nodes are named by their ids. Each change of a node fails with [`Error::NoSuchNode`] for an id
/// that the cluster does not have, and with [`Error::NodeState`] where the node is in another state
/// than the change begins with.
pub trait Cluster: Debug + Send + Sync {
    /// What it runs on.
    fn engine(&self) -> Engine;

    /// What clients connect to (`bootstrap.servers`): all nodes, also the stopped ones.
    fn bootstrap_servers(&self) -> &str;

    /// The id that all nodes say the cluster has.
    fn cluster_id(&self) -> &str;

    /// The nodes, by id.
    fn nodes(&self) -> &[Node];

    /// Shuts a node down in order: it hands over what it leads, and has ended when this returns.
    fn stop_node(&self, id: i32) -> Pending<'_>;

    /// Ends a node at once, as a loss of power does (SIGKILL).
    fn kill_node(&self, id: i32) -> Pending<'_>;

    /// Starts a node that was stopped or killed, on its old port and data. It answers when this
    /// returns; its replicas may still catch up.
    fn start_node(&self, id: i32) -> Pending<'_>;

    /// Halts a node as a long garbage collection does (SIGSTOP): its sockets stay open, and it
    /// neither answers nor follows until it is resumed.
    fn pause_node(&self, id: i32) -> Pending<'_>;

    /// Lets a paused node go on where it was.
    fn resume_node(&self, id: i32) -> Pending<'_>;

    /// Stops the cluster and removes its data, as dropping it does, but without blocking.
    fn stop(self: Box<Self>) -> Pending<'static>;
}
