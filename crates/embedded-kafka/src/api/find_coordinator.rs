//! FindCoordinator: the node that answers for a group, or for a transactional id. The first question
//! of each kind creates the topic in which coordinators keep what they know.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Context, message};

/// The key type of a consumer group.
const GROUP: i8 = 0;

/// The key type of a transactional id.
const TRANSACTION: i8 = 1;

pub(super) fn handle(
    request: FindCoordinatorRequest,
    version: i16,
    context: &Context,
) -> FindCoordinatorResponse {
    if version >= 4 {
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
    if version >= 1 { response.with_error_message(found.error_message) } else { response }
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
