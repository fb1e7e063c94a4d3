//! Values that the responses of several APIs have in common, and errors as older clients know them.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{BrokerId, TopicName};
use kafka_protocol::protocol::StrBytes;

use crate::metadata::READ_COMMITTED;

/// The isolation levels that a reader may choose: everything, or committed records. Kafka has no
/// error for another level and fails.
pub(super) const ISOLATION_LEVELS: [i8; 2] = [0, READ_COMMITTED];

/// The operations on a topic: read, write, create, delete, alter, describe, describe and alter its
/// settings, each a bit. Without an authorizer every client may do all of them (KIP-430).
pub(super) const TOPIC_OPERATIONS: i32 =
    1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11;

/// The operations on a group: read, delete, describe, describe and alter its settings.
pub(super) const GROUP_OPERATIONS: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;

/// The operations on the cluster: create, alter, describe, cluster action, describe and alter its
/// settings, idempotent write.
pub(super) const CLUSTER_OPERATIONS: i32 =
    1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;

/// Stands for the operations if the request does not ask for them.
pub(super) const NOT_ASKED_FOR: i32 = i32::MIN;

/// Converts an error for clients that are too old to know `PRODUCER_FENCED` (KIP-588).
pub(super) fn without_fencing(error: ResponseError) -> ResponseError {
    match error {
        ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
        other => other,
    }
}

/// Converts an error for clients that know `TRANSACTION_ABORTABLE` (KIP-890): the producer wrote
/// outside of its transaction, which can be aborted as it is.
pub(super) fn to_be_aborted(error: ResponseError) -> ResponseError {
    match error {
        ResponseError::InvalidTxnState => ResponseError::TransactionAbortable,
        other => other,
    }
}

/// Returns whether a change had no time at all: Kafka's controller abandons it before it begins.
pub(super) fn has_no_time(timeout_ms: i32) -> bool {
    timeout_ms <= 0
}

/// Returns the code of a result on the wire, 0 for success.
pub(super) fn code<T>(result: &Result<T, ResponseError>) -> i16 {
    result.as_ref().err().map_or(0, ResponseError::code)
}

/// Converts a topic's name.
pub(super) fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

/// Converts the ids of nodes.
pub(super) fn nodes(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

/// Converts an error message; an empty one is left out.
pub(super) fn message(text: impl Into<String>) -> Option<StrBytes> {
    Some(text.into()).filter(|text| !text.is_empty()).map(StrBytes::from_string)
}

/// Lists the addresses of all nodes, for a client that sent its request to the wrong one (KIP-951).
macro_rules! node_endpoints {
    ($response:ident, $context:expr) => {
        $context
            .state
            .metadata
            .nodes()
            .iter()
            .map(|node| {
                kafka_protocol::messages::$response::NodeEndpoint::default()
                    .with_node_id(kafka_protocol::messages::BrokerId(node.id))
                    .with_host(kafka_protocol::protocol::StrBytes::from_string(
                        node.address.ip().to_string(),
                    ))
                    .with_port(i32::from(node.address.port()))
            })
            .collect()
    };
}
pub(super) use node_endpoints;
