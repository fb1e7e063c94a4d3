//! `__transaction_state`: the topic in which the transactions' coordinators keep their state.
//!
//! A transactional id belongs to one of its partitions by its name, and that partition's leader is
//! its coordinator.

use std::sync::Arc;

use kafka_protocol::ResponseError;

use super::names::{TRANSACTION_STATE, partition_of};
use super::{Metadata, NewTopic, Partition};

/// The settings that Kafka gives the topic, except `min.insync.replicas`, which depends on how many
/// replicas there are.
const CONFIG: [(&str, &str); 4] = [
    ("cleanup.policy", "compact"),
    ("compression.type", "uncompressed"),
    ("segment.bytes", "104857600"),
    ("unclean.leader.election.enable", "false"),
];

impl Metadata {
    /// Returns the node that coordinates a transactional id, or `None` before any was coordinated.
    pub(crate) fn transaction_coordinator(&self, transactional_id: &str) -> Option<i32> {
        let partition = self.transaction_partition(transactional_id).ok()?;
        partition.with(|state| state.replication.leader())
    }

    /// `__transaction_state`, as Kafka creates it by itself.
    pub(super) fn new_transaction_topic(&self) -> NewTopic {
        // At least two replicas must have a decision, if there are as many
        // (`transaction.state.log.min.isr`).
        let factor = self.internal_replication_factor();
        let min_in_sync = self.settings.transaction_topic_min_in_sync(factor).to_string();
        let config = [&CONFIG[..], &[("min.insync.replicas", &min_in_sync)]].concat();
        let partitions = self.internal_partitions.transactions;
        let factor = self.settings.transaction_topic_replication_factor.unwrap_or(factor);
        self.new_internal_topic(TRANSACTION_STATE, partitions, factor, &config)
    }

    pub(crate) fn transaction_partition(
        &self,
        transactional_id: &str,
    ) -> Result<Arc<Partition>, ResponseError> {
        self.partition(TRANSACTION_STATE, self.transaction_partition_index(transactional_id))
    }

    /// Returns the partition of `__transaction_state` that a transactional id belongs to.
    pub(crate) fn transaction_partition_index(&self, transactional_id: &str) -> i32 {
        partition_of(transactional_id, self.internal_partitions.transactions)
    }
}
