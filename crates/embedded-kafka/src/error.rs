//! Errors of starting a cluster, and of changing its nodes.

use std::io;
use std::path::PathBuf;

/// An error of starting a cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A choice of the builder is invalid.
    #[error("{0}")]
    InvalidSetting(String),
    /// Another program listens on a port of the cluster.
    #[error("port {port} is taken: choose another one, or 0 for any free port")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// The operating system did not let a node listen.
    #[error("cannot listen on port {port}: {source}; choose another port or address")]
    Listen {
        /// The port.
        port: u16,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The data directory cannot be read or written.
    #[error(
        "{path} cannot be used: {source}; choose another data directory, or check its permissions"
    )]
    DataDirectory {
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another cluster uses the data directory.
    #[error("{path} is in use by another cluster: stop that one, or choose another data directory")]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
    /// The data directory has a file in a format that this version does not know.
    #[error(
        "{path} was not written by this version ({reason}): choose another data directory, or empty this one"
    )]
    Incompatible {
        /// The file in another format.
        path: PathBuf,
        /// The difference in the format.
        reason: String,
    },
    /// The log of a topic cannot be opened.
    #[error("topic {topic}: {source}")]
    Log {
        /// The topic.
        topic: String,
        /// The problem.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A topic could not be created at the start.
    #[error("topic {topic}: {reason}")]
    Topic {
        /// The topic.
        topic: String,
        /// The reason, and what to do instead.
        reason: String,
    },
    /// The operating system could not create a thread.
    #[error("cannot start the cluster's threads: {0}")]
    Threads(io::Error),
}

/// An error of stopping, starting or disturbing a node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The cluster has no such node.
    #[error("there is no node {node}: see Cluster::nodes")]
    NoSuchNode {
        /// The requested id.
        node: i32,
    },
    /// The node is in a state that does not allow the change.
    #[error("node {node} is {state}, which does not allow this change")]
    WrongState {
        /// The node's id.
        node: i32,
        /// Its current state: running, paused or stopped.
        state: &'static str,
    },
    /// Another program took the node's port while it was down.
    #[error("node {node} cannot listen on port {port} again: {source}; free the port")]
    Listen {
        /// The node's id.
        node: i32,
        /// Its port.
        port: u16,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// Requests of this API cannot get an error on purpose: it is ApiVersions, or not served.
    #[error(
        "{api:?} cannot be failed on purpose; every API that the cluster serves can, except ApiVersions"
    )]
    NoErrorResponse {
        /// The API.
        api: kafka_protocol::messages::ApiKey,
    },
}
