//! Orders to a running cluster, and the answers to them.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

/// What the host says once it was shown the right token.
pub(super) const HEARD: &str = "heard";

/// The most bytes that an order or an answer takes.
pub(super) const MOST_BYTES: u64 = 16 << 10;

/// What a running cluster can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Order {
    /// Say how the nodes are.
    Nodes,
    /// Change a node.
    Node {
        /// The broker id.
        id: i32,
        /// What becomes of it.
        change: NodeChange,
    },
    /// Answer the next requests of an API with an error.
    Fail {
        /// The API's name, such as `Produce`.
        api: String,
        /// The error's name, such as `NOT_ENOUGH_REPLICAS`.
        error: String,
        /// How many requests.
        times: u16,
    },
    /// Let the next requests of an API take effect, and lose the answers.
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
    /// End all delays, and take back the errors and lost answers that are still to come.
    ClearFaults,
}

/// What can become of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NodeChange {
    /// It shuts down in order.
    Stop,
    /// It ends at once.
    Kill,
    /// It starts again.
    Start,
    /// It neither answers nor follows, and its sockets stay open.
    Pause,
    /// It goes on after a pause.
    Resume,
    /// It fetches nothing from the leaders that it follows.
    PauseReplication,
    /// It fetches again.
    ResumeReplication,
}

impl NodeChange {
    /// What a node is after this change: "node 2 was killed".
    pub fn done(self) -> &'static str {
        match self {
            Self::Stop => "was shut down in order",
            Self::Kill => "was killed",
            Self::Start => "runs again",
            Self::Pause => "is paused: it answers nobody, and its connections stay open",
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

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Answer {
    /// It was done; this says what is so now.
    Done(String),
    /// How the nodes are, by id.
    Nodes(Vec<NodeStatus>),
    /// It was not done; this says why, and what to do instead.
    Refused(String),
}

/// A node, and how it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The broker id.
    pub id: i32,
    /// Where it listens, or listened.
    pub address: SocketAddr,
    /// In a word or two, such as "running" or "stopped".
    pub state: String,
}

/// An answer that takes a while.
pub type Obeying<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// A cluster that takes orders.
pub trait Controlled: Send + Sync + 'static {
    /// Does what it is told, or says why not.
    fn obey(&self, order: Order) -> Obeying<'_>;
}
