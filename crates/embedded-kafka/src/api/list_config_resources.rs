//! ListConfigResources, versions 0 and 1: what can have settings (KIP-1142). Topics and nodes are listed
//! whether they have some or not, groups and subscriptions to clients' metrics (KIP-714) only where they
//! have.

use std::collections::BTreeSet;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_config_resources_response::ConfigResource;
use kafka_protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};
use kafka_protocol::protocol::StrBytes;

use super::Context;
use super::config_resources::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};

/// Everything that can have settings.
const TYPES: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

pub(super) fn handle(
    request: ListConfigResourcesRequest,
    version: i16,
    context: &Context,
) -> ListConfigResourcesResponse {
    // Version 0 asked for one type alone.
    let asked: BTreeSet<i8> = match version {
        0 => [CLIENT_METRICS].into(),
        _ if request.resource_types.is_empty() => TYPES.into(),
        _ => request.resource_types.into_iter().collect(),
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
