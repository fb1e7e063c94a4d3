//! Several programs in one group.

use embedded_kafka::{ApiKey, ResponseError};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use workshop_tests::{TestCluster, eventually};

use super::librdkafka::{TURN, member, next_error};

fn commit(consumer: &BaseConsumer, topic: &str) -> String {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(1)).expect("it is an offset");
    consumer.commit(&list, CommitMode::Sync).expect_err("it is rejected").to_string()
}

/// The outsider has never joined. A member that was removed gets the same response.
pub(super) async fn a_commit_from_outside_the_group() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    let (topic, group) = (cluster.create_topic_with(1, 1, &[]), cluster.group_name());
    let _member = member(&cluster, &group, &topic);
    commit(&cluster.consumer(&group, &[]), &topic)
}

/// A commit meets the end of a rebalance for a few milliseconds only, so the broker rejects it here
/// on request.
pub(super) async fn a_commit_from_an_old_generation() -> String {
    let embedded = embedded_kafka::Cluster::builder().start().await.expect("the cluster starts");
    let cluster = TestCluster::at(embedded.bootstrap_servers());
    let topic = cluster.create_topic_with(1, 1, &[]);
    let member = member(&cluster, &cluster.group_name(), &topic);
    let rejection = embedded.fail_next(ApiKey::OffsetCommit, ResponseError::IllegalGeneration, 1);
    rejection.expect("a commit can be rejected");
    commit(&member, &topic)
}

pub(super) async fn two_programs_with_different_strategies() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    let (topic, group) = (cluster.create_topic_with(1, 1, &[]), cluster.group_name());
    let _eager = member(&cluster, &group, &topic);
    let cooperative = [("partition.assignment.strategy", "cooperative-sticky")];
    let other = cluster.consumer(&group, &cooperative);
    other.subscribe(&[&topic]).expect("subscribed");
    next_error(&other).to_string()
}

pub(super) async fn two_members_with_one_instance_id() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    let (topic, group) = (cluster.create_topic_with(1, 1, &[]), cluster.group_name());
    let [first, second] = [(), ()].map(|()| {
        let consumer = cluster.consumer(&group, &[("group.instance.id", "pod-0")]);
        consumer.subscribe(&[&topic]).expect("subscribed");
        eventually("the member has its partition", || {
            let _ = consumer.poll(TURN);
            (consumer.assignment().ok()?.count() > 0).then_some(())
        });
        consumer
    });
    let fenced = next_error(&first).to_string();
    drop(second);
    fenced
}
