//! Why a cluster or one of its nodes is not as it was asked for, each with what to do next.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::engine::Engine;
use crate::release::Release;

/// What can go wrong with an engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `WORKSHOP_ENGINE` or an argument names no engine.
    #[error("there is no engine {name:?}: take embedded, apache or docker")]
    UnknownEngine {
        /// What was named.
        name: String,
    },

    /// An argument names a release of Apache Kafka that is none of [`Release::ALL`].
    #[error("Apache Kafka {version:?} is not known here: take one of {}", known_releases())]
    UnknownRelease {
        /// What was named.
        version: String,
    },

    /// A cluster of no nodes, or of more than nine.
    #[error("a cluster has 1 to 9 nodes, not {nodes}")]
    NodeCount {
        /// How many were asked for.
        nodes: usize,
    },

    /// A property of the brokers that the engine cannot take.
    #[error("{reason} (engine {engine})")]
    Property {
        /// The engine.
        engine: Engine,
        /// Why it cannot.
        reason: String,
    },

    /// There is no Java, or it is too old for Apache Kafka.
    #[error(
        "Apache Kafka needs Java 17 or newer, and {found}. Install it (`apt install \
         openjdk-17-jre-headless`, `brew install openjdk`), or set JAVA_HOME to where it is"
    )]
    Java {
        /// What there is instead.
        found: String,
    },

    /// Maven is not there, and Apache Kafka's jars have not been copied before.
    #[error(
        "Apache Kafka's jars are copied from Maven Central once, and Maven is not there ({reason}). \
         Install it: `apt install maven`, `brew install maven`"
    )]
    Maven {
        /// What the system says.
        reason: String,
    },

    /// The engine `docker` was not built.
    #[error(
        "containers need a build with the feature `containers`: `cargo test -p engines --features \
         containers`, or `cargo run -p workshop-cli --features containers -- up --engine docker`"
    )]
    NotBuilt,

    /// No container engine answers.
    #[error("no container engine answers ({reason}). Start Docker, or set DOCKER_HOST")]
    NoContainers {
        /// What the client says.
        reason: String,
    },

    /// The image of a node is not there and cannot be had.
    #[error(
        "the image {image} cannot be pulled ({reason}). Pull it where there is a network, or name \
         another with WORKSHOP_KAFKA_IMAGE"
    )]
    NoImage {
        /// The image.
        image: String,
        /// What the container engine says.
        reason: String,
    },

    /// The system lacks what the engine stands on.
    #[error("the engine {engine} needs a Unix system: Linux, macOS, or WSL on Windows")]
    NotUnix {
        /// The engine.
        engine: Engine,
    },

    /// Maven did not copy the jars.
    #[error(
        "Maven could not copy Apache Kafka's jars to {}. It needs the network once. It said:\n{said}",
        .path.display()
    )]
    Jars {
        /// Where they were to go.
        path: PathBuf,
        /// Maven's last lines.
        said: String,
    },

    /// A node or a Connect worker ended before it answered.
    #[error("{what} ended before it answered. Its last words:\n{said}")]
    DidNotStart {
        /// What was started.
        what: String,
        /// The last lines of its log.
        said: String,
    },

    /// A node or a Connect worker runs, and has not done what it was asked for.
    #[error(
        "{what} within {} s. The machine may be too busy; what it said last:\n{said}",
        .limit.as_secs()
    )]
    TimedOut {
        /// What did not happen.
        what: String,
        /// How long was waited.
        limit: Duration,
        /// The last lines of its log.
        said: String,
    },

    /// The cluster has no node with this id.
    #[error("there is no node {id}: the cluster has the nodes 1 to {nodes}")]
    NoSuchNode {
        /// The id that was asked for.
        id: i32,
        /// How many nodes there are.
        nodes: usize,
    },

    /// A node is in another state than the change begins with.
    #[error("node {id} is {state}, so it cannot be {change}")]
    NodeState {
        /// The node.
        id: i32,
        /// What it is now: running, paused or stopped.
        state: &'static str,
        /// What was asked for, such as "resumed".
        change: &'static str,
    },

    /// A file or directory cannot be read or written.
    #[error("cannot {action} {}: {source}. Check the rights and the free space there", .path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },

    /// A program cannot be started or signalled.
    #[error("cannot run {program}: {source}")]
    Run {
        /// The program.
        program: String,
        /// What the system says.
        source: io::Error,
    },

    /// The embedded cluster does not start.
    #[error(transparent)]
    Embedded(#[from] embedded_kafka::StartError),

    /// A node of the embedded cluster does not do what it was asked for.
    #[error(transparent)]
    Node(embedded_kafka::NodeError),

    /// The container engine answers, and does not do what it was asked for.
    #[cfg(feature = "containers")]
    #[error(
        "the container engine could not {action}: {source}. The image is {image}; \
         WORKSHOP_KAFKA_IMAGE names another"
    )]
    Containers {
        /// What was tried, as a verb.
        action: &'static str,
        /// The image that nodes are made from.
        image: String,
        /// What the container engine says.
        source: Box<testcontainers::TestcontainersError>,
    },
}

impl Error {
    /// Describes a failed operation on a file; `action` is a verb such as "write".
    pub(crate) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), source }
    }

    /// Whether this machine lacks what the engine needs, so that a test is skipped and not failed.
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::Java { .. }
                | Self::Maven { .. }
                | Self::NotBuilt
                | Self::NoContainers { .. }
                | Self::NoImage { .. }
                | Self::NotUnix { .. }
        )
    }
}

/// The releases that there are, for a message.
fn known_releases() -> String {
    Release::ALL.map(Release::version).join(", ")
}
