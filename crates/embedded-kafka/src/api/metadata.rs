//! Metadata (key 3, versions 0–13)
//!
//! Describes the nodes, and the leader of each partition. Clients send it before anything else, and
//! again whenever a leader has moved.
//!
//! Version notes:
//!
//! - v1: null for all topics, and an empty list for none; racks, controller and internal topics
//! - v2: cluster id
//! - v4: allow_auto_topic_creation, which was true before
//! - v5: offline replicas (KIP-112)
//! - v7: leader epochs (KIP-320)
//! - v8: authorized operations (KIP-430)
//! - v9: flexible encoding (KIP-482)
//! - v10: topic ids in the response (KIP-516); the request has a field for them, which must stay
//!   empty
//! - v11: the cluster's authorized operations move to DescribeCluster (KIP-700)
//! - v12: topics by id (KIP-516)
//! - v13: an error code for the whole response (KIP-1102)

use std::collections::HashSet;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::context::Context;
use super::outcomes::Outcomes;
use super::topic_description::{describe_partition, leader_error, missing_topic};
use super::wire::{CLUSTER_OPERATIONS, NOT_ASKED_FOR, TOPIC_OPERATIONS, nodes, topic_name};
use super::words::{Asked, list, topic_or_id};
use crate::metadata::{Partition, Topic, names};
use crate::wire::shape::{Kind, Shape, field};

/// The first version in which null asks for all topics, and which has racks.
const NULL_FOR_ALL: i16 = 1;

/// The first version with the cluster's id.
const CLUSTER_ID: i16 = 2;

/// The first version in which a client may forbid to create topics.
const AUTO_CREATION: i16 = 4;

/// The first version in which a topic may be asked for by its id (KIP-516).
const TOPIC_IDS: i16 = 12;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    9,
    &[
        field(
            "topics",
            Kind::Array(&Kind::Struct(&[
                field("topic_id", Kind::Uuid).since(10),
                field("name", Kind::String),
            ])),
        ),
        field("allow_auto_topic_creation", Kind::Boolean).since(4),
        field("include_cluster_authorized_operations", Kind::Boolean).since(8).until(10),
        field("include_topic_authorized_operations", Kind::Boolean).since(8),
    ],
);

pub(super) fn handle(
    request: MetadataRequest,
    version: i16,
    context: &Context,
) -> MetadataResponse {
    let names_ids = |topic: &MetadataRequestTopic| topic.name.is_none() || !topic.topic_id.is_nil();
    if version < TOPIC_IDS
        && let Some(asked) = request.topics.as_ref().filter(|asked| asked.iter().any(names_ids))
    {
        return reject_ids(asked);
    }
    let metadata = &context.state.metadata;
    let nodes = metadata.nodes();
    let brokers = nodes.iter().map(|node| {
        MetadataResponseBroker::default()
            .with_node_id(BrokerId(node.id))
            .with_host(StrBytes::from_string(node.address.ip().to_string()))
            .with_port(i32::from(node.address.port()))
            .with_rack(context.rack_of(node.id).filter(|_| version >= NULL_FOR_ALL))
    });
    let of_cluster = match request.include_cluster_authorized_operations {
        true => CLUSTER_OPERATIONS,
        false => NOT_ASKED_FOR,
    };
    MetadataResponse::default()
        .with_cluster_authorized_operations(of_cluster)
        .with_brokers(brokers.collect())
        .with_cluster_id((version >= CLUSTER_ID).then(|| metadata.cluster_id().to_owned().into()))
        .with_controller_id(BrokerId(metadata.controller()))
        .with_topics(topics_with_operations(request, version, context))
}

/// Rejects the whole request, as Kafka does: the versions before ids have a field for them that a
/// client must not use.
fn reject_ids(asked: &[MetadataRequestTopic]) -> MetadataResponse {
    let topics = asked.iter().map(|topic| {
        let name = Some(topic.name.clone().unwrap_or_default());
        failed(name, topic.topic_id, ResponseError::InvalidRequest)
    });
    MetadataResponse::default().with_topics(topics.collect())
}

/// Describes the topics, each with the allowed operations if the client asks for them.
fn topics_with_operations(
    request: MetadataRequest,
    version: i16,
    context: &Context,
) -> Vec<MetadataResponseTopic> {
    let are_asked_for = request.include_topic_authorized_operations;
    let mut topics = topics(request, version, context);
    for topic in topics.iter_mut().filter(|_| are_asked_for) {
        topic.topic_authorized_operations = TOPIC_OPERATIONS;
    }
    topics
}

fn topics(request: MetadataRequest, version: i16, context: &Context) -> Vec<MetadataResponseTopic> {
    let auto_create = request.allow_auto_topic_creation || version < AUTO_CREATION;
    match request.topics {
        // In version 0 an empty list means what null means in the others: all topics.
        Some(asked) if version >= NULL_FOR_ALL || !asked.is_empty() => {
            // A topic is described once: naming one with many partitions again costs the client a
            // few bytes each time, and the response megabytes.
            let mut seen = HashSet::new();
            asked
                .into_iter()
                .map(|topic| if topic.topic_id.is_nil() { topic } else { topic.with_name(None) })
                .filter(|topic| seen.insert((topic.name.clone(), topic.topic_id)))
                .map(|topic| find_or_create(topic, auto_create, context))
                .collect()
        }
        _ => context.state.metadata.topics().iter().map(describe_topic).collect(),
    }
}

fn find_or_create(
    asked: MetadataRequestTopic,
    auto_create: bool,
    context: &Context,
) -> MetadataResponseTopic {
    let metadata = &context.state.metadata;
    let Some(name) = asked.name else {
        return match metadata.topic_by_id(asked.topic_id) {
            Some(topic) => describe_topic(&topic),
            None => failed(None, asked.topic_id, ResponseError::UnknownTopicId),
        };
    };
    if let Some(topic) = metadata.topic(&name) {
        return describe_topic(&topic);
    }
    let found = if auto_create && context.state.settings.auto_create_topics {
        let created = metadata.create_when_asked_for(&name);
        if created.is_ok() {
            context.state.topic_created(&name);
        }
        created.map_err(|rejection| match rejection.code {
            // Only the controller knows that a name collides with another, and Kafka does not wait
            // for it.
            ResponseError::InvalidTopicException if names::validate(&name).is_ok() => {
                ResponseError::UnknownTopicOrPartition
            }
            other => other,
        })
    } else {
        Err(missing_topic(&name))
    };
    match found {
        Ok(topic) => describe_topic(&topic),
        Err(error) => failed(Some(name), Uuid::nil(), error),
    }
}

fn failed(name: Option<TopicName>, id: Uuid, error: ResponseError) -> MetadataResponseTopic {
    // Below version 12 a topic without a name cannot be encoded, and no request has a topic without
    // one.
    MetadataResponseTopic::default().with_error_code(error.code()).with_name(name).with_topic_id(id)
}

fn describe_topic(topic: &Arc<Topic>) -> MetadataResponseTopic {
    MetadataResponseTopic::default()
        .with_name(Some(topic_name(&topic.name)))
        .with_topic_id(topic.id)
        .with_is_internal(topic.is_internal())
        .with_partitions(
            topic.partitions().iter().map(|partition| describe_one(partition)).collect(),
        )
}

fn describe_one(partition: &Partition) -> MetadataResponsePartition {
    let leadership = partition.leadership();
    describe_partition!(MetadataResponsePartition, partition, leadership)
}

/// Responds with an error for all that was asked.
pub(super) fn reject(request: MetadataRequest, _version: i16, code: i16) -> MetadataResponse {
    let topics = request.topics.unwrap_or_default().into_iter().map(|topic| {
        MetadataResponseTopic::default()
            .with_error_code(code)
            .with_name(Some(topic.name.unwrap_or_default()))
            .with_topic_id(topic.topic_id)
    });
    MetadataResponse::default().with_topics(topics.collect())
}

/// Describes a request in words.
pub(super) fn describe(request: &MetadataRequest) -> Asked {
    Asked::of(match &request.topics {
        Some(topics) => {
            list(topics.iter().map(|topic| topic.name.clone().unwrap_or_default().to_string()))
        }
        None => "all topics".into(),
    })
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &MetadataResponse) -> Outcomes {
    let topics = response.topics.iter().map(|topic| {
        let name = topic.name.as_ref().map_or("", |name| name.as_str());
        let partitions = topic.partitions.iter();
        let partitions = partitions.map(|it| (it.partition_index, it.error_code));
        (topic_or_id(name, topic.topic_id), topic.error_code, partitions)
    });
    Outcomes::whole(response.error_code).and(Outcomes::topics(topics))
}
