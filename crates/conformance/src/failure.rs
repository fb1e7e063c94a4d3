//! The failure of a scenario.

use std::time::Duration;

/// An error that ends a scenario before it has an outcome.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A node closed the connection, or sent an unreadable response.
    #[error("no response: {0}")]
    Connection(#[from] std::io::Error),

    /// A step of librdkafka that the scenario needs failed.
    #[error("the client failed: {0}")]
    Client(#[from] rdkafka::error::KafkaError),

    /// The cluster rejected a step that the scenario needs.
    #[error("{step} failed with {error}")]
    Step {
        /// The step.
        step: &'static str,
        /// The error's name.
        error: String,
    },

    /// A condition was not met in time.
    #[error("waited {} s, but this did not happen: {condition}", .limit.as_secs())]
    TimedOut {
        /// The condition.
        condition: &'static str,
        /// The time limit.
        limit: Duration,
    },

    /// A node did not stop or start.
    #[error("node {node} did not change: {reason}")]
    Node {
        /// The id of the node.
        node: i32,
        /// The reason.
        reason: String,
    },

    /// A response lacks the part that the scenario is about.
    #[error("the response has no {0}")]
    Missing(&'static str),
}
