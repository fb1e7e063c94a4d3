//! DeleteGroups (key 42, versions 0–2)
//!
//! Deletes groups without members, and all offsets that they have committed (KIP-229).
//!
//! Version notes:
//!
//! - v2: flexible encoding (KIP-482)

use std::collections::HashSet;

use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::code;
use super::words::{Asked, groups};
use crate::wire::shape::{Kind, Shape, field};

/// The fields of a request.
pub(super) const SHAPE: Shape =
    Shape::flexible_since(2, &[field("groups_names", Kind::Array(&Kind::String))]);

pub(super) fn handle(
    request: DeleteGroupsRequest,
    _version: i16,
    context: &Context,
) -> DeleteGroupsResponse {
    // A group that is named twice is deleted once, and is once in the response.
    let mut seen = HashSet::new();
    let named = request.groups_names.into_iter().filter(|group_id| seen.insert(group_id.clone()));
    let results = named.map(|group_id| {
        let result = context
            .check_group_write(&group_id)
            .and_then(|()| context.state.groups.delete(&group_id, context.now));
        DeletableGroupResult::default().with_group_id(group_id).with_error_code(code(&result))
    });
    DeleteGroupsResponse::default().with_results(results.collect())
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: DeleteGroupsRequest,
    _version: i16,
    code: i16,
) -> DeleteGroupsResponse {
    let results = request
        .groups_names
        .into_iter()
        .map(|group| DeletableGroupResult::default().with_group_id(group).with_error_code(code));
    DeleteGroupsResponse::default().with_results(results.collect())
}

/// Describes a request in words.
pub(super) fn describe(request: &DeleteGroupsRequest) -> Asked {
    Asked::of(groups(request.groups_names.iter()))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &DeleteGroupsResponse) -> Outcomes {
    let groups = response.results.iter();
    Outcomes::listed(groups.map(|it| (it.group_id.as_str(), it.error_code)))
}
