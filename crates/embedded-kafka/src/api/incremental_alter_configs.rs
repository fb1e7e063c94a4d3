//! IncrementalAlterConfigs (key 44, versions 0–1)
//!
//! Changes single settings of a resource and leaves the others as they are (KIP-339). This is what
//! `kafka-configs` sends.
//!
//! Version notes:
//!
//! - v1: flexible encoding (KIP-482)

use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};

use super::config_changes::{Alteration, alter};
use super::config_resources::ConfigStore;
use super::context::Context;
use super::outcomes::Outcomes;
use super::words::Asked;
use crate::config::{Change, Operation};
use crate::wire::shape::{Kind, Shape, field};

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    1,
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
                        field("config_operation", Kind::Int8),
                        field("value", Kind::String),
                    ])),
                ),
            ])),
        ),
        field("validate_only", Kind::Boolean),
    ],
);

pub(super) fn handle(
    request: IncrementalAlterConfigsRequest,
    _version: i16,
    context: &Context,
) -> IncrementalAlterConfigsResponse {
    alter_all(&request, context.node, &*context.state)
}

pub(super) fn alter_all(
    request: &IncrementalAlterConfigsRequest,
    node: i32,
    store: &impl ConfigStore,
) -> IncrementalAlterConfigsResponse {
    let alterations = request.resources.iter().map(|resource| Alteration {
        resource_type: resource.resource_type,
        name: &resource.resource_name,
        changes: resource
            .configs
            .iter()
            .map(|config| Change {
                name: &config.name,
                operation: Operation::from_id(config.config_operation),
                value: config.value.as_deref(),
            })
            .collect(),
        unknown_operation: resource
            .configs
            .iter()
            .map(|config| config.config_operation)
            .find(|operation| Operation::from_id(*operation).is_none()),
        replaces_all: false,
    });
    let results = alter(alterations, request.validate_only, node, store);
    let responses = request.resources.iter().zip(results).map(|(resource, (code, message))| {
        AlterConfigsResourceResponse::default()
            .with_error_code(code)
            .with_error_message(message)
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
    });
    IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: IncrementalAlterConfigsRequest,
    _version: i16,
    code: i16,
) -> IncrementalAlterConfigsResponse {
    let responses = request.resources.into_iter().map(|resource| {
        AlterConfigsResourceResponse::default()
            .with_error_code(code)
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name)
    });
    IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
}

/// Describes a request in words.
pub(super) fn describe(_request: &IncrementalAlterConfigsRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &IncrementalAlterConfigsResponse) -> Outcomes {
    let resources = response.responses.iter();
    Outcomes::listed(resources.map(|it| (it.resource_name.as_str(), it.error_code)))
}
