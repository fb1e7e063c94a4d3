//! DescribeGroups (key 15, versions 0–6)
//!
//! Describes classic groups: their state, their members, and the assignment of each member.
//!
//! Version notes:
//!
//! - v3: authorized operations (KIP-430)
//! - v4: group instance id (KIP-345)
//! - v5: flexible encoding (KIP-482)
//! - v6: GROUP_ID_NOT_FOUND with a message, instead of only the state `Dead` (KIP-1043)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse, GroupId};
use kafka_protocol::protocol::StrBytes;

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::{GROUP_OPERATIONS, NOT_ASKED_FOR};
use super::words::{Asked, groups};
use crate::group::{Described, DescribedMember};
use crate::wire::shape::{Kind, Shape, field};

/// The first version with the operations that a client may do (KIP-430).
const OPERATIONS: i16 = 3;

/// The first version with group instance ids (KIP-345).
const INSTANCE_ID: i16 = 4;

/// The first version with an error for a group that does not exist, instead of the state `Dead`
/// (KIP-1043).
const GROUP_ID_NOT_FOUND: i16 = 6;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    5,
    &[
        field("groups", Kind::Array(&Kind::String)),
        field("include_authorized_operations", Kind::Boolean).since(3),
    ],
);

pub(super) fn handle(
    request: DescribeGroupsRequest,
    version: i16,
    context: &Context,
) -> DescribeGroupsResponse {
    let operations = if request.include_authorized_operations && version >= OPERATIONS {
        GROUP_OPERATIONS
    } else {
        NOT_ASKED_FOR
    };
    let groups =
        request.groups.into_iter().map(|group_id| match context.check_group_read(&group_id) {
            Err(error) => DescribedGroup::default()
                .with_group_id(group_id)
                .with_error_code(error.code())
                .with_authorized_operations(NOT_ASKED_FOR),
            Ok(()) => {
                let described = context.state.groups.describe(&group_id);
                to_wire(group_id, described, version).with_authorized_operations(operations)
            }
        });
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

fn to_wire(group_id: GroupId, group: Described, version: i16) -> DescribedGroup {
    let members = group.members.into_iter().map(|member| member_to_wire(member, version));
    let unknown_because = group.unknown_because.filter(|_| version >= GROUP_ID_NOT_FOUND);
    let error = unknown_because.as_ref().map_or(0, |_| ResponseError::GroupIdNotFound.code());
    DescribedGroup::default()
        .with_error_code(error)
        .with_error_message(unknown_because.map(StrBytes::from_string))
        .with_group_id(group_id)
        .with_group_state(StrBytes::from_static_str(group.state))
        .with_protocol_type(StrBytes::from_string(group.protocol_type))
        .with_protocol_data(StrBytes::from_string(group.protocol))
        .with_members(members.collect())
}

fn member_to_wire(member: DescribedMember, version: i16) -> DescribedGroupMember {
    let instance_id = member.instance_id.filter(|_| version >= INSTANCE_ID);
    DescribedGroupMember::default()
        .with_member_id(StrBytes::from_string(member.member_id))
        .with_group_instance_id(instance_id.map(StrBytes::from_string))
        .with_client_id(StrBytes::from_string(member.client_id))
        .with_client_host(StrBytes::from_string(member.client_host))
        .with_member_metadata(member.metadata)
        .with_member_assignment(member.assignment)
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: DescribeGroupsRequest,
    _version: i16,
    code: i16,
) -> DescribeGroupsResponse {
    let groups = request.groups.into_iter().map(|group| {
        DescribedGroup::default()
            .with_group_id(group)
            .with_error_code(code)
            .with_authorized_operations(NOT_ASKED_FOR)
    });
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

/// Describes a request in words.
pub(super) fn describe(request: &DescribeGroupsRequest) -> Asked {
    Asked::of(groups(request.groups.iter()))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &DescribeGroupsResponse) -> Outcomes {
    let groups = response.groups.iter();
    Outcomes::listed(groups.map(|it| (it.group_id.as_str(), it.error_code)))
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use kafka_protocol::protocol::{Decodable, Encodable};

    use super::*;

    #[test]
    fn every_version_encodes_what_it_can_say() {
        for version in 0..=5 {
            let member = DescribedMember {
                member_id: "a".into(),
                instance_id: Some("gate-1".into()),
                client_id: "rdkafka".into(),
                client_host: "/127.0.0.1".into(),
                metadata: Bytes::from_static(b"airports"),
                assignment: Bytes::from_static(b"0,1"),
            };
            let group = Described {
                state: "Stable",
                protocol_type: "consumer".into(),
                protocol: "range".into(),
                members: vec![member],
                unknown_because: None,
            };
            let group = to_wire(GroupId::default(), group, version)
                .with_authorized_operations(NOT_ASKED_FOR);
            let mut bytes = BytesMut::new();
            let response = DescribeGroupsResponse::default().with_groups(vec![group]);
            response.encode(&mut bytes, version).unwrap();
            let decoded = DescribeGroupsResponse::decode(&mut bytes.freeze(), version).unwrap();
            assert_eq!(&*decoded.groups[0].protocol_data, "range");
            let member = &decoded.groups[0].members[0];
            assert_eq!(member.group_instance_id.is_some(), version >= 4);
            assert_eq!(member.member_assignment, "0,1");
        }
    }
}
