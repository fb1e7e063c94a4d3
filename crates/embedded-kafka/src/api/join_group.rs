//! JoinGroup, versions 0 to 9: a client becomes a member of a group, or asks for a new generation.
//!
//! The answer comes when the group has its next generation, so this handler waits.

use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::consumer_group_heartbeat::ClusterTopics;
use super::Context;
use crate::group::{JoinRejection, JoinRequest, Joined, Protocol};

pub(crate) async fn handle(
    request: JoinGroupRequest,
    version: i16,
    context: &Context,
) -> JoinGroupResponse {
    if let Err(error) = context.check_members_coordinator(&request.group_id) {
        let member_id = request.member_id.to_string();
        return refused(JoinRejection { error, member_id }, version);
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
        Err(error) => refused(error, version),
    }
}

/// Strings and metadata are copied: a slice would keep the whole frame in memory for as long as
/// the member lives.
fn from_wire(request: JoinGroupRequest, version: i16, context: &Context) -> JoinRequest {
    let instance_id = request.group_instance_id.map(|id| id.to_string());
    let prefix = instance_id.as_deref().unwrap_or(&context.client_id);
    let mut protocols: Vec<Protocol> = Vec::with_capacity(request.protocols.len());
    for protocol in request.protocols {
        if !protocols.iter().any(|known| known.name == *protocol.name) {
            let metadata = bytes::Bytes::copy_from_slice(&protocol.metadata);
            protocols.push(Protocol {
                name: protocol.name.to_string(),
                metadata,
            });
        }
    }
    JoinRequest {
        member_id: request.member_id.to_string(),
        new_member_id: format!("{prefix}-{}", Uuid::new_v4()),
        instance_id,
        client_id: context.client_id.to_string(),
        // With a slash before it, as Java prints an address.
        client_host: format!("/{}", context.client_host),
        session_timeout_ms: request.session_timeout_ms,
        // Version 0 has one timeout for both.
        rebalance_timeout_ms: match version {
            0 => request.session_timeout_ms,
            _ => request.rebalance_timeout_ms,
        },
        protocol_type: request.protocol_type.to_string(),
        protocols,
        reason: request
            .reason
            .map_or_else(|| "not provided".to_owned(), |text| text.to_string()),
        requires_member_id: version >= 4,
        understands_skip_assignment: version >= 9,
    }
}

fn accepted(joined: Joined, version: i16) -> JoinGroupResponse {
    let members = joined.members.into_iter().map(|member| {
        JoinGroupResponseMember::default()
            .with_member_id(StrBytes::from_string(member.member_id))
            .with_group_instance_id(
                member
                    .instance_id
                    .filter(|_| version >= 5)
                    .map(StrBytes::from_string),
            )
            .with_metadata(member.metadata)
    });
    JoinGroupResponse::default()
        .with_generation_id(joined.generation)
        .with_protocol_type(
            joined
                .protocol_type
                .filter(|_| version >= 7)
                .map(StrBytes::from_string),
        )
        .with_protocol_name(protocol_name(joined.protocol_name, version))
        .with_leader(StrBytes::from_string(joined.leader))
        .with_skip_assignment(joined.skip_assignment && version >= 9)
        .with_member_id(StrBytes::from_string(joined.member_id))
        .with_members(members.collect())
}

fn refused(refused: JoinRejection, version: i16) -> JoinGroupResponse {
    JoinGroupResponse::default()
        .with_error_code(refused.error.code())
        .with_generation_id(-1)
        .with_protocol_name(protocol_name(None, version))
        .with_member_id(StrBytes::from_string(refused.member_id))
}

/// Before version 7 there is no null: no protocol is an empty name.
fn protocol_name(name: Option<String>, version: i16) -> Option<StrBytes> {
    match name {
        Some(name) => Some(StrBytes::from_string(name)),
        None => (version < 7).then(StrBytes::default),
    }
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
    fn every_version_encodes_a_refusal() {
        for version in 0..=9 {
            let error = ResponseError::MemberIdRequired;
            let refusal = refused(JoinRejection { error, member_id: "a".into() }, version);
            let decoded = reencoded(&refusal, version);
            assert_eq!((decoded.error_code, decoded.generation_id), (79, -1));
            assert_eq!(&*decoded.member_id, "a");
            assert_eq!(decoded.protocol_name.is_none(), version >= 7);
        }
    }
}
