//! LeaveGroup, versions 0 to 5: members go, one or (since version 3) several at once.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Context, code};
use crate::group::Leaving;

pub(crate) fn handle(
    request: LeaveGroupRequest,
    version: i16,
    context: &Context,
) -> LeaveGroupResponse {
    let leaving = from_wire(&request, version);
    let answers = context.check_members_coordinator(&request.group_id).and_then(|()| {
        context
            .state
            .groups
            .leave(&request.group_id, &leaving, context.now)
    });
    match answers {
        Ok(answers) => to_wire(leaving, answers, version),
        Err(error) => LeaveGroupResponse::default().with_error_code(error.code()),
    }
}

fn to_wire(
    leaving: Vec<Leaving>,
    answers: Vec<Result<(), ResponseError>>,
    version: i16,
) -> LeaveGroupResponse {
    let mut codes = answers.into_iter().map(|answer| code(&answer));
    if version < 3 {
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

/// Before version 3 exactly one member leaves, and the answer is the error of the whole.
fn from_wire(request: &LeaveGroupRequest, version: i16) -> Vec<Leaving> {
    let no_reason = || "not provided".to_owned();
    if version < 3 {
        let member_id = request.member_id.to_string();
        return vec![Leaving {
            member_id,
            instance_id: None,
            reason: no_reason(),
        }];
    }
    let members = request.members.iter().map(|member| Leaving {
        member_id: member.member_id.to_string(),
        instance_id: member.group_instance_id.as_ref().map(ToString::to_string),
        reason: member
            .reason
            .as_ref()
            .map_or_else(no_reason, ToString::to_string),
    });
    members.collect()
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
            let answers = vec![Err(ResponseError::FencedInstanceId)];
            let mut bytes = BytesMut::new();
            to_wire(vec![leaving], answers, version).encode(&mut bytes, version).unwrap();
            let decoded = LeaveGroupResponse::decode(&mut bytes.freeze(), version).unwrap();
            let of_the_whole = if version < 3 { 82 } else { 0 };
            assert_eq!(decoded.error_code, of_the_whole);
            let of_the_member = decoded.members.first().map(|member| member.error_code);
            assert_eq!(of_the_member, (version >= 3).then_some(82));
        }
    }
}
