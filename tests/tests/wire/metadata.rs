//! Metadata, DescribeCluster, DescribeTopicPartitions: what a node says about the cluster.

use std::collections::HashSet;

use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    DescribeClusterRequest, DescribeTopicPartitionsRequest, MetadataRequest,
};
use uuid::Uuid;
use workshop_tests::errors::{
    INVALID_TOPIC_EXCEPTION, LEADER_NOT_AVAILABLE, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION,
};
use workshop_tests::requests::{metadata, topic_name};
use workshop_tests::{TestCluster, eventually};

#[tokio::test]
async fn every_version_of_metadata_describes_the_topic() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(2);
    let mut client = cluster.connect();
    for version in 0..=12 {
        // Versions below 4 cannot forbid auto-creation: the codec wants the default there.
        let request = metadata(&[&topic]).with_allow_auto_topic_creation(version < 4);
        let answer = client.call(version, &request);
        assert_eq!(answer.brokers.len(), 3, "version {version}");
        assert_eq!(answer.topics.len(), 1);
        assert_eq!(answer.topics[0].partitions.len(), 2);
        for partition in &answer.topics[0].partitions {
            assert_eq!(partition.error_code, 0);
            assert_eq!(partition.replica_nodes.len(), 3);
            assert_eq!(partition.isr_nodes.len(), 3);
            assert!(partition.replica_nodes.contains(&partition.leader_id));
        }
        if version >= 1 {
            let nodes: Vec<_> = answer.brokers.iter().map(|it| it.node_id).collect();
            assert!(nodes.contains(&answer.controller_id), "a node controls the cluster");
        }
        if version >= 2 {
            assert!(answer.cluster_id.is_some_and(|it| !it.is_empty()));
        }
    }
}

#[tokio::test]
async fn every_node_names_the_same_nodes_and_cluster() {
    let cluster = TestCluster::start().await;
    let mut answers = HashSet::new();
    for address in cluster.addresses() {
        let mut client = workshop_tests::raw::RawClient::connect(&address);
        let answer = client.call(12, &metadata(&[]));
        let mut nodes: Vec<_> =
            answer.brokers.iter().map(|it| format!("{}:{}", it.host.as_str(), it.port)).collect();
        nodes.sort();
        assert_eq!(nodes.len(), 3);
        assert!(nodes.contains(&address));
        answers.insert((nodes, answer.cluster_id));
    }
    assert_eq!(answers.len(), 1, "all agree");
}

#[tokio::test]
async fn null_topics_are_all_topics_and_an_empty_list_is_none() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut client = cluster.connect();
    let named = |answer: &kafka_protocol::messages::MetadataResponse| {
        answer.topics.iter().any(|it| it.name == Some(topic_name(&topic)))
    };
    let all = MetadataRequest::default().with_topics(None).with_allow_auto_topic_creation(true);
    assert!(named(&client.call(1, &all)));
    assert!(named(&client.call(12, &all)));
    // Version 0 has no null: there an empty list asks for all.
    assert!(named(&client.call(0, &all.clone().with_topics(Some(vec![])))));
    assert_eq!(client.call(1, &all.clone().with_topics(Some(vec![]))).topics, []);
    assert_eq!(client.call(12, &all.with_topics(Some(vec![]))).topics, []);
}

#[tokio::test]
async fn a_topic_is_found_by_its_id_from_version_12_on() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut client = cluster.connect();
    let id = client.call(12, &metadata(&[&topic])).topics[0].topic_id;
    assert!(!id.is_nil());
    let by_id = |id: Uuid| {
        let topic = MetadataRequestTopic::default().with_topic_id(id).with_name(None);
        MetadataRequest::default()
            .with_topics(Some(vec![topic]))
            .with_allow_auto_topic_creation(false)
    };
    let found = client.call(12, &by_id(id));
    assert_eq!(found.topics[0].error_code, 0);
    assert_eq!(found.topics[0].name, Some(topic_name(&topic)));
    let unknown = client.call(12, &by_id(Uuid::new_v4()));
    assert_eq!(unknown.topics[0].error_code, UNKNOWN_TOPIC_ID);
    assert_eq!(unknown.topics[0].name, None);
}

#[tokio::test]
async fn an_unknown_topic_is_named_in_the_error_and_not_created() {
    let cluster = TestCluster::start().await;
    let topic = cluster.topic_name();
    let mut client = cluster.connect();
    for _ in 0..2 {
        let answer = client.call(12, &metadata(&[&topic]));
        assert_eq!(answer.topics[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
        assert_eq!(answer.topics[0].name, Some(topic_name(&topic)));
        assert!(answer.topics[0].topic_id.is_nil());
        assert_eq!(answer.topics[0].partitions, []);
    }
}

#[tokio::test]
async fn a_topic_is_created_by_metadata_that_allows_it() {
    let cluster = TestCluster::start().await;
    let topic = cluster.topic_name();
    let mut client = cluster.connect();
    let request = metadata(&[&topic]).with_allow_auto_topic_creation(true);
    let first = client.call(12, &request).topics[0].error_code;
    assert!(
        [0, UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE].contains(&first),
        "not yet, or at once: {first}"
    );
    eventually("the topic is created", || {
        let answer = client.call(12, &metadata(&[&topic]));
        (answer.topics[0].error_code == 0).then_some(())
    });
}

#[tokio::test]
async fn a_name_that_no_topic_can_have_is_not_created() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let too_long = "x".repeat(250);
    for name in ["with space", "sla/sh", ".", "..", too_long.as_str(), ""] {
        let request = metadata(&[name]).with_allow_auto_topic_creation(true);
        let answer = client.call(12, &request);
        assert_eq!(answer.topics[0].error_code, INVALID_TOPIC_EXCEPTION, "{name:?}");
    }
}

#[tokio::test]
async fn describe_cluster_names_the_nodes_and_the_controller() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let known = client.call(12, &metadata(&[]));
    for version in 0..=1 {
        let request = DescribeClusterRequest::default().with_endpoint_type(1);
        let answer = client.call(version, &request);
        assert_eq!(answer.error_code, 0);
        assert_eq!(Some(answer.cluster_id), known.cluster_id);
        assert_eq!(answer.brokers.len(), 3);
        assert!(answer.brokers.iter().any(|it| it.broker_id == answer.controller_id));
        assert_eq!(answer.cluster_authorized_operations, i32::MIN, "not asked for");
    }
}

#[tokio::test]
async fn describe_topic_partitions_pages_through_a_topic() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(5);
    let mut client = cluster.connect();
    let asked = TopicRequest::default().with_name(topic_name(&topic));
    let mut request = DescribeTopicPartitionsRequest::default()
        .with_topics(vec![asked])
        .with_response_partition_limit(2);
    let mut pages: Vec<Vec<i32>> = Vec::new();
    loop {
        let answer = client.call(0, &request);
        assert_eq!(answer.topics[0].error_code, 0);
        pages.push(answer.topics[0].partitions.iter().map(|it| it.partition_index).collect());
        let Some(next) = answer.next_cursor else {
            break;
        };
        let cursor = Cursor::default()
            .with_topic_name(next.topic_name)
            .with_partition_index(next.partition_index);
        request.cursor = Some(cursor);
    }
    assert_eq!(pages, [vec![0, 1], vec![2, 3], vec![4]]);
}

#[tokio::test]
async fn describe_topic_partitions_answers_in_order_of_names() {
    let cluster = TestCluster::start().await;
    let mut topics = [cluster.create_topic(1), cluster.create_topic(1), cluster.topic_name()];
    topics.sort();
    let asked = topics.iter().rev().map(|it| TopicRequest::default().with_name(topic_name(it)));
    let request = DescribeTopicPartitionsRequest::default().with_topics(asked.collect());
    let answer = cluster.connect().call(0, &request);
    let names: Vec<_> = answer.topics.iter().map(|it| it.name.clone()).collect();
    assert_eq!(names, topics.iter().map(|it| Some(topic_name(it))).collect::<Vec<_>>());
    let errors = answer.topics.iter().filter(|it| it.error_code == UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(errors.count(), 1, "the topic that does not exist");
}

#[tokio::test]
async fn leaders_are_spread_over_the_nodes() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(6);
    let answer = cluster.connect().call(12, &metadata(&[&topic]));
    let mut led = std::collections::HashMap::new();
    for partition in &answer.topics[0].partitions {
        *led.entry(partition.leader_id).or_insert(0) += 1;
    }
    assert_eq!(led.into_values().collect::<Vec<_>>(), [2, 2, 2]);
}
