//! DescribeConfigs (key 32, versions 1–4)
//!
//! Describes the settings of topics, nodes, groups and client metrics subscriptions, each with its
//! source and the places where it could have come from (KIP-226).
//!
//! Version notes:
//!
//! - v1: source and synonyms of each setting (KIP-226)
//! - v3: type and documentation of each setting (KIP-569)
//! - v4: flexible encoding (KIP-482)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::config_resources::{
    BROKER, BROKER_LOGGER, CLIENT_METRICS, ConfigStore, GROUP, TOPIC, node_id,
};
use super::context::Context;
use super::described_settings::{
    DYNAMIC_CLIENT_METRICS_CONFIG, DYNAMIC_GROUP_CONFIG, describe_all_nodes, describe_node,
    describe_settings, own_row,
};
use super::outcomes::Outcomes;
use super::words::Asked;
use crate::config::apache::Of;
use crate::config::{Layers, apache};
use crate::metadata::names;
use crate::rejection::Rejection;
use crate::wire::shape::{Kind, Shape, field};

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    4,
    &[
        field(
            "resources",
            Kind::Array(&Kind::Struct(&[
                field("resource_type", Kind::Int8),
                field("resource_name", Kind::String),
                field("configuration_keys", Kind::Array(&Kind::String)),
            ])),
        ),
        field("include_synonyms", Kind::Boolean),
        field("include_documentation", Kind::Boolean).since(3),
    ],
);

pub(super) fn handle(
    request: DescribeConfigsRequest,
    _version: i16,
    context: &Context,
) -> DescribeConfigsResponse {
    describe_all(&request, context.node, &*context.state)
}

pub(super) fn describe_all(
    request: &DescribeConfigsRequest,
    node: i32,
    store: &impl ConfigStore,
) -> DescribeConfigsResponse {
    let one = |resource: &DescribeConfigsResource| {
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        match describe_resource(resource, node, store) {
            // Kafka's message is empty here, not null.
            Ok(rows) => result
                .with_error_message(Some(StrBytes::default()))
                .with_configs(chosen(rows, resource, request)),
            Err(error) => result
                .with_error_code(error.code.code())
                .with_error_message(Some(StrBytes::from_string(error.message))),
        }
    };
    DescribeConfigsResponse::default().with_results(request.resources.iter().map(one).collect())
}

/// Selects the requested settings, each with the requested details.
fn chosen(
    mut rows: Vec<DescribeConfigsResourceResult>,
    resource: &DescribeConfigsResource,
    request: &DescribeConfigsRequest,
) -> Vec<DescribeConfigsResourceResult> {
    // An empty list requests every setting, as null does.
    if let Some(keys) = resource.configuration_keys.as_ref().filter(|keys| !keys.is_empty()) {
        rows.retain(|row| keys.contains(&row.name));
    }
    for row in &mut rows {
        if !request.include_synonyms {
            row.synonyms.clear();
        }
        if !request.include_documentation {
            row.documentation = None;
        }
    }
    rows
}

fn describe_resource(
    resource: &DescribeConfigsResource,
    node: i32,
    store: &impl ConfigStore,
) -> Result<Vec<DescribeConfigsResourceResult>, Rejection> {
    let name = &*resource.resource_name;
    match resource.resource_type {
        TOPIC => describe_topic(name, node, store),
        BROKER if name.is_empty() => Ok(describe_all_nodes(&store.layers(node))),
        BROKER => {
            let id = node_id(name, "Broker id")?;
            if id != node {
                return Err(Rejection::invalid_request(format!(
                    "Unexpected broker id, expected {node} or empty string, but received {id}"
                )));
            }
            Ok(describe_node(&store.layers(node)))
        }
        GROUP if name.is_empty() => Err(Rejection::invalid_request("Group name must not be empty")),
        GROUP => {
            let (own, layers) = (store.group_overrides(name), store.layers(node));
            let row = |it| own_row(it, &own, DYNAMIC_GROUP_CONFIG, &layers);
            Ok(apache::definitions(Of::Group).map(row).collect())
        }
        CLIENT_METRICS if name.is_empty() => {
            Err(Rejection::invalid_request("Client metrics subscription name must not be empty"))
        }
        CLIENT_METRICS => {
            let own = store.metrics_overrides(name);
            let row = |it| own_row(it, &own, DYNAMIC_CLIENT_METRICS_CONFIG, &Layers::default());
            Ok(apache::definitions(Of::ClientMetrics).map(row).collect())
        }
        BROKER_LOGGER if name.is_empty() => {
            Err(Rejection::invalid_request("Broker id must not be empty"))
        }
        BROKER_LOGGER => {
            let id = node_id(name, "Broker id")?;
            if id != node {
                let message = format!("Unexpected broker id, expected {node} but received {id}");
                return Err(Rejection::invalid_request(message));
            }
            Ok(Vec::new())
        }
        _ => Err(Rejection::invalid_request(
            "This most likely occurs because of a request being malformed by the client library \
             or the message was sent to an incompatible broker. \
             See the broker logs for more details.",
        )),
    }
}

fn describe_topic(
    name: &str,
    node: i32,
    store: &impl ConfigStore,
) -> Result<Vec<DescribeConfigsResourceResult>, Rejection> {
    names::validate(name)
        .map_err(|message| Rejection { code: ResponseError::InvalidTopicException, message })?;
    let config = store.topic_config(name, node).ok_or_else(|| Rejection {
        code: ResponseError::UnknownTopicOrPartition,
        message: String::new(),
    })?;
    Ok(describe_settings(&config, &store.layers(node)))
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: DescribeConfigsRequest,
    _version: i16,
    code: i16,
) -> DescribeConfigsResponse {
    let results = request.resources.into_iter().map(|resource| {
        DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name)
            .with_error_code(code)
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

/// Describes a request in words.
pub(super) fn describe(_request: &DescribeConfigsRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &DescribeConfigsResponse) -> Outcomes {
    let resources = response.results.iter();
    Outcomes::listed(resources.map(|it| (it.resource_name.as_str(), it.error_code)))
}
