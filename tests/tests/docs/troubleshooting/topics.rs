//! Topics that exist already, cannot exist, or do not exist.

use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::error::RDKafkaErrorCode;
use workshop_tests::{TestCluster, requests};

use super::librdkafka::{LIMIT, TURN, failed_send, next_error, next_offset, write};

async fn rejected(cluster: &TestCluster, topic: &str, replicas: i32) -> RDKafkaErrorCode {
    let topic = NewTopic::new(topic, 1, TopicReplication::Fixed(replicas));
    let options = AdminOptions::new().operation_timeout(Some(LIMIT));
    let results = cluster.admin().create_topics([&topic], &options).await;
    let mut results = results.expect("the controller responds");
    let (_, code) = results.remove(0).expect_err("the controller rejects it");
    code
}

pub(super) async fn a_topic_that_exists() -> String {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    rejected(&cluster, &topic, 3).await.to_string()
}

pub(super) async fn more_replicas_than_brokers() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    rejected(&cluster, &cluster.topic_name(), 3).await.to_string()
}

/// The error comes once, without the name; afterwards the consumer waits in silence.
pub(super) async fn a_consumer_of_a_misspelled_topic() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    // Each refresh of the metadata finds again that the topic is missing.
    let refresh = ("topic.metadata.refresh.interval.ms", "10");
    let consumer = cluster.consumer(&cluster.group_name(), &[refresh]);
    consumer.subscribe(&["airprots"]).expect("subscribing asks no broker");
    let printed = next_error(&consumer).to_string();
    let refreshed = || {
        assert!(consumer.poll(TURN).is_none(), "the error comes once");
        consumer.fetch_metadata(Some("airprots"), LIMIT).expect("the cluster responds");
    };
    (0..10).for_each(|_| refreshed());
    let topic = requests::create_topic("airprots", 1, 1, &[]);
    assert_eq!(cluster.connect().call(7, &topic).topics[0].error_code, 0);
    cluster.wait_for_leaders("airprots", 1);
    write(&cluster, "airprots", &["AMS"]).await;
    assert_eq!(next_offset(&consumer), 0, "the consumer continues once the topic exists");
    printed
}

pub(super) async fn a_producer_to_a_misspelled_topic() -> String {
    let builder = embedded_kafka::Cluster::builder().auto_create_topics(false);
    let embedded = builder.start().await.expect("the cluster starts");
    let cluster = TestCluster::at(embedded.bootstrap_servers());
    // The default is 30 s, in case that the topic was created only now.
    let producer = cluster.producer(&[("topic.metadata.propagation.max.ms", "100")]);
    failed_send(&producer, "airprots", "AMS").await.to_string()
}
