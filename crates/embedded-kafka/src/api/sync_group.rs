//! SyncGroup, versions 0 to 5: the leader hands in the assignment, each member gets its part.
//!
//! The answer comes when the leader has handed it in, so this handler waits.

use bytes::Bytes;
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::Context;
use crate::group::SyncRequest;

pub(crate) async fn handle(
    request: SyncGroupRequest,
    version: i16,
    context: &Context,
) -> SyncGroupResponse {
    if let Err(error) = context.check_coordinator(&request.group_id) {
        return SyncGroupResponse::default().with_error_code(error.code());
    }
    let group_id = request.group_id.to_string();
    let answer = context
        .state
        .groups
        .sync(&group_id, from_wire(request), context.now);
    match answer.answer().await {
        Ok(synced) => SyncGroupResponse::default()
            .with_protocol_type(
                synced
                    .protocol_type
                    .filter(|_| version >= 5)
                    .map(StrBytes::from_string),
            )
            .with_protocol_name(
                synced
                    .protocol_name
                    .filter(|_| version >= 5)
                    .map(StrBytes::from_string),
            )
            .with_assignment(synced.assignment),
        Err(error) => SyncGroupResponse::default().with_error_code(error.code()),
    }
}

fn from_wire(request: SyncGroupRequest) -> SyncRequest {
    let assignments = request.assignments.into_iter().map(|assignment| {
        // Copied, so that an assignment does not keep everybody's frame in memory.
        (
            assignment.member_id.to_string(),
            Bytes::copy_from_slice(&assignment.assignment),
        )
    });
    SyncRequest {
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.map(|id| id.to_string()),
        generation: request.generation_id,
        protocol_type: request.protocol_type.map(|name| name.to_string()),
        protocol_name: request.protocol_name.map(|name| name.to_string()),
        assignments: assignments.collect(),
    }
}
