//! ListGroups, versions 0 to 5: the groups that this node coordinates.

use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{GroupId, ListGroupsRequest, ListGroupsResponse};
use kafka_protocol::protocol::StrBytes;

use super::Context;
use crate::group::Listed;

/// The type of all groups here, as opposed to the `consumer` groups of KIP-848.
const CLASSIC: &str = "classic";

#[expect(
    clippy::needless_pass_by_value,
    reason = "all handlers are called alike"
)]
pub(crate) fn handle(
    request: ListGroupsRequest,
    version: i16,
    context: &Context,
) -> ListGroupsResponse {
    let is_asked_for = |group: &Listed| {
        matches(&request.states_filter, group.state)
            && matches(&request.types_filter, CLASSIC)
            && context.check_coordinator(&group.group).is_ok()
    };
    let groups = context.state.groups.list().into_iter().filter(is_asked_for);
    let groups = groups.map(|group| to_wire(group, version));
    ListGroupsResponse::default().with_groups(groups.collect())
}

/// No filter lets everything through; upper and lower case are the same.
fn matches(filter: &[StrBytes], value: &str) -> bool {
    filter.is_empty()
        || filter
            .iter()
            .any(|wanted| wanted.eq_ignore_ascii_case(value))
}

fn to_wire(group: Listed, version: i16) -> ListedGroup {
    let listed = ListedGroup::default()
        .with_group_id(GroupId(StrBytes::from_string(group.group)))
        .with_protocol_type(StrBytes::from_string(group.protocol_type));
    let listed = match version {
        ..4 => listed,
        _ => listed.with_group_state(StrBytes::from_static_str(group.state)),
    };
    match version {
        ..5 => listed,
        _ => listed.with_group_type(StrBytes::from_static_str(CLASSIC)),
    }
}
