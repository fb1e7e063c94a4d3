//! `__consumer_offsets`: where the groups' coordinators keep what they must remember.
//!
//! A group belongs to a partition of it by its name, and is coordinated by that partition's leader.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::names::CONSUMER_OFFSETS;
use super::{Metadata, NewTopic};
use crate::group::{OffsetsLog, partition_of};
use crate::log::{BatchBuilder, BatchHeader, HEADER_SIZE, Records};

/// How many nodes hold `__consumer_offsets`, where there are as many
/// (`offsets.topic.replication.factor`).
const REPLICATION_FACTOR: usize = 3;

/// How much of a partition is read at once when a cluster starts, in bytes.
const REPLAY_BYTES: usize = 1 << 20;

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
        let now = self.metadata.clock.now();
        let mut batch = BatchBuilder::new(now);
        for (key, value) in &records {
            batch.push(Some(key), value.as_deref());
        }
        if let Some(batch) = batch.build() {
            let leader = partition.leadership().leader;
            partition.append(leader, -1, &batch, now).map_err(|rejection| rejection.code)?;
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
    ///
    /// # Errors
    /// `COORDINATOR_NOT_AVAILABLE`, which clients ask again after, where that fails.
    pub(crate) fn find_group_coordinator(&self, group: &str) -> Result<i32, ResponseError> {
        if self.topic(CONSUMER_OFFSETS).is_none() {
            self.create_when_asked_for(CONSUMER_OFFSETS).map_err(|refusal| {
                tracing::error!(reason = refusal.message, "no topic for committed offsets");
                ResponseError::CoordinatorNotAvailable
            })?;
        }
        self.group_coordinator(group).ok_or(ResponseError::CoordinatorNotAvailable)
    }

    /// `__consumer_offsets`, as Kafka creates it by itself.
    pub(super) fn new_offsets_topic(&self) -> NewTopic {
        NewTopic {
            name: CONSUMER_OFFSETS.into(),
            partitions: Some(self.settings.offsets_topic_partitions),
            replication_factor: Some(self.offsets_topic_replication_factor()),
            assignments: Vec::new(),
            config: [
                ("cleanup.policy", "compact"),
                ("compression.type", "producer"),
                ("segment.bytes", "104857600"),
            ]
            .map(|(name, value)| (name.into(), Some(value.into())))
            .into(),
        }
    }

    /// Reads all of `__consumer_offsets`, each partition in the order in which it was written.
    pub(crate) fn read_offsets_topic(
        &self,
        mut replay: impl FnMut(&[u8], Option<&[u8]>),
    ) -> io::Result<()> {
        let Some(topic) = self.topic(CONSUMER_OFFSETS) else {
            return Ok(());
        };
        for partition in topic.partitions().iter() {
            let (mut offset, end) =
                partition.with(|state| (state.log.start_offset(), state.log.end_offset()));
            while offset < end {
                let slice = partition.with(|state| state.log.locate(offset, end, REPLAY_BYTES));
                let batches = match slice.map_err(io::Error::other)? {
                    Some(slice) => slice.read(true)?,
                    None => break,
                };
                offset = replay_batches(&batches, &mut replay)?;
            }
        }
        Ok(())
    }

    /// How many nodes hold `__consumer_offsets`.
    pub(super) fn offsets_topic_replication_factor(&self) -> i16 {
        self.nodes.len().min(REPLICATION_FACTOR) as i16
    }

    fn offsets_partition(&self, group: &str) -> i32 {
        let partitions =
            self.topic(CONSUMER_OFFSETS).map_or(self.settings.offsets_topic_partitions, |topic| {
                topic.partitions().len() as i32
            });
        partition_of(group, partitions)
    }
}

/// Hands on the records of whole batches. Answers with the offset behind them.
fn replay_batches(
    mut batches: &[u8],
    replay: &mut impl FnMut(&[u8], Option<&[u8]>),
) -> io::Result<i64> {
    let mut next = 0;
    while !batches.is_empty() {
        let header = BatchHeader::parse(batches).map_err(io::Error::other)?;
        let (batch, rest) =
            batches.split_at_checked(header.size()).ok_or(io::ErrorKind::InvalidData)?;
        if !header.is_control() {
            for record in Records::new(&header, &batch[HEADER_SIZE..]).map_err(io::Error::other)? {
                let record = record.map_err(io::Error::other)?;
                if let Some(key) = record.key {
                    replay(key, record.value);
                }
            }
        }
        next = header.last_offset() + 1;
        batches = rest;
    }
    Ok(next)
}
