//! The list of nodes: those that exist, those that run, and those in clients' metadata.
//!
//! `nodes` holds the effects of a node's change on its partitions.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::RwLock;

use super::replication::NodeAvailability;
use crate::time::Timestamp;

/// A node of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The broker id, from 1.
    pub id: i32,
    /// The address that it listens at.
    pub address: SocketAddr,
}

/// All nodes of the cluster, up or not.
#[derive(Debug)]
pub(super) struct Nodes {
    all: RwLock<Vec<NodeState>>,
    /// The nodes in clients' metadata.
    listed: RwLock<Arc<[Node]>>,
}

/// A node with its state.
#[derive(Debug, Clone)]
pub(super) struct NodeState {
    pub(super) node: Node,
    pub(super) is_up: bool,
    pub(super) is_replication_paused: bool,
    /// Tells whether it stopped without handing over.
    pub(super) was_killed: bool,
    /// The time at which the cluster notices its absence.
    pub(super) missed_at: Option<Timestamp>,
    /// The number of metadata changes when it stopped, and the time.
    pub(super) left_at: Option<(i64, Timestamp)>,
}

/// A node as a replica of the cluster's metadata.
#[derive(Debug)]
pub(crate) struct Voter {
    pub(crate) node: Node,
    /// For a node that is down, the number of changes that it has, and the time of the last one.
    pub(crate) left_at: Option<(i64, Timestamp)>,
}

impl Nodes {
    pub(super) fn new(nodes: &[Node]) -> Self {
        let all = nodes.iter().map(|node| NodeState {
            node: node.clone(),
            is_up: true,
            is_replication_paused: false,
            was_killed: false,
            missed_at: None,
            left_at: None,
        });
        Self { all: RwLock::new(all.collect()), listed: RwLock::new(nodes.into()) }
    }

    pub(super) fn listed(&self) -> Arc<[Node]> {
        Arc::clone(&self.listed.read())
    }

    pub(super) fn count(&self) -> usize {
        self.all.read().len()
    }

    pub(super) fn availability(&self) -> Vec<NodeAvailability> {
        let all = self.all.read();
        let availability_of = |state: &NodeState| NodeAvailability {
            id: state.node.id,
            is_up: state.is_up,
            is_replication_paused: state.is_replication_paused,
        };
        all.iter().map(availability_of).collect()
    }

    /// Returns the nodes that are down and fenced.
    pub(super) fn fenced(&self) -> Vec<Node> {
        let all = self.all.read();
        let is_fenced = |state: &&NodeState| !state.is_up && state.missed_at.is_none();
        all.iter().filter(is_fenced).map(|state| state.node.clone()).collect()
    }

    pub(super) fn voters(&self) -> Vec<Voter> {
        let all = self.all.read();
        let voter = |it: &NodeState| Voter {
            node: it.node.clone(),
            left_at: it.left_at.filter(|_| !it.is_up),
        };
        all.iter().map(voter).collect()
    }

    /// Changes a node and the list of clients' metadata. Returns its state before, `None` if there
    /// is no such node.
    pub(super) fn change(&self, id: i32, change: impl FnOnce(&mut NodeState)) -> Option<NodeState> {
        let mut all = self.all.write();
        let state = all.iter_mut().find(|state| state.node.id == id)?;
        let before = state.clone();
        change(state);
        let is_listed = |state: &&NodeState| state.is_up || state.missed_at.is_some();
        let listed = all.iter().filter(is_listed).map(|state| state.node.clone()).collect();
        *self.listed.write() = listed;
        Some(before)
    }

    pub(super) fn missed(&self, now: Timestamp) -> Vec<i32> {
        let all = self.all.read();
        let is_due = |state: &&NodeState| state.missed_at.is_some_and(|at| at <= now);
        all.iter().filter(is_due).map(|state| state.node.id).collect()
    }
}
