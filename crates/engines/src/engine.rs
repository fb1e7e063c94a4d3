//! The three engines by name.

use std::fmt;

/// What runs a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// The cluster of `embedded-kafka`, inside this process.
    #[default]
    Embedded,
    /// Apache Kafka from its jars, each node a process of its own.
    Apache,
    /// Apache Kafka's official image, each node a container.
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
