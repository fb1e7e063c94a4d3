//! ListPartitionReassignments (key 46, version 0)
//!
//! Lists the reassignments in progress (KIP-455).
//!
//! Version notes:
//!
//! - v0: flexible encoding (KIP-482)

use kafka_protocol::messages::list_partition_reassignments_response::{
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use kafka_protocol::messages::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::{nodes, topic_name};
use super::words::Asked;
use crate::metadata::Topic;
use crate::wire::shape::{Kind, Shape, field};

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    0,
    &[
        field("timeout_ms", Kind::Int32),
        field(
            "topics",
            Kind::Array(&Kind::Struct(&[
                field("name", Kind::String),
                field("partition_indexes", Kind::Array(&Kind::Int32)),
            ])),
        ),
    ],
);

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

/// Responds with an error for all that was asked.
pub(super) fn reject(
    _request: ListPartitionReassignmentsRequest,
    _version: i16,
    code: i16,
) -> ListPartitionReassignmentsResponse {
    ListPartitionReassignmentsResponse::default().with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(_request: &ListPartitionReassignmentsRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &ListPartitionReassignmentsResponse) -> Outcomes {
    Outcomes::whole(response.error_code)
}
