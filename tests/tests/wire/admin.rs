//! CreateTopics, CreatePartitions, DeleteTopics and the configuration APIs, request by request.

use kafka_protocol::messages::alter_configs_request as replace;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::CreatableReplicaAssignment;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use kafka_protocol::messages::incremental_alter_configs_request as incremental;
use kafka_protocol::messages::{
    AlterConfigsRequest, BrokerId, CreatePartitionsRequest, CreateTopicsRequest,
    DeleteTopicsRequest, DescribeConfigsRequest, IncrementalAlterConfigsRequest,
};
use workshop_tests::configs::{APPEND, DELETE, SET, SUBTRACT, TOPIC};
use workshop_tests::errors::{
    INVALID_CONFIG, INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, INVALID_REPLICATION_FACTOR,
    INVALID_REQUEST, TOPIC_ALREADY_EXISTS, UNKNOWN_SERVER_ERROR, UNKNOWN_TOPIC_ID,
    UNKNOWN_TOPIC_OR_PARTITION,
};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{create_topic, delete_topic, metadata, text, topic_name};
use workshop_tests::{TestCluster, eventually};

const DYNAMIC_TOPIC: i8 = 1;
const DEFAULT: i8 = 5;

fn created(client: &mut RawClient, request: &CreateTopicsRequest) -> (i16, String) {
    let answer = client.call(7, request);
    let message = answer.topics[0].error_message.as_ref().map(ToString::to_string);
    (answer.topics[0].error_code, message.unwrap_or_default())
}

#[tokio::test]
async fn a_created_topic_is_described_in_the_answer() {
    let cluster = TestCluster::start().await;
    let topic = cluster.topic_name();
    let request = create_topic(&topic, 2, 3, &[("retention.ms", "1000")]);
    let answer = cluster.connect().call(7, &request);
    let created = &answer.topics[0];
    assert_eq!((created.error_code, &created.error_message), (0, &None));
    assert_eq!((created.num_partitions, created.replication_factor), (2, 3));
    assert!(!created.topic_id.is_nil());
    let configs = created.configs.as_ref().expect("version 5 and later name the settings");
    let retention = configs.iter().find(|it| it.name.as_str() == "retention.ms");
    let retention = retention.expect("retention.ms is among them");
    assert_eq!(retention.value.as_deref(), Some("1000"));
    assert_eq!(retention.config_source, DYNAMIC_TOPIC);
}

#[tokio::test]
async fn minus_1_takes_the_brokers_defaults() {
    let cluster = TestCluster::start().await;
    let topic = cluster.topic_name();
    let answer = cluster.connect().call(7, &create_topic(&topic, -1, -1, &[]));
    assert_eq!(answer.topics[0].error_code, 0);
    assert!(answer.topics[0].num_partitions >= 1);
    assert_eq!(answer.topics[0].replication_factor, 3);
}

#[tokio::test]
async fn counts_that_cannot_be_are_refused() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let topic = cluster.topic_name();
    for (partitions, factor, error) in [
        (0, 1, INVALID_PARTITIONS),
        (-2, 1, INVALID_PARTITIONS),
        (1, 0, INVALID_REPLICATION_FACTOR),
        (1, -2, INVALID_REPLICATION_FACTOR),
        (1, 4, INVALID_REPLICATION_FACTOR),
    ] {
        let answer = created(&mut client, &create_topic(&topic, partitions, factor, &[]));
        assert_eq!(answer.0, error, "{partitions} partitions, factor {factor}: {}", answer.1);
    }
    let answer = client.call(12, &metadata(&[&topic]));
    assert_eq!(answer.topics[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
}

#[tokio::test]
async fn a_topic_named_twice_in_one_request_is_invalid() {
    let cluster = TestCluster::start().await;
    let topic = cluster.topic_name();
    let mut request = create_topic(&topic, 1, 1, &[]);
    request.topics.push(request.topics[0].clone());
    let answer = cluster.connect().call(7, &request);
    let errors: Vec<_> = answer.topics.iter().map(|it| it.error_code).collect();
    assert_eq!(errors, [INVALID_REQUEST]);
}

#[tokio::test]
async fn names_that_differ_in_dot_and_underscore_collide() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let topic = cluster.create_topic(1);
    let dotted = topic.replace('-', ".");
    assert_eq!(created(&mut client, &create_topic(&dotted, 1, 1, &[])).0, 0);
    let underscored = topic.replace('-', "_");
    let (error, message) = created(&mut client, &create_topic(&underscored, 1, 1, &[]));
    assert_eq!(error, 17, "{message}");
    assert!(message.contains("collides with existing topic"), "{message}");
    let request = delete_topic(&dotted);
    assert_eq!(client.call(5, &request).responses[0].error_code, 0);
}

fn assigned(topic: &str, replicas: &[&[i32]]) -> CreateTopicsRequest {
    let mut request = create_topic(topic, -1, -1, &[]);
    let assignment = |(index, nodes): (usize, &&[i32])| {
        CreatableReplicaAssignment::default()
            .with_partition_index(index as i32)
            .with_broker_ids(nodes.iter().map(|&it| BrokerId(it)).collect())
    };
    request.topics[0].assignments = replicas.iter().enumerate().map(assignment).collect();
    request
}

#[tokio::test]
async fn an_assignment_that_cannot_be_is_refused() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let topic = cluster.topic_name();
    for wrong in [&[&[1, 1][..]][..], &[&[999]], &[&[1, 2], &[1]], &[&[]]] {
        let (error, message) = created(&mut client, &assigned(&topic, wrong));
        assert_eq!(error, INVALID_REPLICA_ASSIGNMENT, "{wrong:?}: {message}");
    }
    let mut both = assigned(&topic, &[&[1]]);
    both.topics[0].num_partitions = 1;
    assert_eq!(created(&mut client, &both).0, INVALID_REQUEST);
    let mut gap = assigned(&topic, &[&[1]]);
    gap.topics[0].assignments[0].partition_index = 1;
    assert_eq!(created(&mut client, &gap).0, INVALID_REPLICA_ASSIGNMENT);
}

#[tokio::test]
async fn the_assignment_says_who_leads() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let topic = cluster.topic_name();
    assert_eq!(created(&mut client, &assigned(&topic, &[&[3, 1], &[2, 3]])).0, 0);
    cluster.wait_for_leaders(&topic, 2);
    let answer = client.call(12, &metadata(&[&topic]));
    for (partition, replicas) in [(0, [3, 1]), (1, [2, 3])] {
        let found = answer.topics[0].partitions.iter().find(|it| it.partition_index == partition);
        let found = found.expect("both partitions");
        assert_eq!(found.leader_id, BrokerId(replicas[0]));
        assert_eq!(found.replica_nodes, replicas.map(BrokerId));
    }
}

#[tokio::test]
async fn topics_are_deleted_by_name_and_by_id() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let topic = cluster.create_topic(1);
    let id = client.call(12, &metadata(&[&topic])).topics[0].topic_id;
    let by_id = DeleteTopicState::default().with_topic_id(id).with_name(None);
    let request = DeleteTopicsRequest::default().with_topics(vec![by_id]).with_timeout_ms(5_000);
    let answer = client.call(6, &request);
    assert_eq!(answer.responses[0].error_code, 0);
    assert_eq!(answer.responses[0].name, Some(topic_name(&topic)));
    eventually("the topic is gone", || {
        let error = client.call(12, &metadata(&[&topic])).topics[0].error_code;
        (error == UNKNOWN_TOPIC_OR_PARTITION).then_some(())
    });
    assert_eq!(client.call(6, &request).responses[0].error_code, UNKNOWN_TOPIC_ID);
    for version in 1..=5 {
        let request = delete_topic(&topic);
        let answer = client.call(version, &request);
        assert_eq!(answer.responses[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
    }
}

fn create_partitions(
    client: &mut RawClient,
    version: i16,
    topic: &str,
    count: i32,
) -> (i16, String) {
    let topic = CreatePartitionsTopic::default()
        .with_name(topic_name(topic))
        .with_count(count)
        .with_assignments(None);
    let request =
        CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(5_000);
    let answer = client.call(version, &request);
    let message = answer.results[0].error_message.as_ref().map(ToString::to_string);
    (answer.results[0].error_code, message.unwrap_or_default())
}

#[tokio::test]
async fn partitions_are_added_and_never_taken_away() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let topic = cluster.create_topic(2);
    assert_eq!(create_partitions(&mut client, 0, &topic, 3).0, 0);
    cluster.wait_for_leaders(&topic, 3);
    let (error, message) = create_partitions(&mut client, 3, &topic, 3);
    assert_eq!((error, &*message), (INVALID_PARTITIONS, "Topic already has 3 partition(s)."));
    let (error, message) = create_partitions(&mut client, 3, &topic, 1);
    assert_eq!(error, INVALID_PARTITIONS);
    let expected =
        format!("The topic {topic} currently has 3 partition(s); 1 would not be an increase.");
    assert_eq!(message, expected);
    let unknown = cluster.topic_name();
    assert_eq!(create_partitions(&mut client, 3, &unknown, 3).0, UNKNOWN_TOPIC_OR_PARTITION);
}

/// The entry of one topic setting.
fn described(client: &mut RawClient, topic: &str, key: &str) -> DescribeConfigsResourceResult {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(topic))
        .with_configuration_keys(Some(vec![text(key)]));
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_synonyms(true);
    let answer = client.call(4, &request);
    assert_eq!(answer.results[0].error_code, 0);
    assert_eq!(answer.results[0].configs.len(), 1, "only what was asked for");
    answer.results[0].configs[0].clone()
}

fn value_of(client: &mut RawClient, topic: &str, key: &str) -> String {
    described(client, topic, key).value.expect("the setting has a value").to_string()
}

fn alter(client: &mut RawClient, topic: &str, changes: &[(i8, &str, &str)]) -> (i16, String) {
    let change = |(operation, name, value): &(i8, &str, &str)| {
        incremental::AlterableConfig::default()
            .with_config_operation(*operation)
            .with_name(text(name))
            .with_value((*operation != DELETE).then(|| text(value)))
    };
    let resource = incremental::AlterConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(topic))
        .with_configs(changes.iter().map(change).collect());
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let answer = client.call(1, &request);
    let message = answer.responses[0].error_message.as_ref().map(ToString::to_string);
    (answer.responses[0].error_code, message.unwrap_or_default())
}

#[tokio::test]
async fn settings_are_set_and_deleted_one_by_one() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let topic = cluster.create_topic_with(1, 3, &[("segment.ms", "5000")]);
    assert_eq!(alter(&mut client, &topic, &[(SET, "retention.ms", "1000")]).0, 0);
    eventually("the change is visible", || {
        (value_of(&mut client, &topic, "retention.ms") == "1000").then_some(())
    });
    assert_eq!(value_of(&mut client, &topic, "segment.ms"), "5000", "others stay");
    assert_eq!(described(&mut client, &topic, "retention.ms").config_source, DYNAMIC_TOPIC);
    assert_eq!(alter(&mut client, &topic, &[(DELETE, "retention.ms", "")]).0, 0);
    eventually("the default is back", || {
        (value_of(&mut client, &topic, "retention.ms") == "604800000").then_some(())
    });
    assert_eq!(described(&mut client, &topic, "retention.ms").config_source, DEFAULT);
}

#[tokio::test]
async fn lists_are_appended_to_and_subtracted_from() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let topic = cluster.create_topic(1);
    assert_eq!(alter(&mut client, &topic, &[(APPEND, "cleanup.policy", "compact")]).0, 0);
    eventually("both policies hold", || {
        (value_of(&mut client, &topic, "cleanup.policy") == "delete,compact").then_some(())
    });
    assert_eq!(alter(&mut client, &topic, &[(SUBTRACT, "cleanup.policy", "delete")]).0, 0);
    eventually("one is left", || {
        (value_of(&mut client, &topic, "cleanup.policy") == "compact").then_some(())
    });
    let (error, message) = alter(&mut client, &topic, &[(APPEND, "retention.ms", "1")]);
    assert_eq!(error, INVALID_CONFIG, "{message}");
    assert!(message.contains("Can't APPEND to key retention.ms"), "{message}");
}

#[tokio::test]
async fn a_wrong_change_changes_nothing() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let topic = cluster.create_topic(1);
    for (changes, error) in [
        (vec![(SET, "retention.ms", "soon")], INVALID_CONFIG),
        (vec![(SET, "no.such.setting", "1")], INVALID_CONFIG),
        (vec![(SET, "segment.ms", "7000"), (SET, "cleanup.policy", "burn")], INVALID_CONFIG),
        (vec![(SET, "retention.ms", "1"), (SET, "retention.ms", "2")], INVALID_REQUEST),
        (vec![(9, "retention.ms", "1")], UNKNOWN_SERVER_ERROR),
    ] {
        let (found, message) = alter(&mut client, &topic, &changes);
        assert_eq!(found, error, "{changes:?}: {message}");
    }
    assert_eq!(value_of(&mut client, &topic, "segment.ms"), "604800000");
    let (error, _) = alter(&mut client, &cluster.topic_name(), &[(SET, "retention.ms", "1")]);
    assert_eq!(error, UNKNOWN_TOPIC_OR_PARTITION);
}

/// AlterConfigs, which replaces all of a topic's own settings.
fn replace(client: &mut RawClient, version: i16, topic: &str, setting: (&str, &str)) -> i16 {
    let config = replace::AlterableConfig::default()
        .with_name(text(setting.0))
        .with_value(Some(text(setting.1)));
    let resource = replace::AlterConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(topic))
        .with_configs(vec![config]);
    let request = AlterConfigsRequest::default().with_resources(vec![resource]);
    client.call(version, &request).responses[0].error_code
}

#[tokio::test]
async fn alter_configs_replaces_all_settings() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let topic = cluster.create_topic_with(1, 3, &[("segment.ms", "5000")]);
    for version in 0..=2 {
        let value = (1_000 + i32::from(version)).to_string();
        assert_eq!(replace(&mut client, version, &topic, ("retention.ms", &value)), 0);
        eventually("the change is visible", || {
            (value_of(&mut client, &topic, "retention.ms") == value).then_some(())
        });
        assert_eq!(value_of(&mut client, &topic, "segment.ms"), "604800000", "not named");
    }
}

#[tokio::test]
async fn alter_configs_refuses_what_makes_no_sense() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let topic = cluster.create_topic(1);
    for setting in [("retention.ms", "soon"), ("no.such.setting", "1"), ("cleanup.policy", "burn")]
    {
        assert_eq!(replace(&mut client, 2, &topic, setting), INVALID_CONFIG, "{setting:?}");
    }
    let unknown = cluster.topic_name();
    let error = replace(&mut client, 2, &unknown, ("retention.ms", "1"));
    assert_eq!(error, UNKNOWN_TOPIC_OR_PARTITION);
}

#[tokio::test]
async fn an_unknown_topic_has_no_settings() {
    let cluster = TestCluster::start().await;
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(&cluster.topic_name()))
        .with_configuration_keys(None);
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    for version in 1..=4 {
        let answer = cluster.connect().call(version, &request);
        assert_eq!(answer.results[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
        assert_eq!(answer.results[0].configs, []);
    }
}

#[tokio::test]
async fn a_setting_names_where_its_value_comes_from() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let topic = cluster.create_topic_with(1, 3, &[("retention.ms", "1000")]);
    let set = described(&mut client, &topic, "retention.ms");
    let synonyms: Vec<_> = set
        .synonyms
        .iter()
        .map(|it| (it.name.to_string(), it.value.clone().map(|it| it.to_string()), it.source))
        .collect();
    let own = ("retention.ms".to_owned(), Some("1000".to_owned()), DYNAMIC_TOPIC);
    assert_eq!(synonyms, [own], "no one set log.retention.ms");
    let list = described(&mut client, &topic, "cleanup.policy");
    assert_eq!((list.value.as_deref(), list.config_source), (Some("delete"), DEFAULT));
    const TYPES: [(&str, i8); 5] = [
        ("unclean.leader.election.enable", 1),
        ("compression.type", 2),
        ("min.insync.replicas", 3),
        ("retention.ms", 5),
        ("cleanup.policy", 7),
    ];
    for (name, config_type) in TYPES {
        assert_eq!(described(&mut client, &topic, name).config_type, config_type, "{name}");
    }
}

#[tokio::test]
async fn an_existing_topic_is_not_created_again() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let (error, message) = created(&mut cluster.connect(), &create_topic(&topic, 1, 1, &[]));
    assert_eq!(
        (error, message),
        (TOPIC_ALREADY_EXISTS, format!("Topic '{topic}' already exists."))
    );
}
