//! What can go wrong when JSON is sent in bulk, each with the next thing to try.

use std::path::PathBuf;

use rdkafka::error::KafkaError;

use crate::summary::JsonSummary;

/// Every way in which a [`JsonProducer`](crate::JsonProducer) fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The value is neither text, nor an object, nor a list.
    #[error(
        "{found} cannot be sent as JSON records: give a string, an object, or a list of objects"
    )]
    NotRecords {
        /// What the value is, such as "a number".
        found: String,
    },

    /// A file of JSON lines cannot be read, or not to its end.
    #[error(
        "the JSON lines of {} cannot be read: {source}. What was read before is sent: {summary}",
        path.display()
    )]
    JsonLines {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        source: std::io::Error,
        /// How many of the records before were delivered.
        summary: JsonSummary,
    },

    /// Anything else that the client or the cluster reports.
    #[error(transparent)]
    Client(#[from] helpers::Error),
}

impl From<KafkaError> for Error {
    fn from(error: KafkaError) -> Self {
        Error::Client(error.into())
    }
}
