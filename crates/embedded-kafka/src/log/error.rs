//! Errors of a log: opening or changing it, and appending to it.

use std::io;
use std::path::PathBuf;

use kafka_protocol::ResponseError;

/// An error of opening or changing a log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// The file system reported an error.
    #[error("the log's files cannot be read or written: {0}; check the disk and its permissions")]
    Io(#[from] io::Error),
    /// The directory belongs to a topic that was deleted and created again.
    #[error(
        "{directory} belongs to another topic with the same name; remove the directory to start with an empty log"
    )]
    OtherTopic {
        /// The partition's directory.
        directory: PathBuf,
    },
}

/// An error of appending a batch.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    /// The producer's epoch or sequence number is wrong, or its transaction does not allow it.
    #[error("{message}")]
    Rejected {
        /// The error code for the partition.
        code: ResponseError,
        /// The problem, in words for people.
        message: String,
    },
    /// The files cannot be written. The log is as it was before.
    #[error("the log cannot be written: {0}; free some disk space")]
    Storage(#[from] io::Error),
}

impl AppendError {
    /// Returns the error code for the partition.
    pub(crate) fn code(&self) -> ResponseError {
        match self {
            Self::Rejected { code, .. } => *code,
            Self::Storage(_) => ResponseError::KafkaStorageError,
        }
    }
}
