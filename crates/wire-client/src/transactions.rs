//! Builds the requests of a transactional producer.

use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest,
    ProducerId, TransactionalId, TxnOffsetCommitRequest,
};

use crate::requests::{group_id, text, topic_name};

/// A producer id and its epoch.
pub type Producer = (i64, i16);

fn id(transactional_id: &str) -> TransactionalId {
    TransactionalId(text(transactional_id))
}

/// Builds InitProducerId, with the client's current producer (−1, −1 for none).
pub fn initialize(
    transactional_id: &str,
    timeout_ms: i32,
    expected: Producer,
) -> InitProducerIdRequest {
    InitProducerIdRequest::default()
        .with_transactional_id(Some(id(transactional_id)))
        .with_transaction_timeout_ms(timeout_ms)
        .with_producer_id(ProducerId(expected.0))
        .with_producer_epoch(expected.1)
}

/// Builds AddPartitionsToTxn for partitions of topics.
pub fn add_partitions(
    transactional_id: &str,
    producer: Producer,
    topics: &[(&str, &[i32])],
) -> AddPartitionsToTxnRequest {
    let topic = |(topic, partitions): &(&str, &[i32])| {
        AddPartitionsToTxnTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(partitions.to_vec())
    };
    AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(id(transactional_id))
        .with_v3_and_below_producer_id(ProducerId(producer.0))
        .with_v3_and_below_producer_epoch(producer.1)
        .with_v3_and_below_topics(topics.iter().map(topic).collect())
}

/// Builds AddOffsetsToTxn for a group.
pub fn add_offsets(
    transactional_id: &str,
    producer: Producer,
    group: &str,
) -> AddOffsetsToTxnRequest {
    AddOffsetsToTxnRequest::default()
        .with_transactional_id(id(transactional_id))
        .with_producer_id(ProducerId(producer.0))
        .with_producer_epoch(producer.1)
        .with_group_id(group_id(group))
}

/// Builds EndTxn.
pub fn end(transactional_id: &str, producer: Producer, commit: bool) -> EndTxnRequest {
    EndTxnRequest::default()
        .with_transactional_id(id(transactional_id))
        .with_producer_id(ProducerId(producer.0))
        .with_producer_epoch(producer.1)
        .with_committed(commit)
}

/// Builds TxnOffsetCommit for partition 0 of a topic, from a client that is not a member of the
/// group.
pub fn commit(
    transactional_id: &str,
    producer: Producer,
    group: &str,
    topic: &str,
    offset: i64,
) -> TxnOffsetCommitRequest {
    let partition = TxnOffsetCommitRequestPartition::default()
        .with_partition_index(0)
        .with_committed_offset(offset)
        .with_committed_metadata(Some(text("")));
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(vec![partition]);
    TxnOffsetCommitRequest::default()
        .with_transactional_id(id(transactional_id))
        .with_group_id(group_id(group))
        .with_producer_id(ProducerId(producer.0))
        .with_producer_epoch(producer.1)
        .with_generation_id(-1)
        .with_topics(vec![topic])
}
