//! What clients and administrators see while a node is down or a coordinator's topic is deleted,
//! and what those see who watch the wire.

use std::time::{Duration, Instant};

use embedded_kafka::Event;
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::{DescribeClusterRequest, DescribeQuorumRequest};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::FutureRecord;
use workshop_tests::disturbed::Disturbed;
use workshop_tests::requests::{commit, delete_topic, text, topic_name};
use workshop_tests::{DEADLINE, eventually};

const CONSUMER_OFFSETS: &str = "__consumer_offsets";

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_commit_is_seen_by_who_watches_the_wire() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[]);
    let group = cluster.clients.group_name();
    let mut coordinator = cluster.clients.connect_to_coordinator(&group);
    let mut events = cluster.switchboard.events();
    let request = commit(&group, &topic, 0, 7, "")
        .with_member_id(text("stranger"))
        .with_generation_id_or_member_epoch(3);
    let answer = coordinator.call(8, &request).topics.remove(0).partitions.remove(0);
    assert_eq!(answer.error_code, 22);
    let line = loop {
        let event = tokio::time::timeout(DEADLINE, events.recv()).await.expect("in time");
        let event = event.expect("the cluster runs");
        if matches!(&event, Event::ResponseSent { api: "OffsetCommit", .. }) {
            break event.to_string();
        }
    };
    let expected = format!(
        "OffsetCommit v8 group {group} {topic}/0=7 -> IllegalGeneration (22), member stranger, \
         generation or epoch 3 ("
    );
    assert!(line.contains(&expected), "{line}");
}

/// How many changes each voter has, by its id, as the first node that answers tells.
fn quorum(cluster: &Disturbed) -> (i32, Vec<(i32, i64)>) {
    let topic = TopicData::default()
        .with_topic_name(topic_name("__cluster_metadata"))
        .with_partitions(vec![PartitionData::default()]);
    let request = DescribeQuorumRequest::default().with_topics(vec![topic]);
    let answer = cluster.any_node().call(2, &request).topics.remove(0).partitions.remove(0);
    let voters = answer.current_voters.iter();
    (answer.leader_id.0, voters.map(|it| (it.replica_id.0, it.log_end_offset)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_down_is_fenced_and_falls_behind_in_the_quorum() {
    let cluster = Disturbed::start().await;
    cluster.switchboard.kill_node(1).await.expect("it runs");
    let request = DescribeClusterRequest::default().with_include_fenced_brokers(true);
    let fenced = eventually("the node is missed", || {
        let answer = cluster.any_node().call(2, &request);
        assert_eq!(answer.brokers.len(), 3);
        let fenced = answer.brokers.iter().filter(|it| it.is_fenced).map(|it| it.broker_id.0);
        Some(fenced.collect::<Vec<i32>>()).filter(|it| !it.is_empty())
    });
    assert_eq!(fenced, [1]);
    let listed = cluster.any_node().call(2, &DescribeClusterRequest::default()).brokers;
    assert_eq!(listed.len(), 2, "who does not ask for them is not told of them");
    cluster.topic_on(&[2, 3], &[]);
    let (leader, voters) = quorum(&cluster);
    assert_eq!(leader, 2);
    let end = |id: i32| voters.iter().find(|it| it.0 == id).expect("it votes").1;
    assert!(end(1) < end(2) && end(2) == end(3), "{voters:?}");
    cluster.switchboard.start_node(1).await.expect("it is down");
    let (_, voters) = quorum(&cluster);
    assert!(voters.iter().all(|it| it.1 == voters[0].1), "{voters:?}");
}

/// Reads until the group has committed what is behind `end`.
fn read_up_to(consumer: &BaseConsumer, end: i64) {
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < DEADLINE, "{end} is not committed");
        let Some(Ok(record)) = consumer.poll(Duration::from_millis(100)) else {
            continue;
        };
        // A commit that the next coordinator refuses is tried again with the record, which comes
        // again after the member has joined.
        let is_committed = consumer.commit_message(&record, CommitMode::Sync).is_ok();
        if is_committed && record.offset() + 1 >= end {
            return;
        }
    }
}

/// One of the classic protocol. With `group.protocol=consumer` librdkafka 2.12 does not join a
/// group again that is gone, on Apache Kafka either.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_joins_again_after_the_topic_of_its_group_was_deleted() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[]);
    let group = cluster.clients.group_name();
    let producer = cluster.clients.producer(&[]);
    let send = async |value: &str| {
        let record = FutureRecord::<(), str>::to(&topic).payload(value);
        producer.send(record, DEADLINE).await.map_err(|(error, _)| error).expect("sent");
    };
    let settings = [("auto.offset.reset", "earliest"), ("enable.auto.commit", "false")];
    let consumer = cluster.clients.consumer(&group, &settings);
    consumer.subscribe(&[&topic]).expect("a valid name");
    send("one").await;
    read_up_to(&consumer, 1);
    let deleted = cluster.any_node().call(5, &delete_topic(CONSUMER_OFFSETS));
    assert_eq!(deleted.responses[0].error_code, 0);
    send("two").await;
    read_up_to(&consumer, 2);
}
