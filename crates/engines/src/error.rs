//! Errors of engines and their nodes, each with what to do next.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::engine::Engine;
use crate::release::Release;

/// An error of an engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `WORKSHOP_ENGINE` or an argument names an unknown engine.
    #[error("unknown engine {name:?}: use embedded, apache, or docker")]
    UnknownEngine {
        /// The name.
        name: String,
    },

    /// An argument names an unknown release of Apache Kafka: see [`Release::ALL`].
    #[error("unknown release {version:?} of Apache Kafka: use one of {}", known_releases())]
    UnknownRelease {
        /// The name.
        version: String,
    },

    /// The number of nodes is not between 1 and 9.
    #[error("a cluster has 1 to 9 nodes, not {nodes}")]
    NodeCount {
        /// The requested number.
        nodes: usize,
    },

    /// The engine rejects a broker property.
    #[error("{reason} (engine {engine})")]
    Property {
        /// The engine.
        engine: Engine,
        /// The reason.
        reason: String,
    },

    /// Java is missing or too old for Apache Kafka.
    #[error(
        "Apache Kafka needs Java 17 or newer, and {found}. Install it (`apt install \
         openjdk-17-jre-headless`, `brew install openjdk`), or set JAVA_HOME to where it is"
    )]
    Java {
        /// The Java that was found instead, if any.
        found: String,
    },

    /// Maven is missing, and Apache Kafka's jars have not been downloaded before.
    #[error(
        "Apache Kafka's jars are downloaded from Maven Central once, and Maven is missing \
         ({reason}). Install it: `apt install maven`, `brew install maven`"
    )]
    Maven {
        /// The error of the operating system.
        reason: String,
    },

    /// This build does not include the engine `docker`.
    #[error(
        "containers need a build with the feature `containers`: `cargo test -p engines --features \
         containers`, or `cargo run -p workshop-cli --features containers -- up --engine docker`"
    )]
    NotBuilt,

    /// No container engine responds.
    #[error("no container engine responds ({reason}). Start Docker, or set DOCKER_HOST")]
    NoContainers {
        /// The client's error.
        reason: String,
    },

    /// The image of a node is missing and cannot be pulled.
    #[error(
        "the image {image} cannot be pulled ({reason}). Pull it where there is a network, or name \
         another with WORKSHOP_KAFKA_IMAGE"
    )]
    NoImage {
        /// The image.
        image: String,
        /// The container engine's error.
        reason: String,
    },

    /// The engine does not run on this operating system.
    #[error("the engine {engine} needs a Unix system: Linux, macOS, or WSL on Windows")]
    NotUnix {
        /// The engine.
        engine: Engine,
    },

    /// Maven failed to download the jars.
    #[error(
        "Maven could not download Apache Kafka's jars to {}. It needs the network once. Its output:\n{said}",
        .path.display()
    )]
    Jars {
        /// The target directory.
        path: PathBuf,
        /// Maven's last lines.
        said: String,
    },

    /// A node or a Connect worker ended before it responded.
    #[error("{what} ended before it responded. The end of its log:\n{said}")]
    DidNotStart {
        /// The process.
        what: String,
        /// The last lines of its log.
        said: String,
    },

    /// A node or a Connect worker is running but exceeded a time limit.
    #[error(
        "{what} within {} s. The machine may be too busy. The end of its log:\n{said}",
        .limit.as_secs()
    )]
    TimedOut {
        /// The process, and what it did not do.
        what: String,
        /// The time limit.
        limit: Duration,
        /// The last lines of its log.
        said: String,
    },

    /// The cluster has no node with this id.
    #[error("there is no node {id}: the cluster has the nodes 1 to {nodes}")]
    NoSuchNode {
        /// The requested id.
        id: i32,
        /// The number of nodes.
        nodes: usize,
    },

    /// The node's current state does not allow the change.
    #[error("node {id} is {state}, so it cannot be {change}")]
    NodeState {
        /// The node.
        id: i32,
        /// Its state: running, paused, or stopped.
        state: &'static str,
        /// The requested change, such as "resumed".
        change: &'static str,
    },

    /// A file or directory cannot be read or written.
    #[error("cannot {action} {}: {source}. Check the rights and the free space there", .path.display())]
    File {
        /// The operation, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },

    /// A program cannot be started or signaled.
    #[error("cannot run {program}: {source}")]
    Run {
        /// The program.
        program: String,
        /// The error of the operating system.
        source: io::Error,
    },

    /// The embedded cluster failed to start.
    #[error(transparent)]
    Embedded(#[from] embedded_kafka::StartError),

    /// An operation on a node of the embedded cluster failed.
    #[error(transparent)]
    Node(embedded_kafka::NodeError),

    /// An operation of the container engine failed.
    #[cfg(feature = "containers")]
    #[error(
        "the container engine could not {action}: {source}. The image is {image}; \
         WORKSHOP_KAFKA_IMAGE names another"
    )]
    Containers {
        /// The operation, as a verb.
        action: &'static str,
        /// The image of the nodes.
        image: String,
        /// The container engine's error.
        source: Box<testcontainers::TestcontainersError>,
    },
}

impl Error {
    /// Describes a failed operation on a file; `action` is a verb such as "write".
    pub(crate) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { action, path: path.to_owned(), source }
    }

    /// Returns whether this machine lacks a requirement of the engine, so that a test should be
    /// skipped instead of failing.
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

/// Lists the known releases for a message.
fn known_releases() -> String {
    Release::ALL.map(Release::version).join(", ")
}
