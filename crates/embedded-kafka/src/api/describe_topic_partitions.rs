//! DescribeTopicPartitions: the partitions of topics, page by page (KIP-966).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName,
};

use super::{Context, TOPIC_OPERATIONS, topic_name};
use crate::metadata::replication::NO_LEADER;
use crate::metadata::{Partition, names};

/// The most partitions on one page (`max.request.partition.size.limit`).
const PAGE: usize = 2000;

pub(super) fn handle(
    request: DescribeTopicPartitionsRequest,
    _version: i16,
    context: &Context,
) -> DescribeTopicPartitionsResponse {
    if request.cursor.as_ref().is_some_and(|cursor| cursor.partition_index < 0) {
        return refuse(request);
    }
    let metadata = &context.state.metadata;
    // Topics come sorted, so that the cursor names a place which stays the same.
    let mut wanted: Vec<TopicName> = if request.topics.is_empty() {
        metadata.topics().iter().map(|topic| topic_name(&topic.name)).collect()
    } else {
        request.topics.into_iter().map(|topic| topic.name).collect()
    };
    wanted.sort();
    wanted.dedup();
    let mut from = 0;
    if let Some(cursor) = &request.cursor {
        wanted.retain(|name| *name >= cursor.topic_name);
        if wanted.first() == Some(&cursor.topic_name) {
            from = usize::try_from(cursor.partition_index).unwrap_or(0);
        }
    }
    let mut left = usize::try_from(request.response_partition_limit).unwrap_or(1).clamp(1, PAGE);
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in wanted {
        if left == 0 {
            response.next_cursor = Some(cursor(name, 0));
            break;
        }
        let (topic, partitions) = describe(&name, from, left, context);
        let (shown, next) = (topic.partitions.len(), from + topic.partitions.len());
        response.topics.push(topic);
        if next < partitions {
            response.next_cursor = Some(cursor(name, next as i32));
            break;
        }
        left -= shown;
        from = 0;
    }
    response
}

/// A page that begins nowhere.
fn refuse(request: DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        DescribeTopicPartitionsResponseTopic::default()
            .with_name(Some(topic.name))
            .with_error_code(ResponseError::InvalidRequest.code())
    });
    DescribeTopicPartitionsResponse::default().with_topics(topics.collect())
}

fn cursor(topic: TopicName, partition: i32) -> Cursor {
    Cursor::default().with_topic_name(topic).with_partition_index(partition)
}

/// At most `limit` partitions of a topic from number `from` on, and how many the topic has.
fn describe(
    name: &TopicName,
    from: usize,
    limit: usize,
    context: &Context,
) -> (DescribeTopicPartitionsResponseTopic, usize) {
    let result = DescribeTopicPartitionsResponseTopic::default().with_name(Some(name.clone()));
    let Some(topic) = context.state.metadata.topic(name) else {
        let error = match names::validate(name) {
            Ok(()) => ResponseError::UnknownTopicOrPartition,
            Err(_) => ResponseError::InvalidTopicException,
        };
        return (result.with_error_code(error.code()), 0);
    };
    let partitions = topic.partitions();
    let shown = partitions.iter().skip(from).take(limit);
    let result = result
        .with_topic_id(topic.id)
        .with_is_internal(topic.is_internal())
        .with_topic_authorized_operations(TOPIC_OPERATIONS)
        .with_partitions(shown.map(|partition| describe_one(partition)).collect());
    (result, partitions.len())
}

fn describe_one(partition: &Partition) -> DescribeTopicPartitionsResponsePartition {
    let leadership = partition.leadership();
    let nodes = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect();
    let error = match leadership.leader {
        NO_LEADER => ResponseError::LeaderNotAvailable.code(),
        _ => 0,
    };
    DescribeTopicPartitionsResponsePartition::default()
        .with_error_code(error)
        .with_partition_index(partition.index)
        .with_leader_id(BrokerId(leadership.leader))
        .with_leader_epoch(leadership.epoch)
        .with_replica_nodes(nodes(&leadership.replicas))
        .with_isr_nodes(nodes(&leadership.in_sync))
        .with_offline_replicas(nodes(&leadership.offline))
        .with_eligible_leader_replicas(Some(nodes(&leadership.eligible)))
        .with_last_known_elr(Some(leadership.last_known.map(BrokerId).into_iter().collect()))
}
