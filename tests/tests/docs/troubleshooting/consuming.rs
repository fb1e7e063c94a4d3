//! Consumers that poll too late, or read and commit what is not there.

use std::time::{Duration, Instant};

use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use workshop_tests::requests::describe_group;
use workshop_tests::{TestCluster, eventually};

use super::librdkafka::{TURN, member, next_error, next_offset, write};

pub(super) async fn a_forgotten_poll() -> String {
    let builder = embedded_kafka::Cluster::builder().set("group.min.session.timeout.ms", "1000");
    let embedded = builder.start().await.expect("the cluster starts");
    let cluster = TestCluster::at(embedded.bootstrap_servers());
    let (topic, group) = (cluster.create_topic_with(1, 1, &[]), cluster.group_name());
    write(&cluster, &topic, &["AMS"]).await;
    // librdkafka sends heartbeats a second late at times, so the session is longer than that.
    let short = [("session.timeout.ms", "2000"), ("max.poll.interval.ms", "2000")];
    let consumer = cluster.consumer(&group, &short);
    consumer.subscribe(&[&topic]).expect("subscribed");
    next_offset(&consumer);
    // The program works on the record for too long. librdkafka looks every 500 ms.
    let (start, too_long) = (Instant::now(), Duration::from_millis(2_600));
    let mut coordinator = cluster.connect_to_coordinator(&group);
    eventually("the member has left its group", || {
        let group = &coordinator.call(5, &describe_group(&group)).groups[0];
        (group.members.is_empty() && start.elapsed() > too_long).then_some(())
    });
    next_error(&consumer).to_string()
}

/// With every other policy the consumer goes to the beginning or to the end instead.
pub(super) async fn an_offset_that_is_no_longer_there() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    let topic = cluster.create_topic_with(1, 1, &[]);
    let strict = [("auto.offset.reset", "error")];
    let errors = [Offset::Offset(1_000), Offset::Stored].map(|start| {
        let consumer = cluster.consumer(&cluster.group_name(), &strict);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, 0, start).expect("it is an offset");
        consumer.assign(&list).expect("assigned");
        next_error(&consumer).to_string()
    });
    assert_eq!(errors[0], errors[1], "no committed offset, and one outside of the log");
    errors[0].clone()
}

pub(super) async fn a_commit_without_stored_offsets() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    let topic = cluster.create_topic_with(1, 1, &[]);
    write(&cluster, &topic, &["AMS"]).await;
    let consumer = cluster.consumer(&cluster.group_name(), &[]);
    consumer.subscribe(&[&topic]).expect("subscribed");
    next_offset(&consumer);
    let committed = consumer.commit_consumer_state(CommitMode::Sync);
    committed.expect_err("nothing was stored").to_string()
}

pub(super) async fn a_stored_offset_of_a_lost_partition() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    let topic = cluster.create_topic_with(1, 1, &[]);
    let consumer = member(&cluster, &cluster.group_name(), &topic);
    consumer.unsubscribe();
    eventually("the consumer has given up its partitions", || {
        let _ = consumer.poll(TURN);
        (consumer.assignment().ok()?.count() == 0).then_some(())
    });
    consumer.store_offset(&topic, 0, 0).expect_err("it is not assigned").to_string()
}

pub(super) async fn a_consumer_without_a_group() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    let created = cluster.client_config(&[]).create::<rdkafka::consumer::BaseConsumer>();
    let subscribed = created.and_then(|consumer| consumer.subscribe(&["airports"]));
    subscribed.expect_err("there is no group to join").to_string()
}
