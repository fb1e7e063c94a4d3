//! DescribeTopicPartitions (key 75, version 0)
//!
//! Describes the partitions of topics, page by page (KIP-966).
//!
//! Version notes:
//!
//! - v0: flexible encoding (KIP-482)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName,
};

use super::context::Context;
use super::outcomes::Outcomes;
use super::topic_description::{describe_partition, leader_error, missing_topic};
use super::wire::{TOPIC_OPERATIONS, nodes, topic_name};
use super::words::{Asked, topic_or_id};
use crate::metadata::Partition;
use crate::wire::shape::{Kind, Shape, field};

/// The most partitions on one page (`max.request.partition.size.limit`).
const PAGE: usize = 2000;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    0,
    &[
        field("topics", Kind::Array(&Kind::Struct(&[field("name", Kind::String)]))),
        field("response_partition_limit", Kind::Int32),
        field(
            "cursor",
            Kind::NullableStruct(&[
                field("topic_name", Kind::String),
                field("partition_index", Kind::Int32),
            ]),
        ),
    ],
);

pub(super) fn handle(
    request: DescribeTopicPartitionsRequest,
    version: i16,
    context: &Context,
) -> DescribeTopicPartitionsResponse {
    if request.cursor.as_ref().is_some_and(|cursor| cursor.partition_index < 0) {
        // The cursor does not name the start of a page.
        return reject(request, version, ResponseError::InvalidRequest.code());
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
        let (topic, partitions) = describe_topic(&name, from, left, context);
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

fn cursor(topic: TopicName, partition: i32) -> Cursor {
    Cursor::default().with_topic_name(topic).with_partition_index(partition)
}

/// Describes at most `limit` partitions of a topic from number `from` on, and counts all it has.
fn describe_topic(
    name: &TopicName,
    from: usize,
    limit: usize,
    context: &Context,
) -> (DescribeTopicPartitionsResponseTopic, usize) {
    let result = DescribeTopicPartitionsResponseTopic::default().with_name(Some(name.clone()));
    let Some(topic) = context.state.metadata.topic(name) else {
        return (result.with_error_code(missing_topic(name).code()), 0);
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
    describe_partition!(DescribeTopicPartitionsResponsePartition, partition, leadership)
        .with_eligible_leader_replicas(Some(nodes(&leadership.eligible)))
        .with_last_known_elr(Some(leadership.last_known.map(BrokerId).into_iter().collect()))
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: DescribeTopicPartitionsRequest,
    _version: i16,
    code: i16,
) -> DescribeTopicPartitionsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        DescribeTopicPartitionsResponseTopic::default()
            .with_name(Some(topic.name))
            .with_error_code(code)
    });
    DescribeTopicPartitionsResponse::default().with_topics(topics.collect())
}

/// Describes a request in words.
pub(super) fn describe(_request: &DescribeTopicPartitionsRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &DescribeTopicPartitionsResponse) -> Outcomes {
    Outcomes::topics(response.topics.iter().map(|topic| {
        let name = topic.name.as_ref().map_or("", |name| name.as_str());
        let partitions = topic.partitions.iter();
        let partitions = partitions.map(|it| (it.partition_index, it.error_code));
        (topic_or_id(name, topic.topic_id), topic.error_code, partitions)
    }))
}
