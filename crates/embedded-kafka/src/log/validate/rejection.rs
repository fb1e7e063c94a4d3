//! Why a batch is not taken, as Kafka's clients are told it.

use kafka_protocol::ResponseError;

use super::super::AppendError;
use super::super::decompress::DecompressError;
use super::super::skim::Unreadable;

/// Why a batch was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct BatchRejection {
    /// The error code for the partition.
    pub(crate) code: ResponseError,
    /// What is wrong, for people.
    pub(crate) message: String,
    /// The records at fault by index in the batch, where single records are.
    pub(crate) record_errors: Vec<(i32, String)>,
    /// Whether Kafka answers with the log's start offset beside the error, and not with -1.
    pub(crate) names_start_offset: bool,
    /// Whether Kafka fails at the whole request, and sends the message along.
    pub(super) is_of_whole_request: bool,
}

impl BatchRejection {
    /// What is wrong with the request, before Kafka looks at the partition.
    pub(super) fn of_request(code: ResponseError, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            record_errors: Vec::new(),
            names_start_offset: false,
            is_of_whole_request: false,
        }
    }

    /// What is wrong with the batch.
    pub(super) fn of_batch(code: ResponseError, message: impl Into<String>) -> Self {
        Self { names_start_offset: true, ..Self::of_request(code, message) }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::of_batch(ResponseError::InvalidRecord, message)
    }

    /// The same, for all partitions of the request. A failure without a name has no message.
    pub(super) fn of_whole_request(self) -> Self {
        Self { is_of_whole_request: self.code != ResponseError::UnknownServerError, ..self }
    }

    /// The message that Kafka sends along: only where single records are at fault, or the request.
    pub(crate) fn client_message(&self) -> Option<&str> {
        let is_told = self.is_of_whole_request || !self.record_errors.is_empty();
        is_told.then_some(self.message.as_str())
    }
}

impl From<ResponseError> for BatchRejection {
    fn from(code: ResponseError) -> Self {
        Self::of_request(code, String::new())
    }
}

impl From<AppendError> for BatchRejection {
    fn from(error: AppendError) -> Self {
        if let AppendError::Storage(error) = &error {
            tracing::error!(%error, "a batch was not written");
            return Self::of_request(ResponseError::KafkaStorageError, error.to_string());
        }
        Self::of_batch(error.code(), error.to_string())
    }
}

impl From<Unreadable> for BatchRejection {
    fn from(error: Unreadable) -> Self {
        let code = match error {
            Unreadable::Malformed(_) => ResponseError::InvalidRecord,
            Unreadable::Decompress(DecompressError::TooLarge(_)) => ResponseError::MessageTooLarge,
            Unreadable::Decompress(_) => ResponseError::UnknownServerError,
        };
        Self::of_batch(code, error.to_string())
    }
}
