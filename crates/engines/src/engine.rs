//! The three engines by name.

use std::fmt;

/// The software that runs a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// The cluster of `embedded-kafka`, in this process.
    #[default]
    Embedded,
    /// Apache Kafka from its jars, one process for each node.
    Apache,
    /// Apache Kafka's official image, one container for each node.
    Docker,
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Embedded => "embedded",
            Self::Apache => "apache",
            Self::Docker => "docker",
        })
    }
}
