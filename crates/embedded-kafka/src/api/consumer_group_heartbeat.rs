//! ConsumerGroupHeartbeat, versions 0 and 1: how a member of the new protocol (KIP-848) joins, stays
//! and leaves, and how it is told what to read.
//!
//! Since version 1 a member chooses its own id, and may subscribe by a regular expression.

use std::collections::BTreeSet;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::consumer_group_heartbeat_request;
use kafka_protocol::messages::consumer_group_heartbeat_response::{Assignment, TopicPartitions};
use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{Context, message};
use crate::group::{ConsumerHeartbeat, HeartbeatAnswer, Topics};
use crate::rejection::Rejection;
use crate::metadata::Metadata;
use crate::records::Partitions;

pub(crate) fn handle(
    request: ConsumerGroupHeartbeatRequest,
    version: i16,
    context: &Context,
) -> ConsumerGroupHeartbeatResponse {
    let beat = from_wire(&request, version, context);
    match answer(&request.group_id, &beat, context) {
        Ok(answer) => to_wire(answer),
        Err(refused) => ConsumerGroupHeartbeatResponse::default()
            .with_error_code(refused.code.code())
            .with_error_message(message(refused.message)),
    }
}

fn answer(
    group_id: &str,
    beat: &ConsumerHeartbeat,
    context: &Context,
) -> Result<HeartbeatAnswer, Rejection> {
    if group_id.is_empty() {
        let message = "GroupId can't be empty.".into();
        return Err(Rejection { code: ResponseError::InvalidRequest, message });
    }
    beat.validate()?;
    context.check_coordinator(group_id)?;
    let topics = ClusterTopics(&context.state.metadata);
    context.state.groups.consumer_heartbeat(group_id, beat, &topics, context.now)
}

/// The topics that there are.
pub(super) struct ClusterTopics<'a>(pub(super) &'a Metadata);

impl Topics for ClusterTopics<'_> {
    fn find(&self, name: &str) -> Option<(Uuid, i32)> {
        let topic = self.0.topic(name)?;
        Some((topic.id, i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX)))
    }

    fn name(&self, id: Uuid) -> Option<String> {
        self.0.topic_by_id(id).map(|topic| topic.name.to_string())
    }

    fn matching(&self, is_match: &dyn Fn(&str) -> bool) -> BTreeSet<String> {
        let topics = self.0.topics().into_iter();
        topics.filter(|topic| is_match(&topic.name)).map(|topic| topic.name.to_string()).collect()
    }
}

fn from_wire(
    request: &ConsumerGroupHeartbeatRequest,
    version: i16,
    context: &Context,
) -> ConsumerHeartbeat {
    let text = |text: &Option<StrBytes>| text.as_ref().map(ToString::to_string);
    let mut member_id = request.member_id.to_string();
    if version == 0 && request.member_epoch == 0 && member_id.is_empty() {
        member_id = Uuid::new_v4().to_string();
    }
    let topics = request.subscribed_topic_names.as_ref();
    ConsumerHeartbeat {
        member_id,
        epoch: request.member_epoch,
        instance_id: text(&request.instance_id),
        rack_id: text(&request.rack_id),
        client_id: context.client_id.to_string(),
        client_host: format!("/{}", context.client_host),
        rebalance_timeout_ms: Some(request.rebalance_timeout_ms).filter(|timeout| *timeout != -1),
        topics: topics.map(|topics| topics.iter().map(|name| name.to_string()).collect()),
        regex: text(&request.subscribed_topic_regex),
        assignor: text(&request.server_assignor),
        owned: request.topic_partitions.as_deref().map(owned),
    }
}

fn owned(topics: &[consumer_group_heartbeat_request::TopicPartitions]) -> Partitions {
    let mut owned = Partitions::new();
    for topic in topics {
        owned.entry(topic.topic_id).or_default().extend(&topic.partitions);
    }
    owned
}

fn to_wire(answer: HeartbeatAnswer) -> ConsumerGroupHeartbeatResponse {
    let assignment = answer.assignment.map(|assignment| {
        let topics = assignment.into_iter().map(|(topic, partitions)| {
            TopicPartitions::default()
                .with_topic_id(topic)
                .with_partitions(partitions.into_iter().collect())
        });
        Assignment::default().with_topic_partitions(topics.collect())
    });
    ConsumerGroupHeartbeatResponse::default()
        .with_member_id(Some(StrBytes::from_string(answer.member_id)))
        .with_member_epoch(answer.epoch)
        .with_heartbeat_interval_ms(answer.interval_ms)
        .with_assignment(assignment)
}
