//! One partition of a produce request: its batch is checked and appended, and acknowledged or
//! rejected.

use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::BrokerId;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, PartitionProduceResponse,
};

use super::context::Context;
use super::wire::{message, to_be_aborted};
use crate::log::{self, Appended, BatchHeader, BatchRejection, Producer};
use crate::metadata::{Partition, Written, names};
use crate::txn::Partitions;

/// The first version with the log's start offset.
const LOG_START_OFFSET: i16 = 5;

/// The first version that takes batches which are compressed with zstd (KIP-110).
const ZSTD: i16 = 7;

/// The first version that names the records at fault (KIP-467).
const RECORD_ERRORS: i16 = 8;

/// The first version that names the current leader (KIP-951).
pub(super) const CURRENT_LEADER: i16 = 10;

/// The first version whose clients know `TRANSACTION_ABORTABLE` (KIP-890).
const KNOWS_TRANSACTION_ABORTABLE: i16 = 11;

/// The first version that adds a partition to the transaction by itself (KIP-890).
const ADDS_PARTITIONS: i16 = 12;

/// The first version that names a topic by its id alone (KIP-516).
const TOPIC_IDS: i16 = 13;

/// The client that sent a request.
pub(super) struct Sender<'a> {
    pub(super) transactional_id: Option<&'a str>,
    pub(super) version: i16,
    pub(super) context: &'a Context,
}

impl Sender<'_> {
    /// Finds the name of the topic that a request means.
    pub(super) fn name(&self, topic: &TopicProduceData) -> Result<String, ResponseError> {
        if self.version < TOPIC_IDS {
            return Ok(topic.name.to_string());
        }
        let found = self.context.state.metadata.topic_by_id(topic.topic_id);
        found.map(|topic| topic.name.to_string()).ok_or(ResponseError::UnknownTopicId)
    }

    pub(super) fn append(
        &self,
        topic: &str,
        data: &PartitionProduceData,
        acks: i16,
    ) -> Result<(Arc<Partition>, Written), BatchRejection> {
        if names::is_internal(topic) {
            // Only coordinators write to internal topics, and read them when the cluster starts.
            return Err(ResponseError::InvalidTopicException.into());
        }
        let Context { state, node, now, .. } = self.context;
        let partition = state.metadata.partition(topic, data.index)?;
        // A batch for another node is not worth checking, and its settings are copied out of the
        // lock.
        let settings = partition
            .with(|state| state.check_leader(*node, None).map(|()| state.log.settings().clone()))?;
        let records = data.records.clone().unwrap_or_default();
        let name = format_args!("{topic}-{}", data.index);
        let takes_zstd = self.version >= ZSTD;
        let batch = log::validate(&records, &name, &settings, *now, takes_zstd)?;
        if !batch.header().is_transactional() {
            let written = partition.append(*node, acks, &batch, *now)?;
            return Ok((partition, written));
        }
        // A request without a transactional id may not write for any.
        let id = self.transactional_id.ok_or(ResponseError::TransactionalIdAuthorizationFailed)?;
        let verify = || self.verify(id, batch.header(), topic, data.index);
        let written = partition.append_transactional(*node, acks, &batch, *now, verify)?;
        Ok((partition, written))
    }

    /// Asks the coordinator whether the partition takes part in the producer's transaction, and
    /// returns the error that clients of this version know (KIP-890, part 1).
    fn verify(
        &self,
        transactional_id: &str,
        batch: &BatchHeader,
        topic: &str,
        partition: i32,
    ) -> Result<(), ResponseError> {
        let producer = Producer { id: batch.producer_id, epoch: batch.producer_epoch };
        let transactions = &self.context.state.transactions;
        let verified = if self.version >= ADDS_PARTITIONS {
            let partitions = Partitions::from([(topic.to_owned(), [partition].into())]);
            let now = self.context.now;
            transactions.add_partitions(transactional_id, producer, &partitions, now)
        } else {
            transactions.verify(transactional_id, producer, topic, partition)
        };
        verified.map_err(|error| match error {
            ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
            // The condition is temporary. Clients retry after this error.
            ResponseError::ConcurrentTransactions
            | ResponseError::CoordinatorLoadInProgress
            | ResponseError::CoordinatorNotAvailable
            | ResponseError::NotCoordinator => ResponseError::NotEnoughReplicas,
            other if self.version >= KNOWS_TRANSACTION_ABORTABLE => to_be_aborted(other),
            other => other,
        })
    }
}

pub(super) fn acknowledge(
    response: PartitionProduceResponse,
    appended: Appended,
    version: i16,
) -> PartitionProduceResponse {
    let response = response
        .with_base_offset(appended.base_offset)
        .with_log_append_time_ms(appended.log_append_time.unwrap_or(-1));
    if version >= LOG_START_OFFSET {
        return response.with_log_start_offset(appended.log_start_offset);
    }
    response
}

pub(super) fn rejected(
    response: PartitionProduceResponse,
    topic: &str,
    rejection: BatchRejection,
    version: i16,
    context: &Context,
) -> PartitionProduceResponse {
    let mut response = response
        .with_error_code(rejection.code.code())
        .with_base_offset(-1)
        .with_log_append_time_ms(-1);
    if version >= LOG_START_OFFSET
        && rejection.names_start_offset
        && let Ok(partition) = context.state.metadata.partition(topic, response.index)
    {
        response.log_start_offset = partition.with(|state| state.log.start_offset());
    }
    if version >= RECORD_ERRORS {
        response.error_message =
            rejection.client_message().and_then(|text| message(text.to_owned()));
        response.record_errors = rejection
            .record_errors
            .into_iter()
            .map(|(index, text)| {
                BatchIndexAndErrorMessage::default()
                    .with_batch_index(index)
                    .with_batch_index_error_message(message(text))
            })
            .collect();
    }
    if version >= CURRENT_LEADER
        && rejection.code == ResponseError::NotLeaderOrFollower
        && let Ok(partition) = context.state.metadata.partition(topic, response.index)
    {
        let leadership = partition.leadership();
        response.current_leader = LeaderIdAndEpoch::default()
            .with_leader_id(BrokerId(leadership.leader))
            .with_leader_epoch(leadership.epoch);
    }
    response
}
