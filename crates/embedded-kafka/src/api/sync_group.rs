//! SyncGroup, versions 0 to 5: the leader hands in the assignment, each member gets its part.
//!
//! The answer comes when the leader has handed it in, so this handler waits.

use bytes::Bytes;
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::consumer_group_heartbeat::ClusterTopics;
use super::Context;
use crate::group::{SyncRequest, Synced};

pub(crate) async fn handle(
    request: SyncGroupRequest,
    version: i16,
    context: &Context,
) -> SyncGroupResponse {
    if let Err(error) = context.check_members_coordinator(&request.group_id) {
        return SyncGroupResponse::default().with_error_code(error.code());
    }
    let group_id = request.group_id.to_string();
    let answer = context
        .state
        .groups
        .sync(&group_id, &ClusterTopics(&context.state.metadata), &from_wire(request), context.now);
    match answer.answer().await {
        Ok(synced) => to_wire(synced, version),
        Err(error) => SyncGroupResponse::default().with_error_code(error.code()),
    }
}

fn to_wire(synced: Synced, version: i16) -> SyncGroupResponse {
    let known = |name: Option<String>| name.filter(|_| version >= 5).map(StrBytes::from_string);
    SyncGroupResponse::default()
        .with_protocol_type(known(synced.protocol_type))
        .with_protocol_name(known(synced.protocol_name))
        .with_assignment(synced.assignment)
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

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_protocol::protocol::{Decodable, Encodable};

    use super::*;

    #[test]
    fn every_version_encodes_what_it_can_say() {
        for version in 0..=5 {
            let synced = Synced {
                protocol_type: Some("consumer".into()),
                protocol_name: Some("range".into()),
                assignment: Bytes::from_static(b"0,1"),
            };
            let mut bytes = BytesMut::new();
            to_wire(synced, version).encode(&mut bytes, version).unwrap();
            let decoded = SyncGroupResponse::decode(&mut bytes.freeze(), version).unwrap();
            assert_eq!(decoded.assignment, "0,1");
            assert_eq!(decoded.protocol_name.is_some(), version >= 5);
        }
    }
}
