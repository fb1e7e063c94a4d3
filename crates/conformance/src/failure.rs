//! Why a scenario came to no answer.

use std::time::Duration;

/// What ends a scenario before its answer is known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A node closed the connection, or sent what cannot be read.
    #[error("no answer: {0}")]
    Connection(#[from] std::io::Error),

    /// librdkafka refused what the scenario takes for granted.
    #[error("the client failed: {0}")]
    Client(#[from] rdkafka::error::KafkaError),

    /// A step that prepares the question was refused by the cluster.
    #[error("{step} was answered {error}")]
    Step {
        /// What was asked for.
        step: &'static str,
        /// The error's name.
        error: String,
    },

    /// A condition did not come true.
    #[error("waited {} s in vain: {condition}", .limit.as_secs())]
    InVain {
        /// What was waited for.
        condition: &'static str,
        /// How long.
        limit: Duration,
    },

    /// An answer lacks the part that the scenario is about.
    #[error("the answer has no {0}")]
    Missing(&'static str),
}
