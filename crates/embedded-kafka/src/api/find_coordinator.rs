//! FindCoordinator (key 10, versions 0–6)
//!
//! Finds the node that coordinates a group or a transactional id. The first request of each kind
//! creates the topic in which the coordinators keep their state.
//!
//! Version notes:
//!
//! - v1: key type, and error messages (KIP-98)
//! - v3: flexible encoding (KIP-482)
//! - v4: several keys (KIP-699)
//! - v5: TRANSACTION_ABORTABLE (KIP-890), which is not sent
//! - v6: the key type of share groups (KIP-932), which is rejected

use kafka_protocol::ResponseError;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::message;
use super::words::{Asked, list};
use crate::wire::shape::{Kind, Shape, field};

/// The key type of a consumer group.
const GROUP: i8 = 0;

/// The key type of a transactional id.
const TRANSACTION: i8 = 1;

/// The first version with error messages (KIP-98).
const ERROR_MESSAGE: i16 = 1;

/// The first version for several keys (KIP-699).
const SEVERAL_KEYS: i16 = 4;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    3,
    &[
        field("key", Kind::String).until(3),
        field("key_type", Kind::Int8).since(1),
        field("coordinator_keys", Kind::Array(&Kind::String)).since(4),
    ],
);

pub(super) fn handle(
    request: FindCoordinatorRequest,
    version: i16,
    context: &Context,
) -> FindCoordinatorResponse {
    if version >= SEVERAL_KEYS {
        let coordinators =
            request.coordinator_keys.into_iter().map(|key| find(key, request.key_type, context));
        return FindCoordinatorResponse::default().with_coordinators(coordinators.collect());
    }
    let found = find(request.key, request.key_type, context);
    let response = FindCoordinatorResponse::default()
        .with_error_code(found.error_code)
        .with_node_id(found.node_id)
        .with_host(found.host)
        .with_port(found.port);
    if version >= ERROR_MESSAGE {
        response.with_error_message(found.error_message)
    } else {
        response
    }
}

fn find(key: StrBytes, key_type: i8, context: &Context) -> Coordinator {
    let state = &context.state;
    let node = match key_type {
        GROUP => state.find_group_coordinator(&key),
        TRANSACTION => state.find_transaction_coordinator(&key),
        _ => Err(ResponseError::InvalidRequest),
    };
    let coordinator = Coordinator::default().with_key(key);
    match node.map(|id| state.metadata.node(id)) {
        Ok(Some(node)) => coordinator
            .with_node_id(BrokerId(node.id))
            .with_host(StrBytes::from_string(node.address.ip().to_string()))
            .with_port(i32::from(node.address.port())),
        Ok(None) => failed(coordinator, ResponseError::CoordinatorNotAvailable),
        Err(error) => failed(coordinator, error),
    }
}

fn failed(coordinator: Coordinator, error: ResponseError) -> Coordinator {
    coordinator
        .with_node_id(BrokerId(-1))
        .with_port(-1)
        .with_error_code(error.code())
        .with_error_message(message(error.to_string()))
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: FindCoordinatorRequest,
    version: i16,
    code: i16,
) -> FindCoordinatorResponse {
    if version < SEVERAL_KEYS {
        return FindCoordinatorResponse::default()
            .with_error_code(code)
            .with_node_id(BrokerId(-1))
            .with_port(-1);
    }
    let coordinators = request.coordinator_keys.into_iter().map(|key| {
        Coordinator::default()
            .with_key(key)
            .with_error_code(code)
            .with_node_id(BrokerId(-1))
            .with_port(-1)
    });
    FindCoordinatorResponse::default().with_coordinators(coordinators.collect())
}

/// Describes a request in words.
pub(super) fn describe(request: &FindCoordinatorRequest) -> Asked {
    let keys = request.coordinator_keys.iter().chain(Some(&request.key));
    Asked::of(list(keys.filter(|key| !key.is_empty()).map(ToString::to_string)))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &FindCoordinatorResponse) -> Outcomes {
    let coordinators = response.coordinators.iter();
    Outcomes::whole(response.error_code)
        .and(Outcomes::listed(coordinators.map(|it| (it.key.as_str(), it.error_code))))
}
