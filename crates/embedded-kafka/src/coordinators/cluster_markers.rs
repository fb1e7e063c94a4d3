//! The markers that end a transaction, in the logs of the partitions that it wrote to.

use std::sync::Arc;

use kafka_protocol::ResponseError;

use crate::group::GroupCoordinator;
use crate::log::Position;
use crate::metadata::Metadata;
use crate::metadata::names::CONSUMER_OFFSETS;
use crate::time::Timestamp;
use crate::txn::{Marker, Markers};

/// Writes markers to the partitions of a cluster, and informs groups of those in
/// `__consumer_offsets`.
pub(crate) struct ClusterMarkers {
    metadata: Arc<Metadata>,
    groups: Arc<GroupCoordinator>,
}

impl ClusterMarkers {
    pub(crate) fn new(metadata: Arc<Metadata>, groups: Arc<GroupCoordinator>) -> Self {
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
            // A coordinator that loads the groups in the meantime may not have seen the marker.
            if self.groups.is_unloaded(index) || self.groups.moves() != moves {
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
