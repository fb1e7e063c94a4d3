//! Builds the requests that many tests send, with defaults for everything that they do not set.

use bytes::Bytes;
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, BrokerId, CreateTopicsRequest, DeleteTopicsRequest,
    DescribeGroupsRequest, ElectLeadersRequest, FetchRequest, FindCoordinatorRequest, GroupId,
    ListOffsetsRequest, MetadataRequest, OffsetCommitRequest, ProduceRequest, ProduceResponse,
    TopicName, elect_leaders_request,
};
use kafka_protocol::protocol::StrBytes;

/// Converts a string for the wire codec.
pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Converts a topic's name for the wire codec.
pub fn topic_name(topic: &str) -> TopicName {
    TopicName(text(topic))
}

/// Converts a group's name for the wire codec.
pub fn group_id(group: &str) -> GroupId {
    GroupId(text(group))
}

/// Builds CreateTopics for one topic, with a timeout of five seconds.
pub fn create_topic(
    topic: &str,
    partitions: i32,
    replication_factor: i16,
    configs: &[(&str, &str)],
) -> CreateTopicsRequest {
    let config = |(name, value): &(&str, &str)| {
        CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
    };
    let topic = CreatableTopic::default()
        .with_name(topic_name(topic))
        .with_num_partitions(partitions)
        .with_replication_factor(replication_factor)
        .with_configs(configs.iter().map(config).collect());
    CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(5_000)
}

/// Builds Metadata for these topics, without creating them.
pub fn metadata(topics: &[&str]) -> MetadataRequest {
    let topic = |name: &&str| MetadataRequestTopic::default().with_name(Some(topic_name(name)));
    MetadataRequest::default()
        .with_topics(Some(topics.iter().map(topic).collect()))
        .with_allow_auto_topic_creation(false)
}

/// Builds ListOffsets for one partition; −1 means the latest offset, −2 the earliest.
pub fn list_offsets(topic: &str, partition: i32, timestamp: i64) -> ListOffsetsRequest {
    let partition = ListOffsetsPartition::default()
        .with_partition_index(partition)
        .with_current_leader_epoch(-1)
        .with_timestamp(timestamp);
    let topic =
        ListOffsetsTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic])
}

/// Builds FindCoordinator (v4 and later) for these groups.
pub fn find_coordinator(groups: &[&str]) -> FindCoordinatorRequest {
    let keys = groups.iter().map(|group| text(group)).collect();
    FindCoordinatorRequest::default().with_coordinator_keys(keys)
}

/// Builds DescribeGroups for one group.
pub fn describe_group(group: &str) -> DescribeGroupsRequest {
    DescribeGroupsRequest::default().with_groups(vec![group_id(group)])
}

/// Builds OffsetCommit for one partition, with metadata, from a client that is not a member of the
/// group.
pub fn commit(
    group: &str,
    topic: &str,
    partition: i32,
    offset: i64,
    note: &str,
) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(partition)
        .with_committed_offset(offset)
        .with_committed_metadata(Some(text(note)));
    let topic = OffsetCommitRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(vec![partition]);
    OffsetCommitRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic])
}

/// Builds Produce for one partition.
pub fn produce(topic: &str, partition: i32, acks: i16, records: Bytes) -> ProduceRequest {
    let data = PartitionProduceData::default().with_index(partition).with_records(Some(records));
    let topic =
        TopicProduceData::default().with_name(topic_name(topic)).with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_transactional_id(None)
        .with_acks(acks)
        .with_timeout_ms(5_000)
        .with_topic_data(vec![topic])
}

/// Returns the response for the only partition of a produce.
pub fn produced(response: &ProduceResponse) -> &PartitionProduceResponse {
    &response.responses[0].partition_responses[0]
}

/// Builds Fetch for one partition (v4 to v12), at most 1 MiB, without waiting.
pub fn fetch(topic: &str, partition: i32, offset: i64) -> FetchRequest {
    fetch_with(topic, vec![fetch_partition(partition, offset)])
}

/// Builds Fetch for some partitions of one topic (v4 to v12), at most 1 MiB, without waiting.
pub fn fetch_with(topic: &str, partitions: Vec<FetchPartition>) -> FetchRequest {
    let topic = FetchTopic::default().with_topic(topic_name(topic)).with_partitions(partitions);
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(0)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

/// Builds one partition of a fetch, at most 1 MiB.
pub fn fetch_partition(partition: i32, offset: i64) -> FetchPartition {
    FetchPartition::default()
        .with_partition(partition)
        .with_current_leader_epoch(-1)
        .with_fetch_offset(offset)
        .with_partition_max_bytes(1 << 20)
}

/// Builds DeleteTopics for one topic (v1 to v5).
pub fn delete_topic(topic: &str) -> DeleteTopicsRequest {
    DeleteTopicsRequest::default().with_topic_names(vec![topic_name(topic)]).with_timeout_ms(5_000)
}

/// Builds AlterPartitionReassignments: other replicas for some partitions of a topic, or none to
/// cancel the reassignment.
pub fn reassign(
    topic: &str,
    partitions: impl IntoIterator<Item = i32>,
    replicas: Option<&[i32]>,
) -> AlterPartitionReassignmentsRequest {
    let replicas = replicas.map(|ids| ids.iter().copied().map(BrokerId).collect::<Vec<_>>());
    let partition = |index| {
        let partition = ReassignablePartition::default().with_partition_index(index);
        partition.with_replicas(replicas.clone())
    };
    let topic = ReassignableTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(partitions.into_iter().map(partition).collect());
    AlterPartitionReassignmentsRequest::default().with_timeout_ms(5_000).with_topics(vec![topic])
}

/// Builds ElectLeaders for some partitions of a topic: 0 for a preferred election, 1 for an unclean
/// one.
pub fn elect_leaders(election_type: i8, topic: &str, partitions: &[i32]) -> ElectLeadersRequest {
    let partitions = elect_leaders_request::TopicPartitions::default()
        .with_topic(topic_name(topic))
        .with_partitions(partitions.to_vec());
    ElectLeadersRequest::default()
        .with_election_type(election_type)
        .with_topic_partitions(Some(vec![partitions]))
}
