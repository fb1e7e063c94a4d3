//! Topics as librdkafka creates, changes and deletes them.

use std::collections::HashSet;

use rdkafka::admin::{AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::FutureRecord;
use rdkafka::types::RDKafkaRespErr;
use workshop_tests::requests::metadata;
use workshop_tests::{DEADLINE, TestCluster, eventually};

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(DEADLINE)).operation_timeout(Some(DEADLINE))
}

/// Asks for one topic; the error where the cluster refuses.
async fn create(cluster: &TestCluster, topic: NewTopic<'_>) -> Result<(), RDKafkaErrorCode> {
    let answer = cluster.admin().create_topics([&topic], &options()).await.expect("an answer");
    answer[0].clone().map(drop).map_err(|(_, code)| code)
}

/// How many partitions the first node knows of a topic that exists.
fn partitions(cluster: &TestCluster, topic: &str) -> Option<usize> {
    let answer = cluster.connect().call(12, &metadata(&[topic]));
    (answer.topics[0].error_code == 0).then(|| answer.topics[0].partitions.len())
}

#[tokio::test]
async fn a_topic_has_the_partitions_and_replicas_asked_for() {
    let cluster = TestCluster::start().await;
    let name = cluster.topic_name();
    create(&cluster, NewTopic::new(&name, 6, TopicReplication::Fixed(2))).await.expect("created");
    cluster.wait_for_leaders(&name, 6);
    let consumer = cluster.consumer(&cluster.group_name(), &[]);
    let known = consumer.fetch_metadata(Some(&name), DEADLINE).expect("an answer");
    assert_eq!(known.brokers().len(), 3);
    let partitions = known.topics()[0].partitions();
    assert_eq!(partitions.len(), 6);
    for partition in partitions {
        assert_eq!((partition.replicas().len(), partition.isr().len()), (2, 2));
        assert!(partition.replicas().contains(&partition.leader()));
    }
    let leaders: HashSet<_> =
        partitions.iter().map(rdkafka::metadata::MetadataPartition::leader).collect();
    assert_eq!(leaders.len(), 3, "every node leads some");
}

#[tokio::test]
async fn an_explicit_assignment_is_kept() {
    let cluster = TestCluster::start().await;
    let name = cluster.topic_name();
    let assignment: &[&[i32]] = &[&[2, 1], &[3, 2]];
    let topic = NewTopic::new(&name, 2, TopicReplication::Variable(assignment));
    create(&cluster, topic).await.expect("created");
    cluster.wait_for_leaders(&name, 2);
    let answer = cluster.connect().call(12, &metadata(&[&name]));
    for partition in &answer.topics[0].partitions {
        let replicas: Vec<_> = partition.replica_nodes.iter().map(|it| it.0).collect();
        assert_eq!(replicas, assignment[partition.partition_index as usize]);
    }
}

#[tokio::test]
async fn a_topic_cannot_be_created_twice() {
    let cluster = TestCluster::start().await;
    let name = cluster.create_topic(1);
    let again = create(&cluster, NewTopic::new(&name, 1, TopicReplication::Fixed(1))).await;
    assert_eq!(again, Err(RDKafkaErrorCode::TopicAlreadyExists));
}

#[tokio::test]
async fn names_that_no_topic_can_have_are_refused() {
    let cluster = TestCluster::start().await;
    let too_long = "x".repeat(250);
    for name in ["with space", "sla/sh", "umläut", ".", "..", "", too_long.as_str()] {
        let answer = create(&cluster, NewTopic::new(name, 1, TopicReplication::Fixed(1))).await;
        assert_eq!(answer, Err(RDKafkaErrorCode::InvalidTopic), "{name:?}");
    }
}

#[tokio::test]
async fn a_name_of_249_characters_is_a_topic() {
    let cluster = TestCluster::start().await;
    let name = format!("{}{}", cluster.topic_name(), "x".repeat(249 - 37));
    assert_eq!(name.len(), 249);
    create(&cluster, NewTopic::new(&name, 1, TopicReplication::Fixed(1))).await.expect("created");
    let deleted = cluster.admin().delete_topics(&[&name], &options()).await.expect("an answer");
    assert_eq!(deleted[0], Ok(name));
}

#[tokio::test]
async fn more_replicas_than_nodes_are_refused() {
    let cluster = TestCluster::start().await;
    let name = cluster.topic_name();
    let answer = create(&cluster, NewTopic::new(&name, 1, TopicReplication::Fixed(4))).await;
    assert_eq!(answer, Err(RDKafkaErrorCode::InvalidReplicationFactor));
    assert_eq!(partitions(&cluster, &name), None);
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let cluster = TestCluster::start().await;
    let name = cluster.topic_name();
    for (key, value) in [
        ("no.such.setting", "1"),
        ("retention.ms", "soon"),
        ("retention.ms", "-2"),
        ("cleanup.policy", "burn"),
        ("compression.type", "best"),
        ("segment.bytes", "1024"),
        ("min.insync.replicas", "0"),
        ("message.timestamp.type", "Never"),
        ("max.message.bytes", "-1"),
        ("unclean.leader.election.enable", "perhaps"),
    ] {
        let topic = NewTopic::new(&name, 1, TopicReplication::Fixed(1)).set(key, value);
        let answer = create(&cluster, topic).await;
        assert_eq!(answer, Err(RDKafkaErrorCode::InvalidConfig), "{key}={value}");
    }
}

#[tokio::test]
async fn validate_only_creates_nothing_but_finds_what_is_wrong() {
    let cluster = TestCluster::start().await;
    let admin = cluster.admin();
    let name = cluster.topic_name();
    let good = NewTopic::new(&name, 1, TopicReplication::Fixed(1));
    let answer = admin.create_topics([&good], &options().validate_only(true)).await;
    assert_eq!(answer.expect("an answer"), [Ok(name.clone())]);
    let bad = NewTopic::new(&name, 1, TopicReplication::Fixed(9));
    let answer = admin.create_topics([&bad], &options().validate_only(true)).await;
    let error = (name.clone(), RDKafkaErrorCode::InvalidReplicationFactor);
    assert_eq!(answer.expect("an answer"), [Err(error)]);
    assert_eq!(partitions(&cluster, &name), None);
}

#[tokio::test]
async fn one_bad_topic_does_not_spoil_the_others() {
    let cluster = TestCluster::start().await;
    let (good, bad) = (cluster.topic_name(), cluster.topic_name());
    let topics = [
        NewTopic::new(&good, 1, TopicReplication::Fixed(1)),
        NewTopic::new(&bad, 1, TopicReplication::Fixed(9)),
    ];
    let answer = cluster.admin().create_topics(&topics, &options()).await.expect("an answer");
    assert!(answer.contains(&Ok(good)));
    assert!(answer.contains(&Err((bad, RDKafkaErrorCode::InvalidReplicationFactor))));
}

#[tokio::test]
async fn a_deleted_topic_is_gone_and_cannot_be_deleted_again() {
    let cluster = TestCluster::start().await;
    let name = cluster.create_topic(1);
    let admin = cluster.admin();
    let answer = admin.delete_topics(&[&name], &options()).await.expect("an answer");
    assert_eq!(answer, [Ok(name.clone())]);
    eventually("the topic is gone", || partitions(&cluster, &name).is_none().then_some(()));
    let again = admin.delete_topics(&[&name], &options()).await.expect("an answer");
    assert_eq!(again, [Err((name, RDKafkaErrorCode::UnknownTopicOrPartition))]);
}

#[tokio::test]
async fn partitions_are_added_but_never_taken_away() {
    let cluster = TestCluster::start().await;
    let name = cluster.create_topic(2);
    let admin = cluster.admin();
    let grown = admin.create_partitions([&NewPartitions::new(&name, 4)], &options()).await;
    assert_eq!(grown.expect("an answer"), [Ok(name.clone())]);
    eventually("four partitions", || (partitions(&cluster, &name) == Some(4)).then_some(()));
    for count in [4, 1] {
        let answer = admin.create_partitions([&NewPartitions::new(&name, count)], &options()).await;
        let error = (name.clone(), RDKafkaErrorCode::InvalidPartitions);
        assert_eq!(answer.expect("an answer"), [Err(error)], "{count} partitions");
    }
}

#[tokio::test]
async fn added_partitions_go_where_they_are_assigned() {
    let cluster = TestCluster::start().await;
    let name = cluster.create_topic_with(1, 1, &[]);
    let assignment: &[&[i32]] = &[&[2]];
    let more = NewPartitions::new(&name, 2).assign(assignment);
    let answer = cluster.admin().create_partitions([&more], &options()).await;
    assert_eq!(answer.expect("an answer"), [Ok(name.clone())]);
    cluster.wait_for_leaders(&name, 2);
    let answer = cluster.connect().call(12, &metadata(&[&name]));
    let added = answer.topics[0].partitions.iter().find(|it| it.partition_index == 1);
    assert_eq!(added.map(|it| it.leader_id.0), Some(2));
}

#[tokio::test]
async fn producing_creates_the_topic() {
    let cluster = TestCluster::start().await;
    let name = cluster.topic_name();
    let producer = cluster.producer(&[]);
    let record = FutureRecord::<str, str>::to(&name).payload("first");
    let delivered = producer.send(record, DEADLINE).await.expect("delivered");
    assert_eq!((delivered.partition, delivered.offset), (0, 0));
}

#[tokio::test]
async fn a_consumers_metadata_creates_no_topic() {
    let cluster = TestCluster::start().await;
    let name = cluster.topic_name();
    let consumer = cluster.consumer(&cluster.group_name(), &[]);
    for _ in 0..2 {
        let known = consumer.fetch_metadata(Some(&name), DEADLINE).expect("an answer");
        let unknown = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        assert_eq!(known.topics()[0].error(), Some(unknown));
    }
    assert_eq!(partitions(&cluster, &name), None);
}

#[tokio::test]
async fn a_topic_created_again_is_empty() {
    let cluster = TestCluster::start().await;
    let name = cluster.create_topic(1);
    let send = async |value: &str| {
        let record = FutureRecord::<str, str>::to(&name).payload(value);
        cluster.producer(&[]).send(record, DEADLINE).await.expect("delivered").offset
    };
    assert_eq!((send("a").await, send("b").await), (0, 1));
    let id = cluster.connect().call(12, &metadata(&[&name])).topics[0].topic_id;
    cluster.admin().delete_topics(&[&name], &options()).await.expect("an answer");
    eventually("the topic is gone", || partitions(&cluster, &name).is_none().then_some(()));
    create(&cluster, NewTopic::new(&name, 1, TopicReplication::Fixed(3))).await.expect("created");
    cluster.wait_for_leaders(&name, 1);
    assert_ne!(cluster.connect().call(12, &metadata(&[&name])).topics[0].topic_id, id);
    assert_eq!(send("c").await, 0, "offsets start again");
}

#[tokio::test]
async fn the_cluster_has_an_id() {
    let cluster = TestCluster::start().await;
    let id = cluster.admin().inner().fetch_cluster_id(DEADLINE);
    assert!(id.is_some_and(|it| !it.is_empty()));
}
