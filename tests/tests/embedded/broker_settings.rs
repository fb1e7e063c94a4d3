//! Settings of brokers, chosen at the start and changed while they run: they hold at once, at the
//! broker that they are for, and after a restart.

use std::time::Duration;

use embedded_kafka::{Cluster, ResponseError, TopicAtStart};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};
use workshop_tests::batch::Batch;
use workshop_tests::configs::{BROKER, TOPIC};
use workshop_tests::eventually;
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{create_topic, list_offsets, metadata, produce, produced, text};

const EARLIEST: i64 = -2;
const ALL: i16 = -1;

async fn start(nodes: usize) -> Cluster {
    Cluster::builder().nodes(nodes).start().await.expect("the cluster starts")
}

fn connect(cluster: &Cluster, node: i32) -> RawClient {
    let address = cluster.nodes()[node as usize - 1].address;
    RawClient::connect(&address.to_string())
}

/// Sets a setting of a broker, or of all of them where the name is empty; `None` removes it.
fn alter(cluster: &Cluster, broker: &str, name: &str, value: Option<&str>) {
    let config = AlterableConfig::default()
        .with_name(text(name))
        .with_config_operation(i8::from(value.is_none()))
        .with_value(value.map(text));
    let resource = AlterConfigsResource::default()
        .with_resource_type(BROKER)
        .with_resource_name(text(broker))
        .with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let node = broker.parse().unwrap_or(1);
    let answer = connect(cluster, node).call(1, &request);
    let result = &answer.responses[0];
    assert_eq!((result.error_code, result.error_message.as_deref()), (0, None), "{name}");
}

/// Value and source of a setting, as node 1 describes it.
fn described(cluster: &Cluster, kind: i8, resource: &str, name: &str) -> (String, i8) {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configuration_keys(Some(vec![text(name)]));
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let row = connect(cluster, 1).call(4, &request).results.remove(0).configs.remove(0);
    (row.value.unwrap_or_default().to_string(), row.config_source)
}

/// A topic of one partition on these nodes, the first of which leads.
fn create(cluster: &Cluster, topic: &str, nodes: &[i32]) {
    use kafka_protocol::messages::create_topics_request::CreatableReplicaAssignment;
    let mut request = create_topic(topic, -1, -1, &[]);
    let brokers = nodes.iter().map(|node| (*node).into()).collect();
    let assignment = CreatableReplicaAssignment::default().with_broker_ids(brokers);
    request.topics[0].assignments = vec![assignment];
    assert_eq!(connect(cluster, 1).call(7, &request).topics[0].error_code, 0);
}

/// Appends a record of 1970. The error, and the time that the broker gave it.
fn append(cluster: &Cluster, node: i32, topic: &str, value: &str) -> (i16, i64) {
    let request = produce(topic, 0, ALL, Batch::at(&[value], 5).encode());
    let answer = connect(cluster, node).call(9, &request);
    let answer = produced(&answer);
    (answer.error_code, answer.log_append_time_ms)
}

fn error(error: ResponseError) -> i16 {
    error.code()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_for_all_brokers_holds_for_every_topic_at_once_until_it_is_removed() {
    let cluster = start(1).await;
    create(&cluster, "flights", &[1]);
    let long = "x".repeat(500);
    let rows: [(&str, &str, ResponseError); 3] = [
        ("message.max.bytes", "100", ResponseError::MessageTooLarge),
        ("log.cleanup.policy", "compact", ResponseError::InvalidRecord),
        ("log.message.timestamp.before.max.ms", "1000", ResponseError::InvalidTimestamp),
    ];
    for (name, value, refusal) in rows {
        assert_eq!(append(&cluster, 1, "flights", &long).0, 0, "{name}");
        alter(&cluster, "", name, Some(value));
        assert_eq!(append(&cluster, 1, "flights", &long).0, error(refusal), "{name}");
        create(&cluster, &format!("after-{name}"), &[1]);
        let refused = append(&cluster, 1, &format!("after-{name}"), &long).0;
        assert_eq!(refused, error(refusal), "a new topic has {name}, too");
        alter(&cluster, "", name, None);
    }
    assert_eq!(append(&cluster, 1, "flights", &long).0, 0);
    alter(&cluster, "", "log.message.timestamp.type", Some("LogAppendTime"));
    assert!(append(&cluster, 1, "flights", &long).1 > 0, "the broker's time");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_topic_sets_itself_counts_more() {
    let cluster = start(1).await;
    let request = create_topic("own", 1, 1, &[("max.message.bytes", "1000")]);
    assert_eq!(connect(&cluster, 1).call(7, &request).topics[0].error_code, 0);
    alter(&cluster, "", "message.max.bytes", Some("10"));
    alter(&cluster, "1", "message.max.bytes", Some("20"));
    assert_eq!(append(&cluster, 1, "own", &"x".repeat(500)).0, 0);
    assert_eq!(described(&cluster, TOPIC, "own", "max.message.bytes"), ("1000".into(), 1));
    create(&cluster, "other", &[1]);
    assert_eq!(described(&cluster, TOPIC, "other", "max.message.bytes"), ("20".into(), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_for_one_broker_holds_where_it_leads() {
    let cluster = start(2).await;
    create(&cluster, "led-by-1", &[1, 2]);
    create(&cluster, "led-by-2", &[2, 1]);
    alter(&cluster, "2", "message.max.bytes", Some("100"));
    let long = "x".repeat(500);
    assert_eq!(append(&cluster, 1, "led-by-1", &long).0, 0);
    let too_large = error(ResponseError::MessageTooLarge);
    assert_eq!(append(&cluster, 2, "led-by-2", &long).0, too_large);
    // The next leader has its own.
    cluster.stop_node(2).await.unwrap();
    eventually("node 1 leads", || (append(&cluster, 1, "led-by-2", &long).0 == 0).then_some(()));
    cluster.start_node(2).await.unwrap();
    alter(&cluster, "2", "message.max.bytes", None);
    create(&cluster, "later", &[2]);
    assert_eq!(append(&cluster, 2, "later", &long).0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_records_go_as_all_brokers_are_told() {
    let builder = Cluster::builder().retention_check_interval(Duration::from_millis(10));
    let cluster = builder.start().await.unwrap();
    create(&cluster, "flights", &[1]);
    // The record is of 1970.
    alter(&cluster, "", "log.retention.ms", Some("-1"));
    assert_eq!(append(&cluster, 1, "flights", "a record").0, 0);
    let earliest = || {
        let answer = connect(&cluster, 1).call(5, &list_offsets("flights", 0, EARLIEST));
        answer.topics[0].partitions[0].offset
    };
    assert_eq!(earliest(), 0);
    alter(&cluster, "", "log.retention.ms", Some("1"));
    eventually("the record is gone", || (earliest() == 1).then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_replicas_must_be_in_sync_as_all_brokers_are_told() {
    let cluster = start(3).await;
    create(&cluster, "flights", &[1, 2, 3]);
    create(&cluster, "alone", &[1]);
    alter(&cluster, "", "min.insync.replicas", Some("2"));
    assert_eq!(append(&cluster, 1, "alone", "a record").0, 0, "it has no second replica");
    for node in [2, 3] {
        assert_eq!(append(&cluster, 1, "flights", "a record").0, 0);
        cluster.stop_node(node).await.unwrap();
    }
    let too_few = error(ResponseError::NotEnoughReplicas);
    assert_eq!(append(&cluster, 1, "flights", "a record").0, too_few);
    alter(&cluster, "", "min.insync.replicas", Some("1"));
    assert_eq!(append(&cluster, 1, "flights", "a record").0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_while_brokers_ran_is_there_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let builder = || Cluster::builder().data_dir(data.path()).set("log.retention.ms", "7000");
    let cluster = builder().start().await.unwrap();
    create(&cluster, "flights", &[1]);
    alter(&cluster, "", "message.max.bytes", Some("100"));
    alter(&cluster, "1", "log.cleaner.threads", Some("2"));
    cluster.shutdown().await;
    let cluster = builder().start().await.unwrap();
    let too_large = error(ResponseError::MessageTooLarge);
    assert_eq!(append(&cluster, 1, "flights", &"x".repeat(500)).0, too_large);
    let broker = |name| described(&cluster, BROKER, "1", name);
    assert_eq!(broker("message.max.bytes"), ("100".into(), 3));
    assert_eq!(broker("log.cleaner.threads"), ("2".into(), 2));
    assert_eq!(broker("log.retention.ms"), ("7000".into(), 4));
    assert_eq!(described(&cluster, TOPIC, "flights", "retention.ms"), ("7000".into(), 4));
    assert_eq!(described(&cluster, TOPIC, "flights", "min.insync.replicas"), ("1".into(), 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_as_many_connections_as_it_may() {
    let cluster = start(1).await;
    let is_served = |client: &mut RawClient| client.try_call(12, &metadata(&[])).is_ok();
    let mut first = connect(&cluster, 1);
    assert!(is_served(&mut first));
    alter(&cluster, "1", "max.connections.per.ip", Some("2"));
    eventually("the connection that changed it is gone", || {
        let mut second = connect(&cluster, 1);
        is_served(&mut second).then_some(())
    });
    eventually("a second and no third one is served", || {
        let (mut second, mut third) = (connect(&cluster, 1), connect(&cluster, 1));
        (is_served(&mut second) && !is_served(&mut third)).then_some(())
    });
    assert!(is_served(&mut first), "who is there stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_place_waits_for_one() {
    let cluster = Cluster::builder().set("max.connections", "1").start().await.unwrap();
    let mut first = connect(&cluster, 1);
    assert!(first.try_call(12, &metadata(&[])).is_ok());
    let address = cluster.nodes()[0].address.to_string();
    let waiting = std::thread::spawn(move || {
        RawClient::connect(&address).try_call(12, &metadata(&[])).map(drop)
    });
    std::thread::sleep(Duration::from_millis(300));
    assert!(!waiting.is_finished(), "there is no place yet");
    drop(first);
    waiting.join().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_there_from_the_start_and_stay_as_they_are() {
    let data = tempfile::tempdir().unwrap();
    let builder = || Cluster::builder().nodes(3).data_dir(data.path()).set("num.partitions", "4");
    let orders = || TopicAtStart::new("orders").partitions(6).replicas(3);
    let cluster = builder().topic(orders()).topic(TopicAtStart::new("refunds"));
    let cluster = cluster.start().await.unwrap();
    let shape = |cluster: &Cluster, topic: &str| {
        let answer = connect(cluster, 1).call(12, &metadata(&[topic]));
        let partitions = &answer.topics[0].partitions;
        (partitions.len(), partitions[0].replica_nodes.len())
    };
    assert_eq!((shape(&cluster, "orders"), shape(&cluster, "refunds")), ((6, 3), (4, 1)));
    cluster.shutdown().await;
    // The same again, and without a number, are what is there.
    let cluster = builder().topic(orders()).topic(TopicAtStart::new("refunds"));
    let cluster = cluster.set("num.partitions", "9").start().await.unwrap();
    assert_eq!((shape(&cluster, "orders"), shape(&cluster, "refunds")), ((6, 3), (4, 1)));
    cluster.shutdown().await;
    let other = builder().topic(TopicAtStart::new("orders").partitions(5)).start().await;
    let refused = other.unwrap_err().to_string();
    let reason = "topic orders: it is in the data directory already, with 6 partition(s) and not 5";
    assert!(refused.contains(reason), "{refused}");
    let cluster = builder().start().await.unwrap();
    assert_eq!(shape(&cluster, "orders"), (6, 3), "nothing was changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_topic_is_created_for_who_asks_where_that_is_switched_off() {
    let cluster = Cluster::builder().set("auto.create.topics.enable", "false");
    let cluster = cluster.start().await.unwrap();
    let request = metadata(&["nope"]).with_allow_auto_topic_creation(true);
    let answer = connect(&cluster, 1).call(12, &request);
    let unknown = error(ResponseError::UnknownTopicOrPartition);
    assert_eq!(answer.topics[0].error_code, unknown);
    let setting = described(&cluster, BROKER, "1", "auto.create.topics.enable");
    assert_eq!(setting, ("false".into(), 4));
}
