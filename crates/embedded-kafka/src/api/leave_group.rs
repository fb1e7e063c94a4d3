//! LeaveGroup (key 13, versions 0–5)
//!
//! Removes members from a group.
//!
//! Version notes:
//!
//! - v3: several members, and group instance ids (KIP-345)
//! - v4: flexible encoding (KIP-482)
//! - v5: reason (KIP-800)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::context::{Context, named_group};
use super::outcomes::Outcomes;
use super::wire::code;
use super::words::{Asked, list, member};
use crate::group::Leaving;
use crate::wire::shape::{Kind, Shape, field};

/// The first version in which several members leave, each with an error of its own (KIP-345).
const SEVERAL_MEMBERS: i16 = 3;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    4,
    &[
        field("group_id", Kind::String),
        field("member_id", Kind::String).until(2),
        field(
            "members",
            Kind::Array(&Kind::Struct(&[
                field("member_id", Kind::String).since(3),
                field("group_instance_id", Kind::String).since(3),
                field("reason", Kind::String).since(5),
            ])),
        )
        .since(3),
    ],
);

pub(super) fn handle(
    request: LeaveGroupRequest,
    version: i16,
    context: &Context,
) -> LeaveGroupResponse {
    let leaving = from_wire(&request, version);
    let coordinated = named_group(&request.group_id).and_then(|it| context.check_group_write(it));
    let results = coordinated
        .and_then(|()| context.state.groups.leave(&request.group_id, &leaving, context.now));
    match results {
        Ok(results) => to_wire(leaving, results, version),
        Err(error) => LeaveGroupResponse::default().with_error_code(error.code()),
    }
}

fn to_wire(
    leaving: Vec<Leaving>,
    results: Vec<Result<(), ResponseError>>,
    version: i16,
) -> LeaveGroupResponse {
    let mut codes = results.into_iter().map(|result| code(&result));
    if version < SEVERAL_MEMBERS {
        return LeaveGroupResponse::default().with_error_code(codes.next().unwrap_or(0));
    }
    let members = leaving.into_iter().zip(codes).map(|(member, code)| {
        MemberResponse::default()
            .with_member_id(StrBytes::from_string(member.member_id))
            .with_group_instance_id(member.instance_id.map(StrBytes::from_string))
            .with_error_code(code)
    });
    LeaveGroupResponse::default().with_members(members.collect())
}

/// Reads the members that leave, which is exactly one in the early versions.
fn from_wire(request: &LeaveGroupRequest, version: i16) -> Vec<Leaving> {
    let no_reason = || "not provided".to_owned();
    if version < SEVERAL_MEMBERS {
        let member_id = request.member_id.to_string();
        return vec![Leaving { member_id, instance_id: None, reason: no_reason() }];
    }
    let members = request.members.iter().map(|member| Leaving {
        member_id: member.member_id.to_string(),
        instance_id: member.group_instance_id.as_ref().map(ToString::to_string),
        reason: member.reason.as_ref().map_or_else(no_reason, ToString::to_string),
    });
    members.collect()
}

/// Responds with an error for all that was asked.
pub(super) fn reject(_request: LeaveGroupRequest, _version: i16, code: i16) -> LeaveGroupResponse {
    LeaveGroupResponse::default().with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(request: &LeaveGroupRequest) -> Asked {
    let named = request.members.iter();
    let named = named.map(|it| member(&it.member_id, it.group_instance_id.as_deref(), None));
    let single = Some(member(&request.member_id, None, None)).filter(|id| !id.is_empty());
    Asked::of(format!("group {}", request.group_id.as_str())).by(list(named.chain(single)))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &LeaveGroupResponse) -> Outcomes {
    let members = response.members.iter();
    Outcomes::whole(response.error_code)
        .and(Outcomes::listed(members.map(|it| (it.member_id.as_str(), it.error_code))))
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_protocol::protocol::{Decodable, Encodable};

    use super::*;

    #[test]
    fn every_version_encodes_what_it_can_say() {
        for version in 0..=5 {
            let leaving = Leaving {
                member_id: "a".into(),
                instance_id: (version >= 3).then(|| "gate-1".into()),
                reason: "landed".into(),
            };
            let results = vec![Err(ResponseError::FencedInstanceId)];
            let mut bytes = BytesMut::new();
            to_wire(vec![leaving], results, version).encode(&mut bytes, version).unwrap();
            let decoded = LeaveGroupResponse::decode(&mut bytes.freeze(), version).unwrap();
            let of_the_whole = if version < 3 { 82 } else { 0 };
            assert_eq!(decoded.error_code, of_the_whole);
            let of_the_member = decoded.members.first().map(|member| member.error_code);
            assert_eq!(of_the_member, (version >= 3).then_some(82));
        }
    }
}
