//! AlterConfigs (key 33, versions 0–2)
//!
//! Replaces all settings of a resource. Settings that the request does not name go back to their
//! defaults.
//!
//! IncrementalAlterConfigs supersedes it (KIP-339), but librdkafka's `AlterConfigs` still sends it.
//!
//! Version notes:
//!
//! - v2: flexible encoding (KIP-482)

use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};

use super::config_changes::{Alteration, alter};
use super::config_resources::ConfigStore;
use super::context::Context;
use super::outcomes::Outcomes;
use super::words::Asked;
use crate::config::{Change, Operation};
use crate::wire::shape::{Kind, Shape, field};

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    2,
    &[
        field(
            "resources",
            Kind::Array(&Kind::Struct(&[
                field("resource_type", Kind::Int8),
                field("resource_name", Kind::String),
                field(
                    "configs",
                    Kind::Array(&Kind::Struct(&[
                        field("name", Kind::String),
                        field("value", Kind::String),
                    ])),
                ),
            ])),
        ),
        field("validate_only", Kind::Boolean),
    ],
);

pub(super) fn handle(
    request: AlterConfigsRequest,
    _version: i16,
    context: &Context,
) -> AlterConfigsResponse {
    alter_all(&request, context.node, &*context.state)
}

pub(super) fn alter_all(
    request: &AlterConfigsRequest,
    node: i32,
    store: &impl ConfigStore,
) -> AlterConfigsResponse {
    let alterations = request.resources.iter().map(|resource| Alteration {
        resource_type: resource.resource_type,
        name: &resource.resource_name,
        changes: resource
            .configs
            .iter()
            .map(|config| Change {
                name: &config.name,
                operation: Some(Operation::Set),
                value: config.value.as_deref(),
            })
            .collect(),
        unknown_operation: None,
        replaces_all: true,
    });
    let results = alter(alterations, request.validate_only, node, store);
    let responses = request.resources.iter().zip(results).map(|(resource, (code, message))| {
        AlterConfigsResourceResponse::default()
            .with_error_code(code)
            .with_error_message(message)
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
    });
    AlterConfigsResponse::default().with_responses(responses.collect())
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: AlterConfigsRequest,
    _version: i16,
    code: i16,
) -> AlterConfigsResponse {
    let responses = request.resources.into_iter().map(|resource| {
        AlterConfigsResourceResponse::default()
            .with_error_code(code)
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name)
    });
    AlterConfigsResponse::default().with_responses(responses.collect())
}

/// Describes a request in words.
pub(super) fn describe(_request: &AlterConfigsRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &AlterConfigsResponse) -> Outcomes {
    let resources = response.responses.iter();
    Outcomes::listed(resources.map(|it| (it.resource_name.as_str(), it.error_code)))
}
