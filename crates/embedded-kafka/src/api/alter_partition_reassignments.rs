//! AlterPartitionReassignments, versions 0 and 1: partitions get other replicas (KIP-455). The new
//! ones have to be in sync before the old ones go, which is at once unless they are disturbed.

use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
};

use super::{Context, message};
use crate::state::State;

pub(super) async fn handle(
    request: AlterPartitionReassignmentsRequest,
    version: i16,
    context: &Context,
) -> AlterPartitionReassignmentsResponse {
    let state = Arc::clone(&context.state);
    // Version 0 knows nothing of a limit to what may change.
    let may_change_factor = version < 1 || request.allow_replication_factor_change;
    let altered =
        tokio::task::spawn_blocking(move || alter(&state, request, may_change_factor)).await;
    altered.unwrap_or_else(|_| {
        AlterPartitionReassignmentsResponse::default()
            .with_error_code(ResponseError::UnknownServerError.code())
    })
}

fn alter(
    state: &State,
    request: AlterPartitionReassignmentsRequest,
    may_change_factor: bool,
) -> AlterPartitionReassignmentsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|asked| {
            let index = asked.partition_index;
            let target = asked.replicas.map(|nodes| nodes.iter().map(|node| node.0).collect());
            let response = ReassignablePartitionResponse::default()
                .with_partition_index(index)
                .with_error_message(None);
            match state.reassign(&topic.name, index, target, may_change_factor) {
                Ok(()) => response,
                Err(refusal) => response
                    .with_error_code(refusal.code.code())
                    .with_error_message(message(refusal.message)),
            }
        });
        ReassignableTopicResponse::default()
            .with_partitions(partitions.collect())
            .with_name(topic.name)
    });
    AlterPartitionReassignmentsResponse::default()
        .with_allow_replication_factor_change(may_change_factor)
        .with_responses(topics.collect())
        .with_error_message(None)
}
