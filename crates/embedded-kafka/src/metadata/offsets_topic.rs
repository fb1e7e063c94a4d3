//! `__consumer_offsets`: the topic in which the groups' coordinators keep their state.
//!
//! A group belongs to one of its partitions by its name, and that partition's leader is its
//! coordinator.

use super::names::{CONSUMER_OFFSETS, partition_of};
use super::{Metadata, NewTopic};

impl Metadata {
    /// Returns the node that coordinates a group, or `None` while its partition has no leader, or
    /// before any group was coordinated.
    pub(crate) fn group_coordinator(&self, group: &str) -> Option<i32> {
        let partition = self.partition(CONSUMER_OFFSETS, self.offsets_partition(group)).ok()?;
        partition.with(|state| state.replication.leader())
    }

    /// `__consumer_offsets`, as Kafka creates it by itself.
    pub(super) fn new_offsets_topic(&self) -> NewTopic {
        let partitions = self.internal_partitions.offsets;
        let config = [
            ("cleanup.policy", "compact"),
            ("compression.type", "producer"),
            ("segment.bytes", "104857600"),
        ];
        let factor = self.settings.offsets_topic_replication_factor;
        let factor = factor.unwrap_or_else(|| self.internal_replication_factor());
        self.new_internal_topic(CONSUMER_OFFSETS, partitions, factor, &config)
    }

    /// Returns whether a group's offsets have a partition to be stored in.
    pub(crate) fn keeps_offsets_of(&self, group: &str) -> bool {
        self.has_partition(CONSUMER_OFFSETS, self.offsets_partition(group))
    }

    /// Returns the partition of `__consumer_offsets` that a group belongs to.
    pub(crate) fn offsets_partition(&self, group: &str) -> i32 {
        partition_of(group, self.internal_partitions.offsets)
    }
}
