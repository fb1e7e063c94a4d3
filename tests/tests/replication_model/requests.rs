//! The requests of coordinators that the model sends, and what it takes from their answers.

use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    ElectLeadersRequest, FindCoordinatorRequest, OffsetCommitRequest, OffsetFetchRequest,
    ProducerId, TransactionalId, TxnOffsetCommitRequest, elect_leaders_request,
};
use workshop_tests::requests::{group_id, text, topic_name};
use workshop_tests::transactions::Producer;

/// FindCoordinator of a group (0) or a transactional id (1).
pub(crate) fn find_coordinator(key_type: i8, key: &str) -> FindCoordinatorRequest {
    FindCoordinatorRequest::default().with_key_type(key_type).with_coordinator_keys(vec![text(key)])
}

/// ElectLeaders: the preferred one of the topic's only partition.
pub(crate) fn prefer(topic: &str) -> ElectLeadersRequest {
    let partitions = elect_leaders_request::TopicPartitions::default()
        .with_topic(topic_name(topic))
        .with_partitions(vec![0]);
    ElectLeadersRequest::default().with_topic_partitions(Some(vec![partitions]))
}

/// OffsetCommit from outside of the group's membership.
pub(crate) fn commit(group: &str, topic: &str, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default()
        .with_committed_offset(offset)
        .with_committed_metadata(Some(text("")));
    let topic = OffsetCommitRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(vec![partition]);
    OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic])
}

/// TxnOffsetCommit from outside of the group's membership.
pub(crate) fn commit_pending(
    id: &str,
    producer: Producer,
    group: &str,
    topic: &str,
    offset: i64,
) -> TxnOffsetCommitRequest {
    let partition = TxnOffsetCommitRequestPartition::default()
        .with_committed_offset(offset)
        .with_committed_metadata(Some(text("")));
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(vec![partition]);
    TxnOffsetCommitRequest::default()
        .with_transactional_id(TransactionalId(text(id)))
        .with_group_id(group_id(group))
        .with_producer_id(ProducerId(producer.0))
        .with_producer_epoch(producer.1)
        .with_generation_id(-1)
        .with_topics(vec![topic])
}

/// OffsetFetch of what no open transaction may change.
pub(crate) fn committed(group: &str, topic: &str) -> OffsetFetchRequest {
    let topic = OffsetFetchRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partition_indexes(vec![0]);
    OffsetFetchRequest::default()
        .with_group_id(group_id(group))
        .with_topics(Some(vec![topic]))
        .with_require_stable(true)
}
