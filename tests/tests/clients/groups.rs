//! Consumer groups with librdkafka: who gets what, who leaves, and what is committed.

use rdkafka::Message;
use rdkafka::admin::AdminOptions;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use workshop_tests::batch::Batch;
use workshop_tests::members::{
    TURN, assert_a_static_member_restarts_unnoticed, assignment, balanced,
};
use workshop_tests::requests::{describe_group, produce, produced};
use workshop_tests::{DEADLINE, TestCluster, eventually};

fn subscribed(
    cluster: &TestCluster,
    group: &str,
    topic: &str,
    settings: &[(&str, &str)],
) -> BaseConsumer {
    let consumer = cluster.consumer(group, settings);
    consumer.subscribe(&[topic]).expect("subscribed");
    consumer
}

fn append(cluster: &TestCluster, topic: &str, values: &[&str]) {
    let mut leader = cluster.connect_to_leader(topic, 0);
    let answer = leader.call(9, &produce(topic, 0, -1, Batch::of(values).encode()));
    assert_eq!(produced(&answer).error_code, 0);
}

fn next(consumer: &BaseConsumer) -> i64 {
    let message = eventually("a record arrives", || consumer.poll(TURN));
    let message = message.expect("a record");
    consumer.store_offset_from_message(&message).expect("the partition is this member's");
    message.offset()
}

fn offsets(topic: &str, offset: i64) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(offset)).expect("a valid offset");
    list
}

/// What the group has committed for partition 0.
fn committed(consumer: &BaseConsumer, topic: &str) -> (Offset, String) {
    let asked = offsets(topic, 0);
    let found = consumer.committed_offsets(asked, DEADLINE).expect("an answer");
    let element = &found.elements()[0];
    (element.offset(), element.metadata().to_owned())
}

async fn members_share_with(strategy: &str) {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(6), cluster.group_name());
    let settings = [("partition.assignment.strategy", strategy)];
    let first = subscribed(&cluster, &group, &topic, &settings);
    balanced(&[&first], 6, &[6]);
    let second = subscribed(&cluster, &group, &topic, &settings);
    balanced(&[&first, &second], 6, &[3, 3]);
    let third = subscribed(&cluster, &group, &topic, &settings);
    balanced(&[&first, &second, &third], 6, &[2, 2, 2]);
    drop(second);
    balanced(&[&first, &third], 6, &[3, 3]);
}

#[tokio::test]
async fn members_come_and_go_with_range() {
    members_share_with("range").await;
}

#[tokio::test]
async fn members_come_and_go_with_roundrobin() {
    members_share_with("roundrobin").await;
}

#[tokio::test]
async fn members_come_and_go_with_cooperative_sticky() {
    members_share_with("cooperative-sticky").await;
}

#[tokio::test]
async fn more_members_than_partitions_leaves_some_without() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(2), cluster.group_name());
    let members: Vec<_> = (0..3).map(|_| subscribed(&cluster, &group, &topic, &[])).collect();
    let members: Vec<_> = members.iter().collect();
    balanced(&members, 2, &[0, 1, 1]);
}

#[tokio::test]
async fn a_member_that_dies_is_replaced_after_its_session() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(2), cluster.group_name());
    let staying = subscribed(&cluster, &group, &topic, &[]);
    // A static member does not say goodbye when it is closed, as if it had crashed.
    let dying = subscribed(&cluster, &group, &topic, &[("group.instance.id", "dying")]);
    balanced(&[&staying, &dying], 2, &[1, 1]);
    drop(dying);
    balanced(&[&staying], 2, &[2]);
}

#[tokio::test]
async fn a_static_member_restarts_without_a_rebalance() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(2), cluster.group_name());
    assert_a_static_member_restarts_unnoticed(&topic, |instance| {
        cluster.consumer_config(&group, &[("group.instance.id", instance)])
    });
}

#[tokio::test]
async fn a_second_member_with_the_same_instance_id_fences_the_first() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    let settings = [("group.instance.id", "one")];
    let first = subscribed(&cluster, &group, &topic, &settings);
    balanced(&[&first], 1, &[1]);
    let second = subscribed(&cluster, &group, &topic, &settings);
    eventually("the first stays fenced", || {
        let _ = second.poll(TURN);
        let _ = first.poll(TURN);
        first.client().fatal_error().filter(|it| it.0 == RDKafkaErrorCode::FencedInstanceId)
    });
    eventually("the second works on", || {
        let _ = second.poll(TURN);
        (assignment(&second) == [0]).then_some(())
    });
}

#[tokio::test]
async fn a_group_resumes_where_it_committed() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    append(&cluster, &topic, &["a", "b", "c"]);
    let first = subscribed(&cluster, &group, &topic, &[]);
    assert_eq!((next(&first), next(&first)), (0, 1));
    first.commit_consumer_state(CommitMode::Sync).expect("committed");
    drop(first);
    let second = subscribed(&cluster, &group, &topic, &[]);
    assert_eq!(next(&second), 2);
}

#[tokio::test]
async fn without_a_commit_a_group_starts_again() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    append(&cluster, &topic, &["a", "b"]);
    let first = subscribed(&cluster, &group, &topic, &[]);
    assert_eq!((next(&first), next(&first)), (0, 1));
    drop(first);
    assert_eq!(next(&subscribed(&cluster, &group, &topic, &[])), 0);
}

#[tokio::test]
async fn groups_read_and_commit_independently() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    append(&cluster, &topic, &["a", "b", "c"]);
    for offset in [1, 2, 3] {
        let consumer = cluster.consumer(&cluster.group_name(), &[]);
        consumer.assign(&offsets(&topic, 0)).expect("assigned");
        assert_eq!(next(&consumer), 0);
        assert_eq!(committed(&consumer, &topic).0, Offset::Invalid);
        consumer.commit(&offsets(&topic, offset), CommitMode::Sync).expect("committed");
        assert_eq!(committed(&consumer, &topic).0, Offset::Offset(offset));
    }
}

#[tokio::test]
async fn a_commit_keeps_its_metadata() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let consumer = cluster.consumer(&cluster.group_name(), &[]);
    let list = offsets(&topic, 0);
    let mut element = list.find_partition(&topic, 0).expect("just added");
    element.set_metadata("from the dry run");
    consumer.commit(&list, CommitMode::Sync).expect("committed");
    assert_eq!(committed(&consumer, &topic), (Offset::Offset(0), "from the dry run".to_owned()));
}

#[tokio::test]
async fn a_commit_for_an_unknown_partition_is_refused() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let consumer = cluster.consumer(&cluster.group_name(), &[]);
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic, 7, Offset::Offset(1)).expect("a valid offset");
    let refused = consumer.commit(&list, CommitMode::Sync).expect_err("no such partition");
    let code = refused.rdkafka_error_code();
    assert_eq!(code, Some(RDKafkaErrorCode::UnknownTopicOrPartition));
}

#[tokio::test]
async fn an_outsider_cannot_commit_for_a_group_with_members() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    let member = subscribed(&cluster, &group, &topic, &[]);
    balanced(&[&member], 1, &[1]);
    let outsider = cluster.consumer(&group, &[]);
    let refused = outsider.commit(&offsets(&topic, 1), CommitMode::Sync);
    let code = refused.expect_err("refused").rdkafka_error_code();
    assert_eq!(code, Some(RDKafkaErrorCode::UnknownMemberId));
    member.commit(&offsets(&topic, 1), CommitMode::Sync).expect("the member may");
}

#[tokio::test]
async fn offsets_are_gone_with_the_topic() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    append(&cluster, &topic, &["a", "b"]);
    let consumer = cluster.consumer(&cluster.group_name(), &[]);
    consumer.commit(&offsets(&topic, 2), CommitMode::Sync).expect("committed");
    assert_eq!(committed(&consumer, &topic).0, Offset::Offset(2));
    cluster.admin().delete_topics(&[&topic], &AdminOptions::new()).await.expect("an answer");
    eventually("the offset is gone", || {
        (committed(&consumer, &topic).0 == Offset::Invalid).then_some(())
    });
}

#[tokio::test]
async fn a_group_is_listed_with_its_members() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(2), cluster.group_name());
    let settings = [("client.id", "reader"), ("partition.assignment.strategy", "range")];
    let member = subscribed(&cluster, &group, &topic, &settings);
    balanced(&[&member], 2, &[2]);
    let listed = member.fetch_group_list(Some(&group), DEADLINE).expect("an answer");
    let found = &listed.groups()[0];
    assert_eq!(found.name(), group);
    assert_eq!((found.state(), found.protocol_type()), ("Stable", "consumer"));
    assert_eq!(found.protocol(), "range");
    assert_eq!(found.members().len(), 1);
    assert_eq!(found.members()[0].client_id(), "reader");
    assert!(found.members()[0].id().starts_with("reader-"));
    let all = member.fetch_group_list(None, DEADLINE).expect("an answer");
    assert!(all.groups().iter().any(|it| it.name() == group));
}

#[tokio::test]
async fn a_group_is_deleted_only_when_it_has_no_members() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    let member = subscribed(&cluster, &group, &topic, &[]);
    balanced(&[&member], 1, &[1]);
    member.commit(&offsets(&topic, 1), CommitMode::Sync).expect("committed");
    let admin = cluster.admin();
    let delete = async || {
        let answer = admin.delete_groups(&[&group], &AdminOptions::new()).await;
        answer.expect("an answer").remove(0)
    };
    assert_eq!(delete().await, Err((group.clone(), RDKafkaErrorCode::NonEmptyGroup)));
    drop(member);
    let mut coordinator = cluster.connect_to_coordinator(&group);
    eventually("the group is empty", || {
        let answer = coordinator.call(5, &describe_group(&group));
        (answer.groups[0].group_state.as_str() == "Empty").then_some(())
    });
    assert_eq!(delete().await, Ok(group.clone()));
    assert_eq!(delete().await, Err((group.clone(), RDKafkaErrorCode::GroupIdNotFound)));
}
