//! The interface of a cluster, the same on every engine.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::pin::Pin;

use crate::engine::Engine;
use crate::error::Error;

/// The result of an operation that takes a while.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// A node of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// The broker id, from 1.
    pub id: i32,
    /// The address for clients.
    pub address: SocketAddr,
}

/// A running cluster. Dropping it stops the nodes and removes all data.
///
/// Nodes are identified by their ids. Each change of a node fails with [`Error::NoSuchNode`] if the
/// cluster has no node with the id, and with [`Error::NodeState`] if the node's current state does
/// not allow the change.
pub trait Cluster: Debug + Send + Sync {
    /// Returns the engine that runs the cluster.
    fn engine(&self) -> Engine;

    /// Returns the addresses of all nodes, stopped ones included (`bootstrap.servers`).
    fn bootstrap_servers(&self) -> &str;

    /// Returns the cluster id.
    fn cluster_id(&self) -> &str;

    /// Returns the nodes, ordered by id.
    fn nodes(&self) -> &[Node];

    /// Shuts a node down cleanly: it hands over its leaderships, and the process has ended when
    /// this returns.
    fn stop_node(&self, id: i32) -> Pending<'_>;

    /// Kills a node, as a power failure does (SIGKILL).
    fn kill_node(&self, id: i32) -> Pending<'_>;

    /// Starts a node that was stopped or killed, with the same port and data. It responds when this
    /// returns; its replicas may still be catching up.
    fn start_node(&self, id: i32) -> Pending<'_>;

    /// Pauses a node, as a long garbage collection does (SIGSTOP): its sockets stay open, but it
    /// neither responds nor replicates until it is resumed.
    fn pause_node(&self, id: i32) -> Pending<'_>;

    /// Resumes a paused node.
    fn resume_node(&self, id: i32) -> Pending<'_>;

    /// Stops the cluster and removes its data, like dropping it but without blocking.
    fn stop(self: Box<Self>) -> Pending<'static>;
}
