//! DeleteGroups, versions 0 to 2: groups without members, with all that they have committed.

use std::collections::HashSet;

use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::{Context, code};

pub(crate) fn handle(
    request: DeleteGroupsRequest,
    _version: i16,
    context: &Context,
) -> DeleteGroupsResponse {
    // A group that is named twice is deleted, and answered, once.
    let mut seen = HashSet::new();
    let named = request.groups_names.into_iter().filter(|group_id| seen.insert(group_id.clone()));
    let results = named.map(|group_id| {
        let answer = context
            .check_coordinator(&group_id)
            .and_then(|()| context.state.groups.delete(&group_id, context.now));
        DeletableGroupResult::default()
            .with_group_id(group_id)
            .with_error_code(code(&answer))
    });
    DeleteGroupsResponse::default().with_results(results.collect())
}
