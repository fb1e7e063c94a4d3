//! WriteTxnMarkers (key 27, version 1)
//!
//! Ends a transaction in the logs of some partitions, without asking its coordinator (KIP-98).
//! Kafka's nodes send it to each other. An administrator sends it for a transaction that hangs
//! (`kafka-transactions abort`, KIP-664).
//!
//! Version notes:
//!
//! - v1: flexible encoding (KIP-482)

use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::write_txn_markers_request::{
    WritableTxnMarker, WritableTxnMarkerTopic,
};
use kafka_protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use kafka_protocol::messages::{WriteTxnMarkersRequest, WriteTxnMarkersResponse};
use tokio::time::Instant;

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::code;
use super::words::{Asked, list, producer};
use crate::log::Producer;
use crate::txn::{Marker, Markers};
use crate::wait::wait_for;
use crate::wire::shape::{Kind, Shape, field};

/// The time that a response waits for the replicas in sync to have the markers
/// (`request.timeout.ms`).
const REPLICATION_TIMEOUT: Duration = Duration::from_secs(30);

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    1,
    &[field(
        "markers",
        Kind::Array(&Kind::Struct(&[
            field("producer_id", Kind::Int64),
            field("producer_epoch", Kind::Int16),
            field("transaction_result", Kind::Boolean),
            field(
                "topics",
                Kind::Array(&Kind::Struct(&[
                    field("name", Kind::String),
                    field("partition_indexes", Kind::Array(&Kind::Int32)),
                ])),
            ),
            field("coordinator_epoch", Kind::Int32),
        ])),
    )],
);

pub(super) async fn handle(
    request: WriteTxnMarkersRequest,
    _version: i16,
    context: &Context,
) -> WriteTxnMarkersResponse {
    let deadline = Instant::now() + REPLICATION_TIMEOUT;
    let mut results = Vec::with_capacity(request.markers.len());
    for asked in request.markers {
        let marker = Marker {
            producer: Producer { id: asked.producer_id.0, epoch: asked.producer_epoch },
            commit: asked.transaction_result,
            coordinator_epoch: asked.coordinator_epoch,
        };
        results.push(write_all(asked, &marker, deadline, context).await);
    }
    WriteTxnMarkersResponse::default().with_markers(results)
}

async fn write_all(
    asked: WritableTxnMarker,
    marker: &Marker,
    deadline: Instant,
    context: &Context,
) -> WritableTxnMarkerResult {
    let mut topics = Vec::with_capacity(asked.topics.len());
    for WritableTxnMarkerTopic { name, partition_indexes, .. } in asked.topics {
        let mut partitions = Vec::with_capacity(partition_indexes.len());
        for index in partition_indexes {
            let result = write(&name, index, marker, deadline, context).await;
            partitions.push(
                WritableTxnMarkerPartitionResult::default()
                    .with_partition_index(index)
                    .with_error_code(code(&result)),
            );
        }
        let topic = WritableTxnMarkerTopicResult::default().with_name(name);
        topics.push(topic.with_partitions(partitions));
    }
    WritableTxnMarkerResult::default().with_producer_id(asked.producer_id).with_topics(topics)
}

/// Writes a marker if this node leads, and waits until it is safe.
async fn write(
    topic: &str,
    index: i32,
    marker: &Marker,
    deadline: Instant,
    context: &Context,
) -> Result<(), ResponseError> {
    let partition = context.state.metadata.partition(topic, index)?;
    partition.with(|state| state.check_leader(context.node, None))?;
    if marker.producer.epoch < 0 {
        // Kafka has no error for it, and fails.
        return Err(ResponseError::UnknownServerError);
    }
    let markers = context.state.markers();
    let position = markers.write(topic, index, marker, context.now)?;
    let decided = || markers.outcome(topic, index, &position);
    let outcome = wait_for(&[&partition.changed], Some(deadline), decided).await;
    outcome.unwrap_or(Err(ResponseError::RequestTimedOut))
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: WriteTxnMarkersRequest,
    _version: i16,
    code: i16,
) -> WriteTxnMarkersResponse {
    let markers = request.markers.into_iter().map(|marker| {
        let topics = marker.topics.into_iter().map(|topic| {
            let partitions = topic.partition_indexes.iter().map(|index| {
                WritableTxnMarkerPartitionResult::default()
                    .with_partition_index(*index)
                    .with_error_code(code)
            });
            WritableTxnMarkerTopicResult::default()
                .with_partitions(partitions.collect())
                .with_name(topic.name)
        });
        WritableTxnMarkerResult::default()
            .with_producer_id(marker.producer_id)
            .with_topics(topics.collect())
    });
    WriteTxnMarkersResponse::default().with_markers(markers.collect())
}

/// Describes a request in words.
pub(super) fn describe(request: &WriteTxnMarkersRequest) -> Asked {
    let producers = request.markers.iter().map(|it| producer(it.producer_id, it.producer_epoch));
    Asked::default().by(list(producers))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &WriteTxnMarkersResponse) -> Outcomes {
    response.markers.iter().fold(Outcomes::default(), |outcomes, marker| {
        let partitions = Outcomes::partitions(&marker.topics, |topic| {
            let partitions = topic.partitions.iter();
            (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
        });
        outcomes.and(partitions.about(&format!("producer {}", marker.producer_id.0)))
    })
}
