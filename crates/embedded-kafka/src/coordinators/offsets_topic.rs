//! The groups' log, which is `__consumer_offsets`: how group coordinators write to it and read it.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::append_error::append_error;
use crate::group::{LogEntry, OffsetsLog};
use crate::log::{BatchBuilder, BatchHeader, EndTransactionMarker, HEADER_SIZE, Producer, Records};
use crate::metadata::Metadata;
use crate::metadata::names::CONSUMER_OFFSETS;

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
        let partition = self.metadata.partition(CONSUMER_OFFSETS, partition);
        let partition = partition.map_err(append_error)?;
        let now = self.metadata.clock.now();
        let mut batch = match producer {
            Some(producer) => BatchBuilder::transactional(now, producer.id, producer.epoch),
            None => BatchBuilder::new(now),
        };
        for (key, value) in &records {
            batch.push(Some(key), value.as_deref());
        }
        let batch = batch.build().ok_or(ResponseError::MessageTooLarge);
        let batch = batch.map_err(append_error)?;
        let written = partition.append_as_leader(&batch, now);
        let written = written.map_err(|rejection| append_error(rejection.code))?;
        Ok(written.appended.base_offset)
    }

    fn partition_for(&self, group: &str) -> i32 {
        self.metadata.offsets_partition(group)
    }
}

/// Reads the wanted partitions of `__consumer_offsets`, each in the order in which it was written.
pub(crate) fn read_offsets_topic(
    metadata: &Metadata,
    is_wanted: impl Fn(i32) -> bool,
    mut replay: impl FnMut(i32, LogEntry<'_>),
) -> io::Result<()> {
    metadata.read_internal_topic(CONSUMER_OFFSETS, is_wanted, |partition, header, batch| {
        replay_batch(header, &batch[HEADER_SIZE..], |entry| replay(partition, entry))
    })
}

/// Passes on the records of a batch, or its marker.
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
