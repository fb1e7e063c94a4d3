//! AlterPartitionReassignments (key 45, versions 0–1)
//!
//! Gives partitions other replicas (KIP-455). The new replicas have to be in sync before the old
//! ones are removed, which is at once unless they are disturbed.
//!
//! Version notes:
//!
//! - v0: flexible encoding (KIP-482)
//! - v1: allow_replication_factor_change, which is true before (KIP-860)

use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
};

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::message;
use super::words::Asked;
use crate::state::State;
use crate::wire::shape::{Kind, Shape, field};

/// The first version that may forbid a change of the replication factor (KIP-860).
const FACTOR_CHANGE: i16 = 1;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    0,
    &[
        field("timeout_ms", Kind::Int32),
        field("allow_replication_factor_change", Kind::Boolean).since(1),
        field(
            "topics",
            Kind::Array(&Kind::Struct(&[
                field("name", Kind::String),
                field(
                    "partitions",
                    Kind::Array(&Kind::Struct(&[
                        field("partition_index", Kind::Int32),
                        field("replicas", Kind::Array(&Kind::Int32)),
                    ])),
                ),
            ])),
        ),
    ],
);

pub(super) async fn handle(
    request: AlterPartitionReassignmentsRequest,
    version: i16,
    context: &Context,
) -> AlterPartitionReassignmentsResponse {
    let state = Arc::clone(&context.state);
    let may_change_factor = version < FACTOR_CHANGE || request.allow_replication_factor_change;
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
                Err(rejection) => response
                    .with_error_code(rejection.code.code())
                    .with_error_message(message(rejection.message)),
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

/// Responds with an error for all that was asked.
pub(super) fn reject(
    _request: AlterPartitionReassignmentsRequest,
    version: i16,
    code: i16,
) -> AlterPartitionReassignmentsResponse {
    let response = AlterPartitionReassignmentsResponse::default().with_error_code(code);
    if version < FACTOR_CHANGE {
        return response.with_allow_replication_factor_change(true);
    }
    response
}

/// Describes a request in words.
pub(super) fn describe(_request: &AlterPartitionReassignmentsRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &AlterPartitionReassignmentsResponse) -> Outcomes {
    let whole = Outcomes::whole(response.error_code);
    whole.and(Outcomes::partitions(&response.responses, |topic| {
        let partitions = topic.partitions.iter();
        (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
    }))
}
