//! DescribeCluster (key 60, versions 0–2)
//!
//! Describes the nodes and the cluster's id, for admin clients (KIP-700).
//!
//! Version notes:
//!
//! - v0: flexible encoding (KIP-482)
//! - v1: endpoint type: brokers or controllers (KIP-919)
//! - v2: fenced brokers (KIP-1073)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{BrokerId, DescribeClusterRequest, DescribeClusterResponse};
use kafka_protocol::protocol::StrBytes;

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::{CLUSTER_OPERATIONS, NOT_ASKED_FOR};
use super::words::Asked;
use crate::wire::shape::{Kind, Shape, field};

/// The endpoint type of brokers.
const BROKERS: i8 = 1;

/// The endpoint type of controllers, which have no endpoint of their own here (KIP-919).
const CONTROLLERS: i8 = 2;

/// The first version with an endpoint type (KIP-919).
const ENDPOINT_TYPE: i16 = 1;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    0,
    &[
        field("include_cluster_authorized_operations", Kind::Boolean),
        field("endpoint_type", Kind::Int8).since(1),
        field("include_fenced_brokers", Kind::Boolean).since(2),
    ],
);

pub(super) fn handle(
    request: DescribeClusterRequest,
    version: i16,
    context: &Context,
) -> DescribeClusterResponse {
    let metadata = &context.state.metadata;
    if version >= ENDPOINT_TYPE && request.endpoint_type != BROKERS {
        let (error, message) = if request.endpoint_type == CONTROLLERS {
            (
                ResponseError::MismatchedEndpointType,
                "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER",
            )
        } else {
            (ResponseError::UnsupportedEndpointType, "Unsupported endpoint type")
        };
        return DescribeClusterResponse::default()
            .with_error_code(error.code())
            .with_error_message(Some(StrBytes::from_static_str(message)));
    }
    let listed = metadata.nodes();
    let fenced = if request.include_fenced_brokers { metadata.fenced_nodes() } else { Vec::new() };
    let all = listed.iter().map(|node| (node, false));
    let brokers = all.chain(fenced.iter().map(|node| (node, true))).map(|(node, is_fenced)| {
        DescribeClusterBroker::default()
            .with_is_fenced(is_fenced)
            .with_broker_id(BrokerId(node.id))
            .with_host(StrBytes::from_string(node.address.ip().to_string()))
            .with_port(i32::from(node.address.port()))
            .with_rack(context.rack_of(node.id))
    });
    let operations = if request.include_cluster_authorized_operations {
        CLUSTER_OPERATIONS
    } else {
        NOT_ASKED_FOR
    };
    DescribeClusterResponse::default()
        .with_cluster_authorized_operations(operations)
        .with_cluster_id(metadata.cluster_id().to_owned().into())
        .with_controller_id(BrokerId(metadata.controller()))
        .with_brokers(brokers.collect())
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    _request: DescribeClusterRequest,
    _version: i16,
    code: i16,
) -> DescribeClusterResponse {
    DescribeClusterResponse::default().with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(_request: &DescribeClusterRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &DescribeClusterResponse) -> Outcomes {
    Outcomes::whole(response.error_code)
}
