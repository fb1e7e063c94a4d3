//! WriteTxnMarkers, version 1: ends a transaction in the logs of some partitions, whatever its
//! coordinator knows of it (KIP-98). Kafka's nodes send it to each other; an administrator does so for a
//! transaction that nobody else ends (`kafka-transactions abort`, KIP-664).

use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use kafka_protocol::messages::{WriteTxnMarkersRequest, WriteTxnMarkersResponse};
use tokio::time::Instant;

use super::{Context, code};
use crate::log::Producer;
use crate::txn::{Marker, Markers};
use crate::wait::wait_for;

/// How long an answer waits for the replicas in sync to have the markers (`request.timeout.ms`).
const REPLICATION_TIMEOUT: Duration = Duration::from_secs(30);

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

/// Writes a marker where this node leads, and waits until it is safe.
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
