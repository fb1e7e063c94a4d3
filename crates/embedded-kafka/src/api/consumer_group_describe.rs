//! ConsumerGroupDescribe (key 69, versions 0–1)
//!
//! Describes a group of the consumer protocol: its members with their current and their target
//! assignments (KIP-848).
//!
//! Version notes:
//!
//! - v0: flexible encoding (KIP-482)
//! - v1: the type of each member: classic or consumer (KIP-1099)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::consumer_group_describe_response::{
    Assignment, DescribedGroup, Member, TopicPartitions,
};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, GroupId,
};
use kafka_protocol::protocol::StrBytes;

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::{GROUP_OPERATIONS, NOT_ASKED_FOR, message, topic_name};
use super::words::{Asked, groups};
use crate::group::{DescribedConsumer, DescribedConsumerGroup};
use crate::records::Partitions;
use crate::rejection::Rejection;
use crate::wire::shape::{Kind, Shape, field};

/// The type of a member of the classic protocol.
const CLASSIC_MEMBER: i8 = 0;

/// The type of a member of the consumer protocol.
const CONSUMER_MEMBER: i8 = 1;

/// The first version with the type of each member (KIP-1099).
const MEMBER_TYPE: i16 = 1;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    0,
    &[
        field("group_ids", Kind::Array(&Kind::String)),
        field("include_authorized_operations", Kind::Boolean),
    ],
);

pub(super) fn handle(
    request: ConsumerGroupDescribeRequest,
    version: i16,
    context: &Context,
) -> ConsumerGroupDescribeResponse {
    let operations =
        if request.include_authorized_operations { GROUP_OPERATIONS } else { NOT_ASKED_FOR };
    let groups = request.group_ids.into_iter().map(|group_id| match find(&group_id, context) {
        Ok(group) => {
            to_wire(group_id, group, version, context).with_authorized_operations(operations)
        }
        Err(rejected) => DescribedGroup::default()
            .with_group_id(group_id)
            .with_error_code(rejected.code.code())
            .with_error_message(message(rejected.message))
            .with_authorized_operations(NOT_ASKED_FOR),
    });
    ConsumerGroupDescribeResponse::default().with_groups(groups.collect())
}

fn find(group_id: &str, context: &Context) -> Result<DescribedConsumerGroup, Rejection> {
    if group_id.is_empty() {
        return Err(ResponseError::InvalidGroupId.into());
    }
    // The response waits like that of a write: it must not show a state that a failover could take
    // back.
    context.check_group_write(group_id)?;
    context.state.groups.describe_consumer_group(group_id)
}

fn to_wire(
    group_id: GroupId,
    group: DescribedConsumerGroup,
    version: i16,
    context: &Context,
) -> DescribedGroup {
    let members = group.members.into_iter().map(|member| member_to_wire(member, version, context));
    DescribedGroup::default()
        .with_group_id(group_id)
        .with_group_state(StrBytes::from_static_str(group.state))
        .with_group_epoch(group.epoch)
        .with_assignment_epoch(group.assignment_epoch)
        .with_assignor_name(StrBytes::from_static_str(group.assignor))
        .with_members(members.collect())
}

fn member_to_wire(member: DescribedConsumer, version: i16, context: &Context) -> Member {
    let member_type = if member.is_classic { CLASSIC_MEMBER } else { CONSUMER_MEMBER };
    let text = |text: Option<String>| text.map(StrBytes::from_string);
    let topics = member.topics.iter().map(|name| topic_name(name));
    let described = Member::default()
        .with_member_id(StrBytes::from_string(member.member_id))
        .with_instance_id(text(member.instance_id))
        .with_rack_id(text(member.rack_id))
        .with_member_epoch(member.epoch)
        .with_client_id(StrBytes::from_string(member.client_id))
        .with_client_host(StrBytes::from_string(member.client_host))
        .with_subscribed_topic_names(topics.collect())
        // Kafka has an empty assignor name if there is none.
        .with_subscribed_topic_regex(Some(text(member.regex).unwrap_or_default()))
        .with_assignment(assignment(member.assigned, context))
        .with_target_assignment(assignment(member.target, context));
    if version >= MEMBER_TYPE { described.with_member_type(member_type) } else { described }
}

/// Names the topics of partitions. A deleted topic has no name, and is left out.
fn assignment(partitions: Partitions, context: &Context) -> Assignment {
    let topics = partitions.into_iter().filter_map(|(id, partitions)| {
        let topic = context.state.metadata.topic_by_id(id)?;
        let described = TopicPartitions::default()
            .with_topic_id(id)
            .with_topic_name(topic_name(&topic.name))
            .with_partitions(partitions.into_iter().collect());
        Some(described)
    });
    Assignment::default().with_topic_partitions(topics.collect())
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: ConsumerGroupDescribeRequest,
    _version: i16,
    code: i16,
) -> ConsumerGroupDescribeResponse {
    let groups = request
        .group_ids
        .into_iter()
        .map(|group| DescribedGroup::default().with_group_id(group).with_error_code(code));
    ConsumerGroupDescribeResponse::default().with_groups(groups.collect())
}

/// Describes a request in words.
pub(super) fn describe(request: &ConsumerGroupDescribeRequest) -> Asked {
    Asked::of(groups(request.group_ids.iter()))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &ConsumerGroupDescribeResponse) -> Outcomes {
    Outcomes::each(response.groups.iter().map(|group| {
        let (state, epoch) = (group.group_state.as_str(), group.group_epoch);
        let fine = format!("{state}, group epoch {epoch}, {} member(s)", group.members.len());
        (group.group_id.as_str(), group.error_code, fine)
    }))
}
