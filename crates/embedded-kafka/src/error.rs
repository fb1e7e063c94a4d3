//! What can go wrong when a cluster starts.

use std::io;
use std::path::PathBuf;

/// Why a cluster did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A choice of the builder makes no sense.
    #[error("{0}")]
    InvalidSetting(String),
    /// Somebody else listens on a port that was asked for.
    #[error("port {port} is taken: choose another one, or 0 for any free port")]
    PortTaken {
        /// The port that was asked for.
        port: u16,
    },
    /// The operating system did not let a node listen.
    #[error("cannot listen on port {port}: {source}; choose another port or address")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
    /// The data directory cannot be read or written.
    #[error(
        "{path} cannot be used: {source}; choose another data directory, or check who may write here"
    )]
    DataDirectory {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another cluster uses the data directory.
    #[error("{path} is in use by another cluster: stop that one, or choose another data directory")]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
    /// The data directory holds something that this version does not understand.
    #[error(
        "{path} was not written by this version ({reason}): choose another data directory, or empty this one"
    )]
    Incompatible {
        /// The file that is not understood.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The log of a topic cannot be opened.
    #[error("topic {topic}: {source}")]
    Log {
        /// The topic.
        topic: String,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A topic that was to be there from the start is not.
    #[error("topic {topic}: {reason}")]
    Topic {
        /// The topic.
        topic: String,
        /// Why, and what to do instead.
        reason: String,
    },
    /// The operating system gave no thread to run on.
    #[error("cannot start the cluster's threads: {0}")]
    Threads(io::Error),
}

/// Why a node was not stopped, started or disturbed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The cluster has no such node.
    #[error("there is no node {node}: see Cluster::nodes")]
    NoSuchNode {
        /// The id asked for.
        node: i32,
    },
    /// The node is in another state than the change begins with.
    #[error("node {node} is {state}, which is not what this begins with")]
    WrongState {
        /// The node's id.
        node: i32,
        /// What it is now: running, paused or stopped.
        state: &'static str,
    },
    /// The node's port was taken while it was down.
    #[error("node {node} cannot listen on port {port} again: {source}; free the port")]
    Listen {
        /// The node's id.
        node: i32,
        /// Its port.
        port: u16,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Requests of this API cannot be answered with an error on purpose.
    #[error("{api:?} has no answer that is only an error")]
    NoErrorAnswer {
        /// The API.
        api: kafka_protocol::messages::ApiKey,
    },
}
