//! ConsumerGroupHeartbeat (key 68, versions 0–1)
//!
//! Lets a member of the consumer protocol join, stay in and leave a group, and returns its
//! assignment (KIP-848).
//!
//! Version notes:
//!
//! - v0: flexible encoding (KIP-482); the coordinator chooses the member's id
//! - v1: the member chooses its own id (KIP-1082), and may subscribe by a regular expression
//!   (KIP-848)

use std::fmt::Write;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::consumer_group_heartbeat_request;
use kafka_protocol::messages::consumer_group_heartbeat_response::{Assignment, TopicPartitions};
use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::cluster_topics::ClusterTopics;
use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::message;
use super::words::{Asked, epoch, list, member};
use crate::group::{ConsumerHeartbeat, HeartbeatReply};
use crate::records::Partitions;
use crate::rejection::Rejection;
use crate::wire::shape::{Kind, Shape, field};

/// The first version in which a member chooses its own id (KIP-1082).
const OWN_MEMBER_ID: i16 = 1;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    0,
    &[
        field("group_id", Kind::String),
        field("member_id", Kind::String),
        field("member_epoch", Kind::Int32),
        field("instance_id", Kind::String),
        field("rack_id", Kind::String),
        field("rebalance_timeout_ms", Kind::Int32),
        field("subscribed_topic_names", Kind::Array(&Kind::String)),
        field("subscribed_topic_regex", Kind::String).since(1),
        field("server_assignor", Kind::String),
        field(
            "topic_partitions",
            Kind::Array(&Kind::Struct(&[
                field("topic_id", Kind::Uuid),
                field("partitions", Kind::Array(&Kind::Int32)),
            ])),
        ),
    ],
);

pub(super) fn handle(
    request: ConsumerGroupHeartbeatRequest,
    version: i16,
    context: &Context,
) -> ConsumerGroupHeartbeatResponse {
    let beat = from_wire(&request, version, context);
    match beat_at(&request.group_id, &beat, context) {
        Ok(result) => to_wire(result),
        Err(rejected) => ConsumerGroupHeartbeatResponse::default()
            .with_error_code(rejected.code.code())
            .with_error_message(message(rejected.message)),
    }
}

fn beat_at(
    group_id: &str,
    beat: &ConsumerHeartbeat,
    context: &Context,
) -> Result<HeartbeatReply, Rejection> {
    if group_id.is_empty() {
        let message = "GroupId can't be empty.";
        return Err(Rejection::new(ResponseError::InvalidRequest, message));
    }
    beat.validate()?;
    context.check_group_write(group_id)?;
    let topics = ClusterTopics(&context.state.metadata);
    context.state.groups.consumer_heartbeat(group_id, beat, &topics, context.now)
}

fn from_wire(
    request: &ConsumerGroupHeartbeatRequest,
    version: i16,
    context: &Context,
) -> ConsumerHeartbeat {
    let text = |text: &Option<StrBytes>| text.as_ref().map(ToString::to_string);
    let mut member_id = request.member_id.to_string();
    if version < OWN_MEMBER_ID && request.member_epoch == 0 && member_id.is_empty() {
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

fn to_wire(result: HeartbeatReply) -> ConsumerGroupHeartbeatResponse {
    let assignment = result.assignment.map(|assignment| {
        let topics = assignment.into_iter().map(|(topic, partitions)| {
            TopicPartitions::default()
                .with_topic_id(topic)
                .with_partitions(partitions.into_iter().collect())
        });
        Assignment::default().with_topic_partitions(topics.collect())
    });
    ConsumerGroupHeartbeatResponse::default()
        .with_member_id(Some(StrBytes::from_string(result.member_id)))
        .with_member_epoch(result.epoch)
        .with_heartbeat_interval_ms(result.interval_ms)
        .with_assignment(assignment)
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    _request: ConsumerGroupHeartbeatRequest,
    _version: i16,
    code: i16,
) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse::default().with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(request: &ConsumerGroupHeartbeatRequest) -> Asked {
    let mut words =
        format!("group {} member epoch {}", request.group_id.as_str(), request.member_epoch);
    words.push_str(match request.member_epoch {
        0 => " (joins)",
        -1 => " (leaves)",
        -2 => " (leaves temporarily)",
        _ => "",
    });
    // A heartbeat holds only what has changed. Writing into a String cannot fail.
    if let Some(topics) = &request.subscribed_topic_names {
        let _ = write!(words, ", wants {}", list(topics.iter().map(|topic| topic.to_string())));
    }
    if let Some(owned) = &request.topic_partitions {
        let owned: usize = owned.iter().map(|topic| topic.partitions.len()).sum();
        let _ = write!(words, ", has {owned} partition(s)");
    }
    let at = epoch(request.member_epoch);
    Asked::of(words).by(member(&request.member_id, request.instance_id.as_deref(), at))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &ConsumerGroupHeartbeatResponse) -> Outcomes {
    Outcomes::of(response.error_code, || {
        let assigned = response.assignment.as_ref().map(|assignment| {
            let topics = assignment.topic_partitions.iter();
            topics.map(|topic| topic.partitions.len()).sum::<usize>()
        });
        let assigned = assigned.map_or_else(
            || "no new assignment".to_owned(),
            |partitions| format!("{partitions} partition(s) assigned"),
        );
        format!("member epoch {}, {assigned}", response.member_epoch)
    })
}
