//! ListGroups, versions 0 to 5: the groups that this node coordinates.

use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{GroupId, ListGroupsRequest, ListGroupsResponse};
use kafka_protocol::protocol::StrBytes;

use super::Context;
use crate::group::Listed;

/// The type of a group, by the protocol of its members.
fn kind(group: &Listed) -> &'static str {
    if group.is_consumer_group { "consumer" } else { "classic" }
}

pub(crate) fn handle(
    request: ListGroupsRequest,
    version: i16,
    context: &Context,
) -> ListGroupsResponse {
    let is_asked_for = |group: &Listed| {
        matches(&request.states_filter, group.state)
            && matches(&request.types_filter, kind(group))
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
    let kind = kind(&group);
    let listed = ListedGroup::default()
        .with_group_id(GroupId(StrBytes::from_string(group.group)))
        .with_protocol_type(StrBytes::from_string(group.protocol_type));
    let listed = match version {
        ..4 => listed,
        _ => listed.with_group_state(StrBytes::from_static_str(group.state)),
    };
    match version {
        ..5 => listed,
        _ => listed.with_group_type(StrBytes::from_static_str(kind)),
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_protocol::protocol::{Decodable, Encodable};

    use super::*;

    #[test]
    fn every_version_encodes_what_it_can_say() {
        for version in 0..=5 {
            let group = Listed {
                group: "east-coast-dpt".into(),
                protocol_type: "consumer".into(),
                state: "Stable",
                is_consumer_group: true,
            };
            let response = ListGroupsResponse::default().with_groups(vec![to_wire(group, version)]);
            let mut bytes = BytesMut::new();
            response.encode(&mut bytes, version).unwrap();
            let decoded = ListGroupsResponse::decode(&mut bytes.freeze(), version).unwrap();
            assert_eq!(decoded.groups[0].group_state.is_empty(), version < 4);
            assert_eq!(decoded.groups[0].group_type.is_empty(), version < 5);
        }
    }

    #[test]
    fn a_filter_ignores_case_and_none_lets_all_through() {
        let filter = [StrBytes::from_static_str("EMPTY"), StrBytes::from_static_str("stable")];
        assert!(matches(&filter, "Stable"));
        assert!(!matches(&filter, "Dead"));
        assert!(matches(&[], "Dead"));
    }
}
