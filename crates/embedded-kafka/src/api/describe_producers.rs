//! DescribeProducers (key 61, version 0)
//!
//! Describes the producers that a partition remembers (KIP-664). An administrator uses it to find a
//! transaction that was left open and holds back every reader of committed records.
//!
//! Version notes:
//!
//! - v0: flexible encoding (KIP-482)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_producers_response::{
    PartitionResponse, ProducerState, TopicResponse,
};
use kafka_protocol::messages::{DescribeProducersRequest, DescribeProducersResponse, ProducerId};

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::message;
use super::words::Asked;
use crate::log;
use crate::wire::shape::{Kind, Shape, field};

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    0,
    &[field(
        "topics",
        Kind::Array(&Kind::Struct(&[
            field("name", Kind::String),
            field("partition_indexes", Kind::Array(&Kind::Int32)),
        ])),
    )],
);

pub(super) fn handle(
    request: DescribeProducersRequest,
    _version: i16,
    context: &Context,
) -> DescribeProducersResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let exists = context.state.metadata.topic(&topic.name).is_some();
        let partitions = topic.partition_indexes.into_iter().map(|index| {
            let response = PartitionResponse::default().with_partition_index(index);
            match producers(&topic.name, index, context) {
                Ok(producers) => response.with_active_producers(producers),
                Err(error) => {
                    // Kafka has a message for a topic that does not exist, and for nothing else.
                    let text = if exists { String::new() } else { error.to_string() };
                    response.with_error_code(error.code()).with_error_message(message(text))
                }
            }
        });
        TopicResponse::default().with_partitions(partitions.collect()).with_name(topic.name)
    });
    DescribeProducersResponse::default().with_topics(topics.collect())
}

fn producers(
    topic: &str,
    index: i32,
    context: &Context,
) -> Result<Vec<ProducerState>, ResponseError> {
    let partition = context.state.metadata.partition(topic, index)?;
    let states = partition.with(|state| {
        // Every replica knows the producers of its log.
        state.check_replica(context.node, None)?;
        Ok(state.log.producer_states())
    })?;
    Ok(states.into_iter().map(on_the_wire).collect())
}

fn on_the_wire(state: log::ProducerState) -> ProducerState {
    ProducerState::default()
        .with_producer_id(ProducerId(state.producer_id))
        .with_producer_epoch(i32::from(state.epoch))
        .with_last_sequence(state.last_sequence)
        .with_last_timestamp(state.last_timestamp)
        .with_coordinator_epoch(state.coordinator_epoch)
        .with_current_txn_start_offset(state.open_since.unwrap_or(-1))
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: DescribeProducersRequest,
    _version: i16,
    code: i16,
) -> DescribeProducersResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partition_indexes.iter().map(|index| {
            PartitionResponse::default().with_partition_index(*index).with_error_code(code)
        });
        TopicResponse::default().with_partitions(partitions.collect()).with_name(topic.name)
    });
    DescribeProducersResponse::default().with_topics(topics.collect())
}

/// Describes a request in words.
pub(super) fn describe(_request: &DescribeProducersRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &DescribeProducersResponse) -> Outcomes {
    Outcomes::partitions(&response.topics, |topic| {
        let partitions = topic.partitions.iter();
        (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
    })
}
