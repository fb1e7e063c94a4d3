//! ListPartitionReassignments, version 0: which partitions are about to get other replicas.

use kafka_protocol::messages::list_partition_reassignments_response::{
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use kafka_protocol::messages::{
    BrokerId, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

use super::{Context, topic_name};
use crate::metadata::Topic;

pub(super) fn handle(
    request: ListPartitionReassignmentsRequest,
    _version: i16,
    context: &Context,
) -> ListPartitionReassignmentsResponse {
    let metadata = &context.state.metadata;
    let topics = match request.topics {
        Some(asked) => asked
            .into_iter()
            .filter_map(|asked| {
                let topic = metadata.topic(&asked.name)?;
                Some(ongoing(&topic, |index| asked.partition_indexes.contains(&index)))
            })
            .collect(),
        None => metadata.topics().iter().map(|topic| ongoing(topic, |_| true)).collect::<Vec<_>>(),
    };
    let topics = topics.into_iter().filter(|topic| !topic.partitions.is_empty());
    ListPartitionReassignmentsResponse::default()
        .with_topics(topics.collect())
        .with_error_message(None)
}

fn ongoing(topic: &Topic, is_wanted: impl Fn(i32) -> bool) -> OngoingTopicReassignment {
    let nodes = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect();
    let partitions = topic.partitions();
    let partitions = partitions.iter().filter(|partition| is_wanted(partition.index));
    let reassigned = partitions.filter_map(|partition| {
        let led = partition.leadership();
        let is_ongoing = !led.adding.is_empty() || !led.removing.is_empty();
        is_ongoing.then(|| {
            OngoingPartitionReassignment::default()
                .with_partition_index(partition.index)
                .with_replicas(nodes(&led.replicas))
                .with_adding_replicas(nodes(&led.adding))
                .with_removing_replicas(nodes(&led.removing))
        })
    });
    OngoingTopicReassignment::default()
        .with_name(topic_name(&topic.name))
        .with_partitions(reassigned.collect())
}
