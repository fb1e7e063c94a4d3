//! Heartbeat, versions 0 to 4: a member shows that it is alive, and learns of a rebalance.

use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse};

use super::{Context, code};

pub(crate) fn handle(
    request: HeartbeatRequest,
    _version: i16,
    context: &Context,
) -> HeartbeatResponse {
    let answer = context.check_members_coordinator(&request.group_id).and_then(|()| {
        context.state.groups.heartbeat(
            &request.group_id,
            &request.member_id,
            request.group_instance_id.as_deref(),
            request.generation_id,
            context.now,
        )
    });
    HeartbeatResponse::default().with_error_code(code(&answer))
}
