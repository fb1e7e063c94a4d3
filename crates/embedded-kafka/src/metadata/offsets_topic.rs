//! `__consumer_offsets`: where the groups' coordinators keep what they must remember.
//!
//! A group belongs to a partition of it by its name, and is coordinated by that partition's leader.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::names::{CONSUMER_OFFSETS, partition_of};
use super::{Metadata, NewTopic};
use crate::group::{LogEntry, OffsetsLog};
use crate::log::{BatchBuilder, BatchHeader, EndTransactionMarker, HEADER_SIZE, Producer, Records};

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
        producer: Option<Producer>,
        records: Vec<(Bytes, Option<Bytes>)>,
    ) -> Result<i64, ResponseError> {
        let partition = self.metadata.partition(CONSUMER_OFFSETS, partition)?;
        let now = self.metadata.clock.now();
        let mut batch = match producer {
            Some(producer) => BatchBuilder::transactional(now, producer.id, producer.epoch),
            None => BatchBuilder::new(now),
        };
        for (key, value) in &records {
            batch.push(Some(key), value.as_deref());
        }
        let batch = batch.build().ok_or(ResponseError::MessageTooLarge)?;
        let written = partition.append_as_leader(&batch, now);
        written.map(|written| written.appended.base_offset).map_err(|rejection| rejection.code)
    }

    fn partition_for(&self, group: &str) -> i32 {
        self.metadata.offsets_partition(group)
    }
}

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

    /// Reads those partitions of `__consumer_offsets` that are wanted, each in the order in which it
    /// was written.
    pub(crate) fn read_offsets_topic(
        &self,
        is_wanted: impl Fn(i32) -> bool,
        mut replay: impl FnMut(i32, LogEntry<'_>),
    ) -> io::Result<()> {
        self.read_internal_topic(CONSUMER_OFFSETS, is_wanted, |partition, header, batch| {
            replay_batch(header, &batch[HEADER_SIZE..], |entry| replay(partition, entry))
        })
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

/// Hands on the records of a batch, or the marker that it is.
fn replay_batch(
    header: &BatchHeader,
    payload: &[u8],
    mut replay: impl FnMut(LogEntry<'_>),
) -> io::Result<()> {
    if header.is_control() {
        if let Some(marker) = EndTransactionMarker::read(header, payload) {
            let (producer_id, commit) = (header.producer_id, marker.commit);
            replay(LogEntry::Marker { producer_id, commit });
        }
        return Ok(());
    }
    let producer_id = header.is_transactional().then_some(header.producer_id);
    for record in Records::new(header, payload).map_err(io::Error::other)? {
        let record = record.map_err(io::Error::other)?;
        if let Some(key) = record.key {
            let position = header.base_offset + i64::from(record.offset_delta);
            replay(LogEntry::Record { position, producer_id, key, value: record.value });
        }
    }
    Ok(())
}
