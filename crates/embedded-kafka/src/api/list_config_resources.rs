//! ListConfigResources (key 74, versions 0–1)
//!
//! Lists the resources that can have settings. Topics and nodes are always listed, groups and
//! client metrics subscriptions (KIP-714) only if they have settings.
//!
//! Version notes:
//!
//! - v0: flexible encoding (KIP-482); client metrics subscriptions only (KIP-714)
//! - v1: resource types (KIP-1142)

use std::collections::BTreeSet;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_config_resources_response::ConfigResource;
use kafka_protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};
use kafka_protocol::protocol::StrBytes;

use super::config_resources::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};
use super::context::Context;
use super::outcomes::Outcomes;
use super::words::Asked;
use crate::wire::shape::{Kind, Shape, field};

/// The first version that asks for types of resources, instead of one type (KIP-1142).
const RESOURCE_TYPES: i16 = 1;

/// The types of all resources that can have settings.
const TYPES: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

/// The fields of a request.
pub(super) const SHAPE: Shape =
    Shape::flexible_since(0, &[field("resource_types", Kind::Array(&Kind::Int8)).since(1)]);

pub(super) fn handle(
    request: ListConfigResourcesRequest,
    version: i16,
    context: &Context,
) -> ListConfigResourcesResponse {
    let asked: BTreeSet<i8> = if version < RESOURCE_TYPES {
        [CLIENT_METRICS].into()
    } else if request.resource_types.is_empty() {
        TYPES.into()
    } else {
        request.resource_types.into_iter().collect()
    };
    if asked.iter().any(|kind| !TYPES.contains(kind)) {
        let error = ResponseError::UnsupportedVersion.code();
        return ListConfigResourcesResponse::default().with_error_code(error);
    }
    let resources = asked.into_iter().flat_map(|kind| {
        names(kind, context).into_iter().map(move |name| {
            ConfigResource::default()
                .with_resource_type(kind)
                .with_resource_name(StrBytes::from_string(name))
        })
    });
    ListConfigResourcesResponse::default().with_config_resources(resources.collect())
}

fn names(kind: i8, context: &Context) -> Vec<String> {
    let metadata = &context.state.metadata;
    match kind {
        TOPIC => metadata.topics().iter().map(|topic| topic.name.to_string()).collect(),
        BROKER | BROKER_LOGGER => metadata.nodes().iter().map(|node| node.id.to_string()).collect(),
        GROUP => metadata.group_overrides().into_keys().collect(),
        CLIENT_METRICS => metadata.metrics_subscriptions(),
        _ => Vec::new(),
    }
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    _request: ListConfigResourcesRequest,
    _version: i16,
    code: i16,
) -> ListConfigResourcesResponse {
    ListConfigResourcesResponse::default().with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(_request: &ListConfigResourcesRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &ListConfigResourcesResponse) -> Outcomes {
    Outcomes::whole(response.error_code)
}
