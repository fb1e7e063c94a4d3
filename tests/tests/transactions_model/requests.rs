//! The requests of the model test that no other test sends.

use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    DescribeTransactionsRequest, FindCoordinatorRequest, OffsetCommitRequest, OffsetFetchRequest,
    ProducerId, TransactionalId, TxnOffsetCommitRequest,
};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{find_coordinator, group_id, text, topic_name};

/// A producer id and its epoch.
pub(crate) type Producer = (i64, i16);

/// Creates the topics of the coordinators, by asking for a coordinator.
pub(crate) fn find_coordinators(client: &mut RawClient, id: &str, group: &str) {
    let transactions =
        FindCoordinatorRequest::default().with_key_type(1).with_coordinator_keys(vec![text(id)]);
    for request in [transactions, find_coordinator(&[group])] {
        let found = client.call(4, &request).coordinators.remove(0);
        assert_eq!(found.error_code, 0, "{:?}", found.error_message);
    }
}

/// TxnOffsetCommit of one offset; answers with the error.
pub(crate) fn commit_pending(
    client: &mut RawClient,
    id: &str,
    producer: Producer,
    group: &str,
    (topic, partition, offset): (&str, usize, i64),
) -> i16 {
    let partition = TxnOffsetCommitRequestPartition::default()
        .with_partition_index(partition as i32)
        .with_committed_offset(offset)
        .with_committed_metadata(Some(text("")));
    let topic = TxnOffsetCommitRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(vec![partition]);
    let request = TxnOffsetCommitRequest::default()
        .with_transactional_id(TransactionalId(text(id)))
        .with_group_id(group_id(group))
        .with_producer_id(ProducerId(producer.0))
        .with_producer_epoch(producer.1)
        .with_generation_id(-1)
        .with_topics(vec![topic]);
    client.call(3, &request).topics[0].partitions[0].error_code
}

/// OffsetCommit of one offset, from outside of the group's membership; answers with the error.
pub(crate) fn commit(
    client: &mut RawClient,
    group: &str,
    (topic, partition, offset): (&str, usize, i64),
) -> i16 {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(partition as i32)
        .with_committed_offset(offset)
        .with_committed_metadata(Some(text("")));
    let topic = OffsetCommitRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    client.call(8, &request).topics[0].partitions[0].error_code
}

/// OffsetFetch of some partitions of a topic; answers with error and offset of each.
pub(crate) fn committed(
    client: &mut RawClient,
    group: &str,
    topic: &str,
    partitions: usize,
    require_stable: bool,
) -> Vec<(i16, i64)> {
    let topic = OffsetFetchRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partition_indexes((0..partitions as i32).collect());
    let request = OffsetFetchRequest::default()
        .with_group_id(group_id(group))
        .with_topics(Some(vec![topic]))
        .with_require_stable(require_stable);
    let answer = client.call(7, &request);
    assert_eq!(answer.error_code, 0);
    let partitions = answer.topics[0].partitions.iter();
    partitions.map(|it| (it.error_code, it.committed_offset)).collect()
}

/// DescribeTransactions of one id: state, producer, and the partitions of topics with this name.
pub(crate) fn described(
    client: &mut RawClient,
    id: &str,
    topic: &str,
) -> (String, Producer, Vec<usize>) {
    let ids = vec![TransactionalId(text(id))];
    let request = DescribeTransactionsRequest::default().with_transactional_ids(ids);
    let found = client.call(0, &request).transaction_states.remove(0);
    assert_eq!(found.error_code, 0);
    let topics = found.topics.iter().filter(|it| it.topic.as_str() == topic);
    let mut partitions: Vec<usize> =
        topics.flat_map(|it| &it.partitions).map(|it| *it as usize).collect();
    partitions.sort_unstable();
    let producer = (found.producer_id.0, found.producer_epoch);
    (found.transaction_state.to_string(), producer, partitions)
}
