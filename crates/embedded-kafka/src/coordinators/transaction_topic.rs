//! The transactions' log, which is `__transaction_state`: how transaction coordinators write to it
//! and read it.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::append_error::append_error;
use crate::log::{BatchBuilder, BatchHeader, HEADER_SIZE, Records};
use crate::metadata::Metadata;
use crate::metadata::names::TRANSACTION_STATE;
use crate::txn::TransactionLog;

/// The topic as the coordinators see it.
pub(crate) struct TransactionTopic {
    metadata: Arc<Metadata>,
}

impl TransactionTopic {
    pub(crate) fn new(metadata: Arc<Metadata>) -> Self {
        Self { metadata }
    }
}

impl TransactionLog for TransactionTopic {
    fn append(
        &self,
        transactional_id: &str,
        key: &Bytes,
        value: Option<&Bytes>,
    ) -> Result<(), ResponseError> {
        let partition = self.metadata.transaction_partition(transactional_id);
        let partition = partition.map_err(append_error)?;
        let now = self.metadata.clock.now();
        let mut batch = BatchBuilder::new(now);
        batch.push(Some(key), value.map(|value| &value[..]));
        let batch = batch.build().ok_or(ResponseError::MessageTooLarge);
        let batch = batch.map_err(append_error)?;
        let written = partition.append_as_leader(&batch, now);
        written.map(drop).map_err(|rejection| append_error(rejection.code))
    }

    fn coordinator_epoch(&self, transactional_id: &str) -> i32 {
        let partition = self.metadata.transaction_partition(transactional_id);
        partition.map_or(0, |partition| partition.with(|state| state.replication.epoch()))
    }

    fn partition_for(&self, transactional_id: &str) -> i32 {
        self.metadata.transaction_partition_index(transactional_id)
    }

    fn is_replicated(&self, transactional_id: &str) -> bool {
        let partition = self.metadata.transaction_partition(transactional_id);
        partition.is_ok_and(|partition| {
            partition.with(|state| state.high_watermark() >= state.log.end_offset())
        })
    }
}

/// Reads the wanted partitions of `__transaction_state`, each in the order in which it was written.
pub(crate) fn read_transaction_topic(
    metadata: &Metadata,
    is_wanted: impl Fn(i32) -> bool,
    mut replay: impl FnMut(&[u8], Option<&[u8]>),
) -> io::Result<()> {
    metadata.read_internal_topic(TRANSACTION_STATE, is_wanted, |_, header, batch| {
        visit_records(header, batch, |(key, value)| replay(key, value))
    })
}

/// Passes on the records of a batch that have a key.
fn visit_records(
    header: &BatchHeader,
    batch: &[u8],
    mut visit: impl FnMut((&[u8], Option<&[u8]>)),
) -> io::Result<()> {
    for record in Records::new(header, &batch[HEADER_SIZE..]).map_err(io::Error::other)? {
        let record = record.map_err(io::Error::other)?;
        if let Some(key) = record.key {
            visit((key, record.value));
        }
    }
    Ok(())
}
