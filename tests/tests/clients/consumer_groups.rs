//! Groups of the consumer protocol (KIP-848) with librdkafka: `group.protocol=consumer`.

use std::collections::BTreeMap;

use kafka_protocol::messages::{ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Message};
use workshop_tests::batch::Batch;
use workshop_tests::members::{
    TURN, assert_a_static_member_restarts_unnoticed, assignment, balanced,
};
use workshop_tests::requests::{group_id, produce, produced, text, topic_name};
use workshop_tests::{HostedCluster, TestCluster, eventually};

const HOST: &str = env!("CARGO_BIN_EXE_cluster-host");

/// The settings of a member. Timeouts and assignors are the coordinator's in this protocol.
fn settings(cluster: &TestCluster, group: &str, more: &[(&str, &str)]) -> ClientConfig {
    let mut config = cluster.client_config(&[
        ("group.protocol", "consumer"),
        ("group.id", group),
        ("auto.offset.reset", "earliest"),
        // A consumer that is dropped throws away what it has fetched, which must not count as read.
        ("enable.auto.offset.store", "false"),
        ("fetch.wait.max.ms", "100"),
    ]);
    for (name, value) in more {
        config.set(*name, *value);
    }
    config
}

fn member(cluster: &TestCluster, group: &str, topic: &str, more: &[(&str, &str)]) -> BaseConsumer {
    let consumer: BaseConsumer =
        settings(cluster, group, more).create().expect("the settings are valid");
    consumer.subscribe(&[topic]).expect("subscribed");
    consumer
}

fn append(cluster: &TestCluster, topic: &str, partition: i32, values: &[&str]) {
    let mut leader = cluster.connect_to_leader(topic, partition);
    let answer = leader.call(9, &produce(topic, partition, -1, Batch::of(values).encode()));
    assert_eq!(produced(&answer).error_code, 0);
}

async fn members_share_with(assignor: &str) {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(6), cluster.group_name());
    let start = || member(&cluster, &group, &topic, &[("group.remote.assignor", assignor)]);
    let first = start();
    balanced(&[&first], 6, &[6]);
    let second = start();
    balanced(&[&first, &second], 6, &[3, 3]);
    let third = start();
    balanced(&[&first, &second, &third], 6, &[2, 2, 2]);
    drop(second);
    balanced(&[&first, &third], 6, &[3, 3]);
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(&group)]);
    let described = cluster.connect_to_coordinator(&group).call(1, &request).groups.remove(0);
    assert_eq!((&*described.assignor_name, described.members.len()), (assignor, 2));
}

#[tokio::test]
async fn members_come_and_go_with_uniform() {
    members_share_with("uniform").await;
}

#[tokio::test]
async fn members_come_and_go_with_range() {
    members_share_with("range").await;
}

#[tokio::test]
async fn a_rebalance_while_reading_loses_nothing() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(6), cluster.group_name());
    let mut seen = BTreeMap::<String, usize>::new();
    let mut read = |members: &[&BaseConsumer]| {
        for member in members {
            if let Some(message) = member.poll(TURN) {
                let message = message.expect("a record");
                let value = message.payload_view::<str>().expect("a value").expect("text");
                // What was taken from the member meanwhile, the next owner reads again.
                let _ = member.store_offset_from_message(&message);
                *seen.entry(value.to_owned()).or_default() += 1;
            }
        }
        seen.len()
    };
    let mut round = 0;
    let mut write = || {
        for partition in 0..6 {
            let values = (0..20).map(|number| format!("{round}/{partition}/{number}"));
            let values = values.collect::<Vec<_>>();
            let values = values.iter().map(String::as_str).collect::<Vec<_>>();
            append(&cluster, &topic, partition, &values);
        }
        round += 1;
    };
    let first = member(&cluster, &group, &topic, &[]);
    write();
    eventually("the first member reads", || (read(&[&first]) >= 60).then_some(()));
    let second = member(&cluster, &group, &topic, &[]);
    write();
    eventually("the second member reads, too", || {
        read(&[&first, &second]);
        (assignment(&second).len() == 3 && assignment(&first).len() == 3).then_some(())
    });
    write();
    eventually("both have read more", || (read(&[&first, &second]) >= 300).then_some(()));
    drop(first);
    eventually("all is read", || (read(&[&second]) == 360).then_some(()));
    second.commit_consumer_state(CommitMode::Sync).expect("committed");
    drop(second);
    // What was committed is behind the group: the next member finds only what is new.
    let third = member(&cluster, &group, &topic, &[]);
    append(&cluster, &topic, 0, &["new"]);
    let message = eventually("the new record is read", || third.poll(TURN));
    let message = message.expect("a record");
    assert_eq!(message.payload(), Some(b"new".as_slice()));
    // Partitions change hands with their offsets committed, so that few records come twice.
    let twice = seen.values().filter(|count| **count > 1).count();
    assert!(twice <= 120, "{twice} of 360 records were read more than once");
}

#[tokio::test]
async fn a_static_member_restarts_without_a_rebalance() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(2), cluster.group_name());
    assert_a_static_member_restarts_unnoticed(&topic, |instance| {
        settings(&cluster, &group, &[("group.instance.id", instance)])
    });
}

#[tokio::test]
async fn a_second_member_with_the_same_instance_id_is_rejected_while_the_first_lives() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    let start = || member(&cluster, &group, &topic, &[("group.instance.id", "one")]);
    let first = start();
    balanced(&[&first], 1, &[1]);
    let second = start();
    eventually("the second has a fatal error", || {
        let _ = (first.poll(TURN), second.poll(TURN));
        let error = second.client().fatal_error()?.0;
        assert_eq!(error, RDKafkaErrorCode::UnreleasedInstanceId);
        Some(())
    });
    drop(second);
    append(&cluster, &topic, 0, &["for the first"]);
    let message = eventually("the first works on", || first.poll(TURN)).expect("a record");
    assert_eq!(message.payload(), Some(b"for the first".as_slice()));
    assert!(first.client().fatal_error().is_none());
}

#[tokio::test]
async fn a_member_that_dies_while_it_is_to_give_up_is_replaced() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(2), cluster.group_name());
    let mut coordinator = cluster.connect_to_coordinator(&group);
    let beat = |epoch| {
        ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group_id(&group))
            .with_member_id(text("dying"))
            .with_member_epoch(epoch)
            .with_rebalance_timeout_ms(-1)
    };
    let joins = beat(0)
        .with_rebalance_timeout_ms(1_000)
        .with_subscribed_topic_names(Some(vec![topic_name(&topic)]))
        .with_topic_partitions(Some(vec![]));
    // A coordinator that learns of the topic late has counted an epoch more by then.
    let epoch = eventually("it has both partitions", || {
        let answer = coordinator.call(1, &joins);
        let assigned = answer.assignment?.topic_partitions;
        let has_both = assigned.first().is_some_and(|it| it.partitions.len() == 2);
        has_both.then_some(answer.member_epoch)
    });
    let staying = member(&cluster, &group, &topic, &[]);
    eventually("it has to give one up", || {
        let _ = staying.poll(TURN);
        coordinator.call(1, &beat(epoch)).assignment
    });
    balanced(&[&staying], 2, &[2]);
}

#[tokio::test]
async fn a_group_goes_on_where_it_was_when_its_cluster_was_killed() {
    let mut host = HostedCluster::start_new(HOST, 3);
    let cluster = host.client();
    let (topic, group) = (cluster.create_topic(4), cluster.group_name());
    let members = [member(cluster, &group, &topic, &[]), member(cluster, &group, &topic, &[])];
    let before = balanced(&[&members[0], &members[1]], 4, &[2, 2]);
    let described = |cluster: &TestCluster| {
        let request =
            ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(&group)]);
        cluster.connect_to_coordinator(&group).call(1, &request).groups.remove(0)
    };
    let group_before = eventually("the group is stable", || {
        let found = described(cluster);
        (found.group_state.as_str() == "Stable").then_some(found)
    });
    host.kill();
    host.start();
    assert_eq!(described(host.client()), group_before);
    append(host.client(), &topic, 0, &["after the kill"]);
    eventually("a member reads on", || {
        let read = members.iter().filter_map(|it| it.poll(TURN)).filter_map(Result::ok);
        read.count().checked_sub(1)
    });
    assert_eq!(balanced(&[&members[0], &members[1]], 4, &[2, 2]), before);
    assert_eq!(described(host.client()).group_epoch, group_before.group_epoch);
}

/// A classic group is taken over by the consumer protocol, member by member, while records are
/// read.
#[tokio::test]
async fn a_group_changes_its_protocol_member_by_member_and_reads_on() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(6), cluster.group_name());
    let classic = [
        ("group.protocol", "classic"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("heartbeat.interval.ms", "500"),
        ("session.timeout.ms", "6000"),
    ];
    let (mut seen, mut written) = (BTreeMap::<String, usize>::new(), 0);
    // What is read while the members change, until each has its share and all of it has come.
    let mut reads_on = |members: &[&BaseConsumer], shares: &[usize]| {
        for partition in 0..6 {
            let values = (0..10).map(|number| format!("{written}/{partition}/{number}"));
            let values = values.collect::<Vec<_>>();
            let values = values.iter().map(String::as_str).collect::<Vec<_>>();
            append(&cluster, &topic, partition, &values);
        }
        written += 60;
        eventually("each has its share, and all is read", || {
            for member in members {
                if let Some(message) = member.poll(TURN) {
                    let message = message.expect("a record");
                    let value = message.payload_view::<str>().expect("a value").expect("text");
                    *seen.entry(value.to_owned()).or_default() += 1;
                    let _ = member.commit_message(&message, CommitMode::Async);
                }
            }
            let mut sizes = members.iter().map(|it| assignment(it).len()).collect::<Vec<_>>();
            sizes.sort_unstable();
            (sizes == shares && seen.len() == written).then_some(())
        });
    };
    let first = member(&cluster, &group, &topic, &classic);
    reads_on(&[&first], &[6]);
    let second = member(&cluster, &group, &topic, &[]);
    reads_on(&[&first, &second], &[3, 3]);
    let kind = |cluster: &TestCluster| {
        let request =
            ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(&group)]);
        let group = cluster.connect_to_coordinator(&group).call(1, &request).groups.remove(0);
        let mut types = group.members.iter().map(|it| it.member_type).collect::<Vec<_>>();
        types.sort_unstable();
        types
    };
    assert_eq!(
        kind(&cluster),
        [0, 1],
        "one of the classic protocol next to one of the consumer protocol"
    );
    let third = member(&cluster, &group, &topic, &classic);
    reads_on(&[&first, &second, &third], &[2, 2, 2]);
    drop(second);
    reads_on(&[&first, &third], &[3, 3]);
    assert_eq!(kind(&cluster), [0i8; 0], "a classic group again");
    // What was read and not committed when its partition moved may come again.
    let twice = seen.values().filter(|count| **count > 1).count();
    assert!(twice <= 60, "{twice} of {} records were read more than once", seen.len());
}

#[tokio::test]
async fn a_regular_expression_finds_its_topics() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(2), cluster.group_name());
    let pattern = format!("^{}.*", &topic[..topic.len() - 4]);
    let reader = member(&cluster, &group, &pattern, &[]);
    balanced(&[&reader], 2, &[2]);
    let list = reader.assignment().expect("an assignment");
    assert!(list.elements().iter().all(|it| it.topic() == topic));
}
