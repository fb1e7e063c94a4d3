//! DescribeLogDirs, and the settings that kafka-reassign-partitions gives running nodes.

use std::collections::BTreeMap;

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::describe_log_dirs_response::DescribeLogDirsPartition;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{
    DescribeConfigsRequest, DescribeLogDirsRequest, IncrementalAlterConfigsRequest,
};
use workshop_tests::batch::Batch;
use workshop_tests::configs::BROKER;
use workshop_tests::disturbed::Disturbed;
use workshop_tests::errors::INVALID_REQUEST;
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{produce, produced, text, topic_name};
use workshop_tests::{TestCluster, eventually};

const LEADER_RATE: &str = "leader.replication.throttled.rate";
const FOLLOWER_RATE: &str = "follower.replication.throttled.rate";

/// Held by a test that changes or reads settings of a node, which is not its own on Apache Kafka.
static NODE_SETTINGS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What a node says of a topic's partitions in its only directory, `None` where it has none.
fn replicas(
    client: &mut RawClient,
    topic: &str,
    partitions: &[i32],
) -> BTreeMap<i32, DescribeLogDirsPartition> {
    let asked = DescribableLogDirTopic::default()
        .with_topic(topic_name(topic))
        .with_partitions(partitions.to_vec());
    let request = DescribeLogDirsRequest::default().with_topics(Some(vec![asked]));
    let answer = client.call(4, &request);
    assert_eq!((answer.error_code, answer.results.len()), (0, 1));
    let result = &answer.results[0];
    assert_eq!(result.error_code, 0);
    assert!(result.log_dir.starts_with('/'), "{}", &*result.log_dir);
    assert!(result.total_bytes >= result.usable_bytes && result.usable_bytes > 0, "{result:?}");
    let topics = result.topics.iter().filter(|it| &**it.name == topic);
    let found = topics.flat_map(|it| it.partitions.iter().cloned());
    found.map(|it| (it.partition_index, it)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_as_large_as_the_batches_in_it() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(2, 1, &[]);
    let batch = Batch::of(&["EHAM", "KSEA"]).encode();
    let mut leader = cluster.connect_to_leader(&topic, 1);
    for _ in 0..3 {
        let answer = leader.call(9, &produce(&topic, 1, -1, batch.clone()));
        assert_eq!(produced(&answer).error_code, 0);
    }
    let found = replicas(&mut leader, &topic, &[0, 1, 7]);
    let partition = &found[&1];
    assert_eq!(partition.partition_size, 3 * batch.len() as i64);
    assert_eq!((partition.offset_lag, partition.is_future_key), (0, false));
    assert!(!found.contains_key(&7), "there is no such partition");
    assert!(replicas(&mut leader, &topic, &[]).is_empty());
    assert!(replicas(&mut leader, "no-such-topic", &[0]).is_empty());
    // The other nodes hold no replica of it.
    let mut follower = cluster.connect_to_follower(&topic, 1);
    assert!(!replicas(&mut follower, &topic, &[0, 1]).contains_key(&1));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_topics_a_node_describes_everything_that_it_holds_in_every_version() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(3);
    for version in 1..=4 {
        // In Apache Kafka a node makes the logs of what it does not lead a moment later.
        eventually("the node has a replica of each partition", || {
            let request = DescribeLogDirsRequest::default().with_topics(None);
            let answer = cluster.connect().call(version, &request);
            let topics = &answer.results[0].topics;
            let ours = topics.iter().find(|it| **it.name == *topic)?;
            (ours.partitions.len() == 3).then_some(())
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_fetches_nothing_is_smaller() {
    let disturbed = Disturbed::start().await;
    let topic = disturbed.topic_on(&[1, 2], &[]);
    disturbed.append(1, &topic, -1, &["EHAM"]);
    let size = |node: i32| replicas(&mut disturbed.node(node), &topic, &[0])[&0].partition_size;
    let before = size(2);
    assert_eq!(before, size(1));
    disturbed.switchboard.pause_replication(2).await.unwrap();
    disturbed.append(1, &topic, 1, &["KSEA"]);
    assert_eq!(size(2), before);
    assert!(size(1) > before);
}

/// Changes settings of a node, or of all nodes where `name` is empty; `None` removes.
fn alter(client: &mut RawClient, name: &str, changes: &[(&str, Option<&str>)]) -> (i16, String) {
    let change = |&(name, value): &(&str, Option<&str>)| {
        AlterableConfig::default()
            .with_name(text(name))
            .with_config_operation(i8::from(value.is_none()))
            .with_value(value.map(text))
    };
    let resource = AlterConfigsResource::default()
        .with_resource_type(BROKER)
        .with_resource_name(text(name))
        .with_configs(changes.iter().map(change).collect());
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let answer = client.call(1, &request).responses.remove(0);
    (answer.error_code, answer.error_message.as_deref().unwrap_or_default().to_owned())
}

type Row = (String, i8, i8, bool, Vec<(String, i8)>);

/// The throttles of a node: each with its value, source, type, whether it can only be read, and its
/// synonyms.
fn throttles(client: &mut RawClient, name: &str) -> BTreeMap<String, Row> {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(BROKER)
        .with_resource_name(text(name))
        .with_configuration_keys(Some(vec![text(LEADER_RATE), text(FOLLOWER_RATE)]));
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_synonyms(true);
    let value = |value: &Option<kafka_protocol::protocol::StrBytes>| {
        value.as_deref().unwrap_or_default().to_owned()
    };
    let rows = client.call(4, &request).results.remove(0).configs.into_iter();
    rows.map(|row| {
        let synonyms = row.synonyms.iter().map(|it| (value(&it.value), it.source)).collect();
        let described =
            (value(&row.value), row.config_source, row.config_type, row.read_only, synonyms);
        (row.name.to_string(), described)
    })
    .collect()
}

/// The id of the node at an address.
fn id_of(cluster: &TestCluster, client: &RawClient) -> String {
    let answer = cluster.connect().call(12, &workshop_tests::requests::metadata(&[]));
    let port = client.address().rsplit(':').next().and_then(|port| port.parse().ok());
    let node = answer.brokers.iter().find(|it| Some(it.port) == port).expect("a node");
    node.node_id.0.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttle_is_kept_until_it_is_removed() {
    let _alone = NODE_SETTINGS.lock().await;
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let node = id_of(&cluster, &client);
    assert_eq!(throttles(&mut client, &node), BTreeMap::new());
    let both = [(LEADER_RATE, Some("5000000")), (FOLLOWER_RATE, Some("0"))];
    assert_eq!(alter(&mut client, &node, &both), (0, String::new()));
    assert_eq!(alter(&mut client, "", &[(LEADER_RATE, Some("77"))]), (0, String::new()));
    let own = |value: &str, others: &[(&str, i8)]| -> Row {
        let all = [&[(value, 2)], others].concat();
        let synonyms = all.iter().map(|(value, source)| ((*value).to_owned(), *source)).collect();
        (value.to_owned(), 2, 5, false, synonyms)
    };
    let expected = BTreeMap::from([
        (LEADER_RATE.to_owned(), own("5000000", &[("77", 3)])),
        (FOLLOWER_RATE.to_owned(), own("0", &[])),
    ]);
    eventually("the settings are known", || {
        (throttles(&mut client, &node) == expected).then_some(())
    });
    let gone = [(LEADER_RATE, None), (FOLLOWER_RATE, None)];
    assert_eq!(alter(&mut client, &node, &gone), (0, String::new()));
    let of_all = ("77".to_owned(), 3, 5, false, vec![("77".to_owned(), 3)]);
    let expected = BTreeMap::from([(LEADER_RATE.to_owned(), of_all)]);
    eventually("the default of all nodes is left", || {
        (throttles(&mut client, &node) == expected).then_some(())
    });
    assert_eq!(throttles(&mut client, ""), expected);
    assert_eq!(alter(&mut client, "", &gone), (0, String::new()));
    eventually("nothing is left", || throttles(&mut client, &node).is_empty().then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_rate_is_refused_as_a_whole() {
    let _alone = NODE_SETTINGS.lock().await;
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let node = id_of(&cluster, &client);
    let invalid = "Invalid value";
    let of = format!("for configuration {LEADER_RATE}:");
    let rows = [
        (LEADER_RATE, "-1", format!("{invalid} -1 {of} Value must be at least 0")),
        (LEADER_RATE, "abc", format!("{invalid} abc {of} Not a number of type LONG")),
        (
            "num.partitions",
            "4",
            "Cannot update these configs dynamically: [num.partitions]".to_owned(),
        ),
    ];
    for (name, value, message) in rows {
        let refused = alter(&mut client, &node, &[(FOLLOWER_RATE, Some("9")), (name, Some(value))]);
        assert_eq!(refused, (INVALID_REQUEST, message));
    }
    assert_eq!(throttles(&mut client, &node), BTreeMap::new());
}
