//! What can go wrong with messages that carry their lineage, each with the next thing to try.

use rdkafka::error::KafkaError;

/// Every way in which a producer, a consumer or a processor of lineage fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A message with its lineage is larger than the client or the topic takes.
    #[error(
        "the record {record} is too large, or the batch that it was sent in: raise \
         message.max.bytes of the producer and max.message.bytes of the topic, set batch.size of the \
         producer below what the topic takes where each record is small, or \
         ignore_large_message_errors to skip such records"
    )]
    TooLarge {
        /// Its topic and key.
        record: String,
    },

    /// A message with its lineage is not in the topic.
    #[error("the record {record} did not arrive: {reason}. Others of its batch may have")]
    NotProduced {
        /// Its topic and key.
        record: String,
        /// Why.
        reason: String,
    },

    /// A record is not in the envelope of lineage.
    #[error(
        "the record {record} is no lineage envelope: {reason}. Does another program write to this \
         topic? skip_undecodable() leaves such records out"
    )]
    NoEnvelope {
        /// The record, as topic:partition:offset:key.
        record: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A batch was not processed; nothing of it is committed.
    #[error("the batch {batch} was not processed, and will come again: {source}")]
    Handler {
        /// The records, as topic[partition=first:next,…].
        batch: String,
        /// The handler's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A batch was processed, and the cluster did not take the commit.
    #[error(
        "the batch {batch} was processed and could not be committed: {source}. Its records may \
         come again, to this member or to another"
    )]
    NotCommitted {
        /// The records, as topic[partition=first:next,…].
        batch: String,
        /// Why.
        source: KafkaError,
    },

    /// Ctrl-C or SIGTERM came a second time while the batch in hand was still being processed.
    #[error(
        "a second Ctrl-C or SIGTERM ended it at once: what was read and is not committed will come again"
    )]
    Interrupted,

    /// Anything else that the client or the cluster reports.
    #[error(transparent)]
    Client(#[from] helpers::Error),
}

impl From<KafkaError> for Error {
    fn from(error: KafkaError) -> Self {
        Error::Client(error.into())
    }
}
