//! Heartbeat (key 12, versions 0–4)
//!
//! Keeps a member of a classic group alive, and reports a rebalance to it.
//!
//! Version notes:
//!
//! - v3: group instance id (KIP-345)
//! - v4: flexible encoding (KIP-482)

use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse};

use super::context::{Context, named_group};
use super::outcomes::Outcomes;
use super::wire::code;
use super::words::{Asked, generation, member};
use crate::wire::shape::{Kind, Shape, field};

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    4,
    &[
        field("group_id", Kind::String),
        field("generation_id", Kind::Int32),
        field("member_id", Kind::String),
        field("group_instance_id", Kind::String).since(3),
    ],
);

pub(super) fn handle(
    request: HeartbeatRequest,
    _version: i16,
    context: &Context,
) -> HeartbeatResponse {
    let coordinated = named_group(&request.group_id).and_then(|it| context.check_group_read(it));
    let result = coordinated.and_then(|()| {
        context.state.groups.heartbeat(
            &request.group_id,
            &request.member_id,
            request.group_instance_id.as_deref(),
            request.generation_id,
            context.now,
        )
    });
    HeartbeatResponse::default().with_error_code(code(&result))
}

/// Responds with an error for all that was asked.
pub(super) fn reject(_request: HeartbeatRequest, _version: i16, code: i16) -> HeartbeatResponse {
    HeartbeatResponse::default().with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(request: &HeartbeatRequest) -> Asked {
    let at = generation(request.generation_id);
    Asked::of(format!("group {} generation {}", request.group_id.as_str(), request.generation_id))
        .by(member(&request.member_id, request.group_instance_id.as_deref(), at))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &HeartbeatResponse) -> Outcomes {
    Outcomes::whole(response.error_code)
}
