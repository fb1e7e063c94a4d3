//! What the coordinator needs of its surroundings: a log of its own, and markers in the logs of
//! the partitions that a transaction wrote to.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use crate::group::Groups;
use crate::log::{Position, Producer};
use crate::metadata::Metadata;
use crate::metadata::names::CONSUMER_OFFSETS;
use crate::time::Timestamp;

/// The log of `__transaction_state`. It is called with a transactional id locked, and must not call
/// back.
pub(crate) trait TransactionLog: Send + Sync {
    /// Appends a record (without a value the key is deleted), which is kept once this returns.
    fn append(
        &self,
        transactional_id: &str,
        key: &Bytes,
        value: Option<&Bytes>,
    ) -> Result<(), ResponseError>;

    /// The leader epoch of the partition that holds what is known of the id, by which a log tells
    /// the markers of a coordinator from those of the one before it.
    fn coordinator_epoch(&self, transactional_id: &str) -> i32;

    /// The partition that holds what is known of an id.
    fn partition_for(&self, transactional_id: &str) -> i32;

    /// Whether all that was written for the id so far outlives the leader that has it.
    fn is_replicated(&self, transactional_id: &str) -> bool;
}

/// What is written to each partition of a transaction at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) producer: Producer,
    pub(crate) commit: bool,
    pub(crate) coordinator_epoch: i32,
}

/// Writes markers. It is called with a transactional id locked, and must not call back.
pub(crate) trait Markers: Send + Sync {
    /// Writes a marker to a partition, wherever its leader is, and answers where it is. Writing it
    /// twice does no harm.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION` where the topic was deleted, which makes the marker
    /// unnecessary. After any other error it is written again later.
    fn write(
        &self,
        topic: &str,
        partition: i32,
        marker: &Marker,
        now: Timestamp,
    ) -> Result<Position, ResponseError>;

    /// Whether a marker that was written is safe. `None` while that is not decided; an error where
    /// it has to be written again.
    fn outcome(
        &self,
        topic: &str,
        partition: i32,
        position: &Position,
    ) -> Option<Result<(), ResponseError>>;
}

/// Writes markers to the partitions of a cluster, and tells groups of those in `__consumer_offsets`.
pub(crate) struct ClusterMarkers {
    metadata: Arc<Metadata>,
    groups: Arc<Groups>,
}

impl ClusterMarkers {
    pub(crate) fn new(metadata: Arc<Metadata>, groups: Arc<Groups>) -> Self {
        Self { metadata, groups }
    }
}

impl Markers for ClusterMarkers {
    fn write(
        &self,
        topic: &str,
        partition: i32,
        marker: &Marker,
        now: Timestamp,
    ) -> Result<Position, ResponseError> {
        let Marker { producer, commit, coordinator_epoch } = *marker;
        let index = partition;
        let partition = self.metadata.partition(topic, index)?;
        let (id, epoch) = (producer.id, producer.epoch);
        let moves = self.groups.moves();
        let position = partition.append_marker(id, epoch, commit, coordinator_epoch, now)?;
        if topic == CONSUMER_OFFSETS {
            self.groups.complete_pending(id, index, commit, now);
            // Who reads the groups again meanwhile may not have seen the marker.
            if self.groups.is_closed(index) || self.groups.moves() != moves {
                return Err(ResponseError::CoordinatorLoadInProgress);
            }
        }
        Ok(position)
    }

    fn outcome(
        &self,
        topic: &str,
        partition: i32,
        position: &Position,
    ) -> Option<Result<(), ResponseError>> {
        match self.metadata.partition(topic, partition) {
            Ok(partition) => partition.outcome(position),
            Err(error) => Some(Err(error)),
        }
    }
}
