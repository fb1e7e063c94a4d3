//! The rejection of a batch, as Kafka's clients receive it.

use kafka_protocol::ResponseError;

use super::super::AppendError;
use super::super::decompress::DecompressError;
use super::super::skim::Unreadable;

/// A rejected batch: the error, and the details that Kafka sends with it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct BatchRejection {
    /// The error code for the partition.
    pub(crate) code: ResponseError,
    /// The problem, in words for people.
    pub(crate) message: String,
    /// The invalid records by index in the batch, if single records are.
    pub(crate) record_errors: Vec<(i32, String)>,
    /// Tells whether Kafka responds with the log's start offset next to the error, and not with -1.
    pub(crate) names_start_offset: bool,
    /// Tells whether Kafka rejects the whole request, and sends the message with it.
    pub(super) is_of_whole_request: bool,
}

impl BatchRejection {
    /// Rejects the request, before Kafka checks the partition.
    pub(super) fn of_request(code: ResponseError, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            record_errors: Vec::new(),
            names_start_offset: false,
            is_of_whole_request: false,
        }
    }

    /// Rejects the batch.
    pub(super) fn of_batch(code: ResponseError, message: impl Into<String>) -> Self {
        Self { names_start_offset: true, ..Self::of_request(code, message) }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::of_batch(ResponseError::InvalidRecord, message)
    }

    /// Returns the same rejection for all partitions of the request. A failure without a name has
    /// no message.
    pub(super) fn of_whole_request(self) -> Self {
        Self { is_of_whole_request: self.code != ResponseError::UnknownServerError, ..self }
    }

    /// Returns the message that Kafka sends with the error: only if single records are at fault, or
    /// the request.
    pub(crate) fn client_message(&self) -> Option<&str> {
        let is_sent = self.is_of_whole_request || !self.record_errors.is_empty();
        is_sent.then_some(self.message.as_str())
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
