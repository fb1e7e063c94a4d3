//! The surroundings of the coordinator: a log of its own, and markers in the logs of the partitions
//! that a transaction wrote to.

use bytes::Bytes;
use kafka_protocol::ResponseError;

use crate::log::{Position, Producer};
use crate::time::Timestamp;

/// The log of `__transaction_state`. It is called with a transactional id locked, and must not call
/// back.
pub(crate) trait TransactionLog: Send + Sync {
    /// Appends a record (without a value the key is deleted), which is kept once this returns.
    ///
    /// # Errors
    /// The settings that a coordinator's client knows.
    fn append(
        &self,
        transactional_id: &str,
        key: &Bytes,
        value: Option<&Bytes>,
    ) -> Result<(), ResponseError>;

    /// Returns the leader epoch of the partition that holds the id's records, by which a log
    /// distinguishes the markers of a coordinator from those of the one before it.
    fn coordinator_epoch(&self, transactional_id: &str) -> i32;

    /// Returns the partition that holds the id's records.
    fn partition_for(&self, transactional_id: &str) -> i32;

    /// Returns whether all records of the id so far outlive the leader.
    fn is_replicated(&self, transactional_id: &str) -> bool;
}

/// The marker that each partition of a transaction gets at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) producer: Producer,
    pub(crate) commit: bool,
    pub(crate) coordinator_epoch: i32,
}

/// Writes markers. It is called with a transactional id locked, and must not call back.
pub(crate) trait Markers: Send + Sync {
    /// Writes a marker to a partition, at whichever node leads, and returns its position. Writing
    /// it twice does no harm.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION` if the topic was deleted, which makes the marker unnecessary.
    /// After any other error the coordinator writes it again later.
    fn write(
        &self,
        topic: &str,
        partition: i32,
        marker: &Marker,
        now: Timestamp,
    ) -> Result<Position, ResponseError>;

    /// Returns whether a marker that was written is safe. `None` while that is not decided; an
    /// error if it must be written again.
    fn outcome(
        &self,
        topic: &str,
        partition: i32,
        position: &Position,
    ) -> Option<Result<(), ResponseError>>;
}
