//! Metadata: topics that are named twice or by an id that the version does not allow, and the
//! cluster's own.

use embedded_kafka::Cluster;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{
    DescribeConfigsRequest, DescribeTopicPartitionsRequest, MetadataRequest,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::client::{ask, create, name, three_nodes};

const INVALID_REQUEST: i16 = 42;
const UNKNOWN_TOPIC_ID: i16 = 100;

fn by_name(topic: &str) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(Some(name(topic)))
}

fn by_id(id: Uuid) -> MetadataRequestTopic {
    MetadataRequestTopic::default().with_name(None).with_topic_id(id)
}

async fn describe(
    cluster: &Cluster,
    version: i16,
    topics: Vec<MetadataRequestTopic>,
) -> Vec<MetadataResponseTopic> {
    let request = MetadataRequest::default().with_topics(Some(topics));
    ask(cluster, 1, version, &request).await.topics
}

#[tokio::test]
async fn a_topic_that_is_named_often_is_described_once() {
    let cluster = three_nodes().await;
    create(&cluster, "airports", 3).await;
    let topics = describe(&cluster, 12, vec![by_name("airports"); 1000]).await;
    assert_eq!(topics.len(), 1);
    let id = topics[0].topic_id;
    let under_many_names = (0..1000).map(|i| by_id(id).with_name(Some(name(&i.to_string()))));
    assert_eq!(describe(&cluster, 12, under_many_names.collect()).await, topics);
}

#[tokio::test]
async fn an_id_takes_precedence_over_a_name() {
    let cluster = three_nodes().await;
    create(&cluster, "airports", 1).await;
    let asked = by_name("airports").with_topic_id(Uuid::new_v4());
    let topics = describe(&cluster, 12, vec![asked]).await;
    assert_eq!((topics[0].error_code, topics[0].name.clone()), (UNKNOWN_TOPIC_ID, None));
}

#[tokio::test]
async fn versions_before_ids_reject_them_and_get_a_response() {
    let cluster = three_nodes().await;
    create(&cluster, "airports", 1).await;
    let id = describe(&cluster, 12, vec![by_name("airports")]).await[0].topic_id;
    for version in [10, 11] {
        let topics = describe(&cluster, version, vec![by_id(id), by_name("airports")]).await;
        let seen: Vec<_> = topics
            .iter()
            .map(|topic| (topic.error_code, topic.name.clone().unwrap().to_string()))
            .collect();
        let expected = ["", "airports"].map(|name| (INVALID_REQUEST, name.to_owned()));
        assert_eq!(seen, expected, "v{version}");
    }
}

#[tokio::test]
async fn asking_for_the_topic_of_offsets_creates_it_as_the_cluster_does() {
    let cluster = three_nodes().await;
    let topics = describe(&cluster, 9, vec![by_name("__consumer_offsets")]).await;
    assert_eq!((topics[0].error_code, topics[0].partitions.len()), (0, 50));
    assert_eq!(topics[0].partitions[0].replica_nodes.len(), 3);

    let policy = StrBytes::from_static_str("cleanup.policy");
    let resource = DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(StrBytes::from_static_str("__consumer_offsets"))
        .with_configuration_keys(Some(vec![policy]));
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let settings = ask(&cluster, 1, 4, &request).await.results.remove(0).configs;
    assert_eq!(settings[0].value.as_deref(), Some("compact"));
}

#[tokio::test]
async fn a_page_of_partitions_has_at_least_one_and_begins_somewhere() {
    let cluster = three_nodes().await;
    create(&cluster, "airports", 3).await;
    let page = async |limit, from: Option<i32>| {
        let cursor = from.map(|from| {
            Cursor::default().with_topic_name(name("airports")).with_partition_index(from)
        });
        let request = DescribeTopicPartitionsRequest::default()
            .with_topics(vec![TopicRequest::default().with_name(name("airports"))])
            .with_response_partition_limit(limit)
            .with_cursor(cursor);
        let response = ask(&cluster, 1, 0, &request).await;
        let next = response.next_cursor.map(|cursor| cursor.partition_index);
        (response.topics[0].error_code, response.topics[0].partitions.len(), next)
    };
    for limit in [i32::MIN, -1, 0, 1] {
        assert_eq!(page(limit, None).await, (0, 1, Some(1)), "{limit}");
    }
    assert_eq!(page(9, Some(2)).await, (0, 1, None));
    assert_eq!(page(9, Some(7)).await, (0, 0, None));
    assert_eq!(page(9, Some(-1)).await, (INVALID_REQUEST, 0, None));
}
