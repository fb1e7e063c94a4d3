//! `__transaction_state`: where the transactions' coordinators keep what they must remember.
//!
//! A transactional id belongs to a partition of it by its name, and is coordinated by that
//! partition's leader.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::internal_topic::visit_records;
use super::names::{TRANSACTION_STATE, partition_of};
use super::{Metadata, NewTopic, Partition};
use crate::log::BatchBuilder;
use crate::txn::TransactionLog;

/// The settings that Kafka gives the topic, except `min.insync.replicas`, which depends on how many
/// replicas there are.
const CONFIG: [(&str, &str); 4] = [
    ("cleanup.policy", "compact"),
    ("compression.type", "uncompressed"),
    ("segment.bytes", "104857600"),
    ("unclean.leader.election.enable", "false"),
];

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
        let partition = self.metadata.transaction_partition(transactional_id)?;
        let now = self.metadata.clock.now();
        let mut batch = BatchBuilder::new(now);
        batch.push(Some(key), value.map(|value| &value[..]));
        let batch = batch.build().ok_or(ResponseError::MessageTooLarge)?;
        partition.append_as_leader(&batch, now).map_err(|rejection| rejection.code)?;
        Ok(())
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

impl Metadata {
    /// The node that coordinates a transactional id, or `None` as long as none was ever coordinated.
    pub(crate) fn transaction_coordinator(&self, transactional_id: &str) -> Option<i32> {
        let partition = self.transaction_partition(transactional_id).ok()?;
        partition.with(|state| state.replication.leader())
    }

    /// `__transaction_state`, as Kafka creates it by itself.
    pub(super) fn new_transaction_topic(&self) -> NewTopic {
        // At least two replicas must have a decision, where there are as many
        // (`transaction.state.log.min.isr`).
        let factor = self.internal_replication_factor();
        let min_in_sync = self.settings.transaction_topic_min_in_sync(factor).to_string();
        let config = [&CONFIG[..], &[("min.insync.replicas", &min_in_sync)]].concat();
        let partitions = self.internal_partitions.transactions;
        let factor = self.settings.transaction_topic_replication_factor.unwrap_or(factor);
        self.new_internal_topic(TRANSACTION_STATE, partitions, factor, &config)
    }

    /// Reads those partitions of `__transaction_state` that are wanted, each in the order in which
    /// it was written.
    pub(crate) fn read_transaction_topic(
        &self,
        is_wanted: impl Fn(i32) -> bool,
        mut replay: impl FnMut(&[u8], Option<&[u8]>),
    ) -> io::Result<()> {
        self.read_internal_topic(TRANSACTION_STATE, is_wanted, |_, header, batch| {
            visit_records(header, batch, |(key, value)| replay(key, value))
        })
    }

    pub(crate) fn transaction_partition(
        &self,
        transactional_id: &str,
    ) -> Result<Arc<Partition>, ResponseError> {
        self.partition(TRANSACTION_STATE, self.transaction_partition_index(transactional_id))
    }

    /// The partition of `__transaction_state` that a transactional id belongs to.
    fn transaction_partition_index(&self, transactional_id: &str) -> i32 {
        partition_of(transactional_id, self.internal_partitions.transactions)
    }
}
