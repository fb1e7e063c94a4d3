//! SyncGroup (key 14, versions 0–5)
//!
//! Takes the assignment from the leader of a classic group, and returns each member's part. The
//! response comes when the leader has sent the assignment, so the handler waits.
//!
//! Version notes:
//!
//! - v3: group instance id (KIP-345)
//! - v4: flexible encoding (KIP-482)
//! - v5: protocol type and name in request and response (KIP-559)

use bytes::Bytes;
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::cluster_topics::ClusterTopics;
use super::context::{Context, named_group};
use super::outcomes::Outcomes;
use super::words::{Asked, generation, member};
use crate::group::{SyncRequest, Synced};
use crate::wire::shape::{Kind, Shape, field};

/// The first version with the protocol's type and name (KIP-559).
const PROTOCOL_TYPE: i16 = 5;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    4,
    &[
        field("group_id", Kind::String),
        field("generation_id", Kind::Int32),
        field("member_id", Kind::String),
        field("group_instance_id", Kind::String).since(3),
        field("protocol_type", Kind::String).since(5),
        field("protocol_name", Kind::String).since(5),
        field(
            "assignments",
            Kind::Array(&Kind::Struct(&[
                field("member_id", Kind::String),
                field("assignment", Kind::Bytes),
            ])),
        ),
    ],
);

pub(super) async fn handle(
    request: SyncGroupRequest,
    version: i16,
    context: &Context,
) -> SyncGroupResponse {
    let coordinated = named_group(&request.group_id).and_then(|it| context.check_group_write(it));
    if let Err(error) = coordinated {
        return SyncGroupResponse::default().with_error_code(error.code());
    }
    let group_id = request.group_id.to_string();
    let waiting = context.state.groups.sync(
        &group_id,
        &ClusterTopics(&context.state.metadata),
        &from_wire(request),
        context.now,
    );
    match waiting.answer().await {
        Ok(synced) => to_wire(synced, version),
        Err(error) => SyncGroupResponse::default().with_error_code(error.code()),
    }
}

fn to_wire(synced: Synced, version: i16) -> SyncGroupResponse {
    let known =
        |name: Option<String>| name.filter(|_| version >= PROTOCOL_TYPE).map(StrBytes::from_string);
    SyncGroupResponse::default()
        .with_protocol_type(known(synced.protocol_type))
        .with_protocol_name(known(synced.protocol_name))
        .with_assignment(synced.assignment)
}

fn from_wire(request: SyncGroupRequest) -> SyncRequest {
    let assignments = request.assignments.into_iter().map(|assignment| {
        // Copied, so that an assignment does not keep the whole frame in memory.
        (assignment.member_id.to_string(), Bytes::copy_from_slice(&assignment.assignment))
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

/// Responds with an error for all that was asked.
pub(super) fn reject(_request: SyncGroupRequest, _version: i16, code: i16) -> SyncGroupResponse {
    SyncGroupResponse::default().with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(request: &SyncGroupRequest) -> Asked {
    let (group, at) = (request.group_id.as_str(), request.generation_id);
    let assignments = request.assignments.len();
    Asked::of(format!("group {group} generation {at} with {assignments} assignment(s)")).by(member(
        &request.member_id,
        request.group_instance_id.as_deref(),
        generation(at),
    ))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &SyncGroupResponse) -> Outcomes {
    Outcomes::whole(response.error_code)
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
