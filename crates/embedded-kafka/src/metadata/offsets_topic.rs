//! `__consumer_offsets`: where the groups' coordinators keep what they must remember.
//!
//! A group belongs to a partition of it by its name, and is coordinated by that partition's leader.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::names::CONSUMER_OFFSETS;
use super::{Metadata, NewTopic};
use crate::group::{OffsetsLog, partition_of};
use crate::log::BatchBuilder;

/// How many nodes hold `__consumer_offsets`, where there are as many
/// (`offsets.topic.replication.factor`).
const REPLICATION_FACTOR: usize = 3;

/// The topic as the coordinators see it.
pub(crate) struct OffsetsTopic {
    metadata: Arc<Metadata>,
}

impl OffsetsTopic {
    pub(crate) fn new(metadata: Arc<Metadata>) -> Self {
        Self { metadata }
    }
}

impl OffsetsLog for OffsetsTopic {
    fn append(
        &self,
        partition: i32,
        records: Vec<(Bytes, Option<Bytes>)>,
    ) -> Result<(), ResponseError> {
        let partition = self.metadata.partition(CONSUMER_OFFSETS, partition)?;
        let now = self.metadata.now();
        let mut batch = BatchBuilder::new(now);
        for (key, value) in &records {
            batch.push(Some(key), value.as_deref());
        }
        if let Some(batch) = batch.build() {
            let leader = partition.leadership().leader;
            partition.append(leader, -1, batch, now)?;
        }
        Ok(())
    }

    fn partition_for(&self, group: &str) -> i32 {
        self.metadata.offsets_partition(group)
    }
}

impl Metadata {
    /// The node that coordinates a group, or `None` as long as no group was ever coordinated.
    pub(crate) fn group_coordinator(&self, group: &str) -> Option<i32> {
        let partition = self.partition(CONSUMER_OFFSETS, self.offsets_partition(group)).ok()?;
        Some(partition.leadership().leader)
    }

    /// The node that coordinates a group. The first question creates `__consumer_offsets`.
    pub(crate) fn find_group_coordinator(&self, group: &str) -> Result<i32, ResponseError> {
        if self.topic(CONSUMER_OFFSETS).is_none() {
            let topic = NewTopic {
                name: CONSUMER_OFFSETS.into(),
                partitions: Some(self.settings.offsets_topic_partitions),
                replication_factor: Some(self.nodes.len().min(REPLICATION_FACTOR) as i16),
                assignments: Vec::new(),
                config: [("cleanup.policy", "compact"), ("compression.type", "producer"), ("segment.bytes", "104857600")]
                    .map(|(name, value)| (name.into(), Some(value.into())))
                    .into(),
            };
            match self.create_topic(topic, false) {
                Ok(_) => {}
                // Another client asked at the same moment.
                Err(refusal) if refusal.code == ResponseError::TopicAlreadyExists => {}
                Err(refusal) => return Err(refusal.code),
            }
        }
        self.group_coordinator(group).ok_or(ResponseError::CoordinatorNotAvailable)
    }

    fn offsets_partition(&self, group: &str) -> i32 {
        let partitions = self
            .topic(CONSUMER_OFFSETS)
            .map_or(self.settings.offsets_topic_partitions, |topic| topic.partitions().len() as i32);
        partition_of(group, partitions)
    }
}
