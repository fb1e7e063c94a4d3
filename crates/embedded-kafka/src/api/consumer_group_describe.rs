//! ConsumerGroupDescribe, versions 0 and 1: a group of the new protocol (KIP-848), its members, what
//! each has and what it is to have.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::consumer_group_describe_response::{
    Assignment, DescribedGroup, Member, TopicPartitions,
};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, GroupId,
};
use kafka_protocol::protocol::StrBytes;

use super::describe_groups::ALL_OPERATIONS;
use super::{Context, NOT_ASKED_FOR, message, topic_name};
use crate::group::{DescribedConsumer, DescribedConsumerGroup};
use crate::rejection::Rejection;
use crate::records::Partitions;

/// A member that speaks the new protocol, as opposed to one of the classic protocol (0).
const CONSUMER_MEMBER: i8 = 1;
/// And one of the classic one.
const CLASSIC_MEMBER: i8 = 0;

pub(crate) fn handle(
    request: ConsumerGroupDescribeRequest,
    version: i16,
    context: &Context,
) -> ConsumerGroupDescribeResponse {
    let operations =
        if request.include_authorized_operations { ALL_OPERATIONS } else { NOT_ASKED_FOR };
    let groups = request.group_ids.into_iter().map(|group_id| {
        match describe(&group_id, context) {
            Ok(group) => to_wire(group_id, group, version, context)
                .with_authorized_operations(operations),
            Err(refused) => DescribedGroup::default()
                .with_group_id(group_id)
                .with_error_code(refused.code.code())
                .with_error_message(message(refused.message))
                .with_authorized_operations(NOT_ASKED_FOR),
        }
    });
    ConsumerGroupDescribeResponse::default().with_groups(groups.collect())
}

fn describe(group_id: &str, context: &Context) -> Result<DescribedConsumerGroup, Rejection> {
    if group_id.is_empty() {
        return Err(ResponseError::InvalidGroupId.into());
    }
    context.check_coordinator(group_id)?;
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
        // Kafka has an empty one where there is none.
        .with_subscribed_topic_regex(Some(text(member.regex).unwrap_or_default()))
        .with_assignment(assignment(member.assigned, context))
        .with_target_assignment(assignment(member.target, context));
    if version >= 1 { described.with_member_type(member_type) } else { described }
}

/// Partitions with the names of their topics. A topic that is gone has none any more.
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
