//! The rejection of a request, in Kafka's words.

use kafka_protocol::ResponseError;

/// An error code, and the reason in words, which is empty if Kafka gives none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) code: ResponseError,
    pub(crate) message: String,
}

impl Rejection {
    pub(crate) fn new(code: ResponseError, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Rejects a setting that does not exist, or a value that it does not accept.
    pub(crate) fn invalid_config(message: impl Into<String>) -> Self {
        Self::new(ResponseError::InvalidConfig, message)
    }

    /// Rejects a request that contradicts itself.
    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(ResponseError::InvalidRequest, message)
    }

    /// Rejects a change to the settings of a topic that does not exist.
    pub(crate) fn no_such_topic(name: &str) -> Self {
        let message = format!("The topic '{name}' does not exist.");
        Self::new(ResponseError::UnknownTopicOrPartition, message)
    }

    /// Rejects a request for a topic that does not exist, with Kafka's message for all other
    /// requests.
    pub(crate) fn unknown_topic() -> Self {
        let message = "This server does not host this topic-partition.";
        Self::new(ResponseError::UnknownTopicOrPartition, message)
    }

    /// Reports that a change could not be written to disk.
    pub(crate) fn storage(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a change of the cluster's metadata was not written");
        Self::new(ResponseError::KafkaStorageError, format!("The change was not written: {error}"))
    }
}

impl From<ResponseError> for Rejection {
    fn from(code: ResponseError) -> Self {
        Self::new(code, "")
    }
}
