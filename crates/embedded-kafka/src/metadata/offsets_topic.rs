//! `__consumer_offsets`: where the groups' coordinators keep what they must remember.
//!
//! A group belongs to a partition of it by its name, and is coordinated by that partition's leader.

use super::names::{CONSUMER_OFFSETS, partition_of};
use super::{Metadata, NewTopic};

impl Metadata {
    /// The node that coordinates a group, or `None` while its partition has no leader, or no
    /// group was ever coordinated.
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

    /// Whether there is a partition in which a group's offsets can be kept.
    pub(crate) fn keeps_offsets_of(&self, group: &str) -> bool {
        self.has_partition(CONSUMER_OFFSETS, self.offsets_partition(group))
    }

    /// The partition of `__consumer_offsets` that a group belongs to.
    pub(crate) fn offsets_partition(&self, group: &str) -> i32 {
        partition_of(group, self.internal_partitions.offsets)
    }
}
