//! Orders to a running cluster, and the responses to them.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

/// What the host sends after the right token.
pub(super) const HEARD: &str = "heard";

/// The maximum number of bytes of an order or a response.
pub(super) const MOST_BYTES: u64 = 16 << 10;

/// An order to a running cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Order {
    /// List the nodes and their states.
    Nodes,
    /// Change a node.
    Node {
        /// The broker id.
        id: i32,
        /// The change.
        change: NodeChange,
    },
    /// Respond to the next requests of an API with an error.
    Fail {
        /// The API's name, such as `Produce`.
        api: String,
        /// The error's name, such as `NOT_ENOUGH_REPLICAS`.
        error: String,
        /// How many requests.
        times: u16,
    },
    /// Let the next requests of an API take effect, and drop the responses.
    DropResponse {
        /// The API's name, such as `Produce`.
        api: String,
        /// How many requests.
        times: u16,
    },
    /// Let every request wait before it is handled.
    Delay {
        /// How long, in ms; 0 ends it.
        milliseconds: u32,
        /// At which node, `None` for all.
        node: Option<i32>,
    },
    /// End all delays, and cancel the errors and dropped responses that are still pending.
    ClearFaults,
}

/// A change of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NodeChange {
    /// It shuts down in order.
    Stop,
    /// It ends at once.
    Kill,
    /// It starts again.
    Start,
    /// It neither responds nor fetches, and its sockets stay open.
    Pause,
    /// It resumes after a pause.
    Resume,
    /// It fetches nothing from the leaders that it follows.
    PauseReplication,
    /// It fetches again.
    ResumeReplication,
}

impl NodeChange {
    /// Returns what a node is after this change: "node 2 was killed".
    pub fn done(self) -> &'static str {
        match self {
            Self::Stop => "was shut down in order",
            Self::Kill => "was killed",
            Self::Start => "runs again",
            Self::Pause => "is paused: it responds to no request, and its connections stay open",
            Self::Resume => "goes on",
            Self::PauseReplication => "fetches nothing any more from the leaders that it follows",
            Self::ResumeReplication => "fetches again, and catches up",
        }
    }
}

/// How the command line names a change.
impl fmt::Display for NodeChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Stop => "stop",
            Self::Kill => "kill",
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::PauseReplication => "pause-replication",
            Self::ResumeReplication => "resume-replication",
        })
    }
}

/// The outcome of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Answer {
    /// It was carried out; this describes the new state.
    Done(String),
    /// The nodes and their states, by id.
    Nodes(Vec<NodeStatus>),
    /// It was not carried out; this says why, and what to do instead.
    Refused(String),
}

/// A node, and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The broker id.
    pub id: i32,
    /// Where it listens, or listened.
    pub address: SocketAddr,
    /// Its state in a word or two, such as "running" or "stopped".
    pub state: String,
}

/// The future of an outcome.
pub type Obeying<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// A cluster that takes orders.
pub trait Controlled: Send + Sync + 'static {
    /// Carries out an order, or returns why not.
    fn obey(&self, order: Order) -> Obeying<'_>;
}
