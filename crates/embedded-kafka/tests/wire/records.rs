//! Records that clients may not write, delete or look up.

use bytes::Bytes;
use embedded_kafka::Cluster;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, DeleteRecordsRequest, FindCoordinatorRequest,
    ListOffsetsRequest, ProduceRequest,
};
use kafka_protocol::protocol::StrBytes;

use crate::client::{ask, create, name, three_nodes};

const NOT_LEADER_OR_FOLLOWER: i16 = 6;
const INVALID_TOPIC: i16 = 17;
const UNSUPPORTED_VERSION: i16 = 35;
const INVALID_REQUEST: i16 = 42;
const POLICY_VIOLATION: i16 = 44;

/// Returns an empty batch, which is enough for a request that is rejected for its topic alone.
fn batch() -> Bytes {
    let mut batch = vec![0; 61];
    batch[11] = 49;
    batch[16] = 2;
    batch.into()
}

async fn produce(cluster: &Cluster, topic: &str) -> i16 {
    let data = PartitionProduceData::default().with_index(0).with_records(Some(batch()));
    let topic = TopicProduceData::default().with_name(name(topic)).with_partition_data(vec![data]);
    let request =
        ProduceRequest::default().with_acks(-1).with_timeout_ms(1000).with_topic_data(vec![topic]);
    ask(cluster, 1, 9, &request).await.responses[0].partition_responses[0].error_code
}

async fn delete_records(cluster: &Cluster, node: usize, topic: &str) -> i16 {
    let partition = DeleteRecordsPartition::default().with_partition_index(0).with_offset(-1);
    let topic =
        DeleteRecordsTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default().with_topics(vec![topic]);
    ask(cluster, node, 2, &request).await.topics[0].partitions[0].error_code
}

async fn list_offsets(
    cluster: &Cluster,
    version: i16,
    asked: &[(i32, i64)],
) -> Vec<(i32, i16, i64)> {
    let partitions = asked.iter().map(|(partition, timestamp)| {
        ListOffsetsPartition::default()
            .with_partition_index(*partition)
            .with_current_leader_epoch(-1)
            .with_timestamp(*timestamp)
    });
    let topic = ListOffsetsTopic::default()
        .with_name(name("airports"))
        .with_partitions(partitions.collect());
    let request =
        ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
    let partitions = ask(cluster, 1, version, &request).await.topics.remove(0).partitions;
    let of =
        |one: kafka_protocol::messages::list_offsets_response::ListOffsetsPartitionResponse| {
            (one.partition_index, one.error_code, one.offset)
        };
    partitions.into_iter().map(of).collect()
}

#[tokio::test]
async fn clients_neither_write_to_the_topic_of_offsets_nor_delete_from_it() {
    let cluster = three_nodes().await;
    let request = FindCoordinatorRequest::default().with_key(StrBytes::from_static_str("g"));
    assert_eq!(ask(&cluster, 1, 3, &request).await.error_code, 0);
    assert_eq!(produce(&cluster, "__consumer_offsets").await, INVALID_TOPIC);
    for node in 1..=3 {
        assert_eq!(delete_records(&cluster, node, "__consumer_offsets").await, INVALID_TOPIC);
    }
}

#[tokio::test]
async fn records_of_a_topic_that_is_only_compacted_are_not_deleted() {
    let cluster = three_nodes().await;
    let policy = CreatableTopicConfig::default()
        .with_name(StrBytes::from_static_str("cleanup.policy"))
        .with_value(Some(StrBytes::from_static_str("compact")));
    let topic = CreatableTopic::default()
        .with_name(name("airports"))
        .with_num_partitions(1)
        .with_replication_factor(1)
        .with_configs(vec![policy]);
    let request = CreateTopicsRequest::default().with_topics(vec![topic]);
    assert_eq!(ask(&cluster, 1, 7, &request).await.topics[0].error_code, 0);
    let mut codes = Vec::new();
    for node in 1..=3 {
        codes.push(delete_records(&cluster, node, "airports").await);
    }
    codes.sort_unstable();
    assert_eq!(codes, [NOT_LEADER_OR_FOLLOWER, NOT_LEADER_OR_FOLLOWER, POLICY_VIOLATION]);
}

#[tokio::test]
async fn a_partition_that_list_offsets_names_twice_is_rejected_once() {
    let cluster = crate::client::start(Cluster::builder()).await;
    create(&cluster, "airports", 2).await;
    let answers = list_offsets(&cluster, 5, &[(0, -1), (1, -1), (0, -2)]).await;
    assert_eq!(answers, [(0, INVALID_REQUEST, -1), (1, 0, 0)]);
}

#[tokio::test]
async fn the_largest_timestamp_can_be_looked_up_from_version_7_on() {
    let cluster = crate::client::start(Cluster::builder()).await;
    create(&cluster, "airports", 1).await;
    assert_eq!(list_offsets(&cluster, 6, &[(0, -3)]).await, [(0, UNSUPPORTED_VERSION, -1)]);
    assert_eq!(list_offsets(&cluster, 7, &[(0, -3)]).await, [(0, 0, -1)]);
}
