//! LeaveGroup, versions 0 to 5: members go, one or (since version 3) several at once.

use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};
use kafka_protocol::protocol::StrBytes;

use super::Context;
use crate::group::Leaving;

#[expect(
    clippy::needless_pass_by_value,
    reason = "all handlers are called alike"
)]
pub(crate) fn handle(
    request: LeaveGroupRequest,
    version: i16,
    context: &Context,
) -> LeaveGroupResponse {
    let leaving = from_wire(&request, version);
    let answers = context.check_coordinator(&request.group_id).and_then(|()| {
        context
            .state
            .groups
            .leave(&request.group_id, &leaving, context.now)
    });
    let answers = match answers {
        Ok(answers) => answers,
        Err(error) => return LeaveGroupResponse::default().with_error_code(error.code()),
    };
    let codes = answers
        .into_iter()
        .map(|answer| answer.err().map_or(0, |error| error.code()));
    if version < 3 {
        return LeaveGroupResponse::default().with_error_code(codes.sum());
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
