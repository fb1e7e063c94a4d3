//! ListGroups (key 16, versions 0–5)
//!
//! Lists the groups that this node coordinates.
//!
//! Version notes:
//!
//! - v3: flexible encoding (KIP-482)
//! - v4: states, and a filter for them (KIP-518)
//! - v5: types, and a filter for them (KIP-848)

use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{GroupId, ListGroupsRequest, ListGroupsResponse};
use kafka_protocol::protocol::StrBytes;

use super::context::Context;
use super::outcomes::Outcomes;
use super::words::Asked;
use crate::group::Listed;
use crate::wire::shape::{Kind, Shape, field};

/// The first version with the states of groups (KIP-518).
const STATES: i16 = 4;

/// The first version with the types of groups (KIP-848).
const TYPES: i16 = 5;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    3,
    &[
        field("states_filter", Kind::Array(&Kind::String)).since(4),
        field("types_filter", Kind::Array(&Kind::String)).since(5),
    ],
);

/// Returns the type of a group, by the protocol of its members.
fn kind(group: &Listed) -> &'static str {
    if group.is_consumer_group { "consumer" } else { "classic" }
}

pub(super) fn handle(
    request: ListGroupsRequest,
    version: i16,
    context: &Context,
) -> ListGroupsResponse {
    let is_asked_for = |group: &Listed| {
        matches(&request.states_filter, group.state)
            && matches(&request.types_filter, kind(group))
            && context.check_group_read(&group.group).is_ok()
    };
    let groups = context.state.groups.list().into_iter().filter(is_asked_for);
    let groups = groups.map(|group| to_wire(group, version));
    ListGroupsResponse::default().with_groups(groups.collect())
}

/// Applies a filter, which ignores case. An empty one matches everything.
fn matches(filter: &[StrBytes], value: &str) -> bool {
    filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(value))
}

fn to_wire(group: Listed, version: i16) -> ListedGroup {
    let kind = kind(&group);
    let listed = ListedGroup::default()
        .with_group_id(GroupId(StrBytes::from_string(group.group)))
        .with_protocol_type(StrBytes::from_string(group.protocol_type));
    let listed = if version < STATES {
        listed
    } else {
        listed.with_group_state(StrBytes::from_static_str(group.state))
    };
    if version < TYPES { listed } else { listed.with_group_type(StrBytes::from_static_str(kind)) }
}

/// Responds with an error for all that was asked.
pub(super) fn reject(_request: ListGroupsRequest, _version: i16, code: i16) -> ListGroupsResponse {
    ListGroupsResponse::default().with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(_request: &ListGroupsRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &ListGroupsResponse) -> Outcomes {
    Outcomes::whole(response.error_code)
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
    fn a_filter_ignores_case_and_an_empty_one_matches_all() {
        let filter = [StrBytes::from_static_str("EMPTY"), StrBytes::from_static_str("stable")];
        assert!(matches(&filter, "Stable"));
        assert!(!matches(&filter, "Dead"));
        assert!(matches(&[], "Dead"));
    }
}
