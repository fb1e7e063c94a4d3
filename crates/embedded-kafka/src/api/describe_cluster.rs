//! DescribeCluster, versions 0 to 2: the nodes and the cluster's id, for admin clients (KIP-700).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{BrokerId, DescribeClusterRequest, DescribeClusterResponse};
use kafka_protocol::protocol::StrBytes;

use super::{CLUSTER_OPERATIONS, Context, NOT_ASKED_FOR};

/// The endpoint type of brokers; controllers (2) have none of their own here (KIP-919).
const BROKERS: i8 = 1;

pub(super) fn handle(
    request: DescribeClusterRequest,
    version: i16,
    context: &Context,
) -> DescribeClusterResponse {
    let metadata = &context.state.metadata;
    if version >= 1 && request.endpoint_type != BROKERS {
        let (error, message) = if request.endpoint_type == 2 {
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
    let fenced =
        if request.include_fenced_brokers { metadata.fenced_nodes() } else { Vec::new() };
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
