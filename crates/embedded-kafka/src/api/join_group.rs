//! JoinGroup (key 11, versions 0–9)
//!
//! Adds a member to a classic group, or asks for a new generation. The response comes when the
//! group has its next generation, so the handler waits.
//!
//! Version notes:
//!
//! - v1: rebalance timeout, which is the session timeout before (KIP-62)
//! - v4: MEMBER_ID_REQUIRED: a new member joins twice, the second time with its id (KIP-394)
//! - v5: group instance id (KIP-345)
//! - v6: flexible encoding (KIP-482)
//! - v7: protocol type in the response, and null if there is no protocol (KIP-559)
//! - v8: reason (KIP-800)
//! - v9: skip_assignment for a leader that rejoins (KIP-814)

use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::cluster_topics::ClusterTopics;
use super::context::{Context, named_group};
use super::outcomes::Outcomes;
use super::words::{Asked, list, member};
use crate::group::{JoinRejection, JoinRequest, Joined, Protocol};
use crate::wire::shape::{Kind, Shape, field};

/// The first version with a rebalance timeout of its own (KIP-62).
const REBALANCE_TIMEOUT: i16 = 1;

/// The first version whose clients know `MEMBER_ID_REQUIRED` (KIP-394).
const MEMBER_ID_REQUIRED: i16 = 4;

/// The first version with group instance ids (KIP-345).
const INSTANCE_ID: i16 = 5;

/// The first version with a protocol type, and with null for no protocol (KIP-559).
const PROTOCOL_TYPE: i16 = 7;

/// The first version in which the response may tell a leader to keep its assignment (KIP-814).
const SKIP_ASSIGNMENT: i16 = 9;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    6,
    &[
        field("group_id", Kind::String),
        field("session_timeout_ms", Kind::Int32),
        field("rebalance_timeout_ms", Kind::Int32).since(1),
        field("member_id", Kind::String),
        field("group_instance_id", Kind::String).since(5),
        field("protocol_type", Kind::String),
        field(
            "protocols",
            Kind::Array(&Kind::Struct(&[
                field("name", Kind::String),
                field("metadata", Kind::Bytes),
            ])),
        ),
        field("reason", Kind::String).since(8),
    ],
);

pub(super) async fn handle(
    request: JoinGroupRequest,
    version: i16,
    context: &Context,
) -> JoinGroupResponse {
    let coordinated = named_group(&request.group_id).and_then(|it| context.check_group_write(it));
    if let Err(error) = coordinated {
        return rejected(request.member_id, version, error.code());
    }
    let group_id = request.group_id.to_string();
    let request = from_wire(request, version, context);
    match context
        .state
        .groups
        .join(&group_id, &ClusterTopics(&context.state.metadata), request, context.now)
        .answer()
        .await
    {
        Ok(joined) => accepted(joined, version),
        Err(JoinRejection { error, member_id }) => {
            rejected(StrBytes::from_string(member_id), version, error.code())
        }
    }
}

/// Reads a request. Strings and metadata are copied: a slice would keep the whole frame in memory
/// for as long as the member lives.
fn from_wire(request: JoinGroupRequest, version: i16, context: &Context) -> JoinRequest {
    let instance_id = request.group_instance_id.map(|id| id.to_string());
    let prefix = instance_id.as_deref().unwrap_or(&context.client_id);
    let mut protocols: Vec<Protocol> = Vec::with_capacity(request.protocols.len());
    for protocol in request.protocols {
        if !protocols.iter().any(|known| known.name == *protocol.name) {
            let metadata = bytes::Bytes::copy_from_slice(&protocol.metadata);
            protocols.push(Protocol { name: protocol.name.to_string(), metadata });
        }
    }
    JoinRequest {
        member_id: request.member_id.to_string(),
        new_member_id: format!("{prefix}-{}", Uuid::new_v4()),
        instance_id,
        client_id: context.client_id.to_string(),
        // The address has a slash before it, as Java prints it.
        client_host: format!("/{}", context.client_host),
        session_timeout_ms: request.session_timeout_ms,
        rebalance_timeout_ms: if version < REBALANCE_TIMEOUT {
            request.session_timeout_ms
        } else {
            request.rebalance_timeout_ms
        },
        protocol_type: request.protocol_type.to_string(),
        protocols,
        reason: request.reason.map_or_else(|| "not provided".to_owned(), |text| text.to_string()),
        requires_member_id: version >= MEMBER_ID_REQUIRED,
        understands_skip_assignment: version >= SKIP_ASSIGNMENT,
    }
}

fn accepted(joined: Joined, version: i16) -> JoinGroupResponse {
    let members = joined.members.into_iter().map(|member| {
        JoinGroupResponseMember::default()
            .with_member_id(StrBytes::from_string(member.member_id))
            .with_group_instance_id(
                member.instance_id.filter(|_| version >= INSTANCE_ID).map(StrBytes::from_string),
            )
            .with_metadata(member.metadata)
    });
    JoinGroupResponse::default()
        .with_generation_id(joined.generation)
        .with_protocol_type(
            joined.protocol_type.filter(|_| version >= PROTOCOL_TYPE).map(StrBytes::from_string),
        )
        .with_protocol_name(protocol_name(joined.protocol_name, version))
        .with_leader(StrBytes::from_string(joined.leader))
        .with_skip_assignment(joined.skip_assignment && version >= SKIP_ASSIGNMENT)
        .with_member_id(StrBytes::from_string(joined.member_id))
        .with_members(members.collect())
}

fn rejected(member_id: StrBytes, version: i16, code: i16) -> JoinGroupResponse {
    JoinGroupResponse::default()
        .with_error_code(code)
        .with_generation_id(-1)
        .with_protocol_name(protocol_name(None, version))
        .with_member_id(member_id)
}

/// Converts a protocol's name. The early versions have no null: no protocol is an empty name.
fn protocol_name(name: Option<String>, version: i16) -> Option<StrBytes> {
    match name {
        Some(name) => Some(StrBytes::from_string(name)),
        None => (version < PROTOCOL_TYPE).then(StrBytes::default),
    }
}

/// Responds with an error for all that was asked.
pub(super) fn reject(request: JoinGroupRequest, version: i16, code: i16) -> JoinGroupResponse {
    rejected(request.member_id, version, code)
}

/// Describes a request in words.
pub(super) fn describe(request: &JoinGroupRequest) -> Asked {
    let protocols = list(request.protocols.iter().map(|protocol| protocol.name.to_string()));
    let id = if request.member_id.is_empty() { "no member id yet" } else { &request.member_id };
    Asked::of(format!("group {} ({id}; {protocols})", request.group_id.as_str())).by(member(
        &request.member_id,
        request.group_instance_id.as_deref(),
        None,
    ))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &JoinGroupResponse) -> Outcomes {
    let role = if response.leader == response.member_id { "leader" } else { "follower" };
    Outcomes::of(response.error_code, || format!("generation {}, {role}", response.generation_id))
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use kafka_protocol::ResponseError;
    use kafka_protocol::protocol::{Decodable, Encodable};

    use super::*;
    use crate::group::JoinedMember;

    fn reencoded(response: &JoinGroupResponse, version: i16) -> JoinGroupResponse {
        let mut bytes = BytesMut::new();
        response.encode(&mut bytes, version).unwrap();
        JoinGroupResponse::decode(&mut bytes.freeze(), version).unwrap()
    }

    #[test]
    fn every_version_encodes_what_it_can_say() {
        for version in 0..=9 {
            let member = JoinedMember {
                member_id: "a".into(),
                instance_id: Some("gate-1".into()),
                metadata: Bytes::from_static(b"airports"),
            };
            let joined = Joined {
                generation: 3,
                protocol_type: Some("consumer".into()),
                protocol_name: Some("range".into()),
                leader: "a".into(),
                skip_assignment: true,
                member_id: "a".into(),
                members: vec![member],
            };
            let decoded = reencoded(&accepted(joined, version), version);
            assert_eq!((decoded.error_code, decoded.generation_id), (0, 3));
            assert_eq!(decoded.protocol_name.as_deref(), Some("range"));
            assert_eq!(decoded.members[0].group_instance_id.is_some(), version >= 5);
            assert_eq!(decoded.protocol_type.is_some(), version >= 7);
            assert_eq!(decoded.skip_assignment, version >= 9);
        }
    }

    #[test]
    fn every_version_encodes_a_rejection() {
        for version in 0..=9 {
            let code = ResponseError::MemberIdRequired.code();
            let rejection = rejected(StrBytes::from_static_str("a"), version, code);
            let decoded = reencoded(&rejection, version);
            assert_eq!((decoded.error_code, decoded.generation_id), (79, -1));
            assert_eq!(&*decoded.member_id, "a");
            assert_eq!(decoded.protocol_name.is_none(), version >= 7);
        }
    }
}
