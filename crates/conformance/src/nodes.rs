//! Control of the nodes of a cluster, for scenarios in which nodes stop and return.
//!
//! The caller that starts a cluster knows how to stop its nodes, and implements [`Nodes`].

use std::fmt::Debug;
use std::pin::Pin;

/// A change of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeChange {
    /// Shuts the node down cleanly: it hands over its leaderships first.
    Stop,
    /// Kills the node, as a power failure does.
    Kill,
    /// Starts a node that was stopped or killed.
    Start,
}

/// The result of a change, which takes a while; an error says why the node did not change.
pub type Changed<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// Stops and starts the nodes of a cluster.
pub trait Nodes: Debug + Send + Sync {
    /// Changes the node with this id.
    fn change(&self, node: i32, change: NodeChange) -> Changed<'_>;
}
