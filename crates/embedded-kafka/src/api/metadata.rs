//! Metadata: the nodes, and who leads which partition. What a client asks before anything else,
//! and again whenever a leader has moved.

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

use super::{CLUSTER_OPERATIONS, Context, NOT_ASKED_FOR, TOPIC_OPERATIONS, topic_name};
use crate::metadata::replication::NO_LEADER;
use crate::metadata::{Partition, Topic, names};

/// The first version in which a topic may be asked for by its id (KIP-516).
const TOPIC_IDS: i16 = 12;

pub(super) fn handle(request: MetadataRequest, version: i16, context: &Context) -> MetadataResponse {
    let names_ids = |topic: &MetadataRequestTopic| topic.name.is_none() || !topic.topic_id.is_nil();
    if version < TOPIC_IDS
        && let Some(asked) = request.topics.as_ref().filter(|asked| asked.iter().any(names_ids))
    {
        return refuse(asked);
    }
    let metadata = &context.state.metadata;
    let nodes = metadata.nodes();
    let brokers = nodes.iter().map(|node| {
        MetadataResponseBroker::default()
            .with_node_id(BrokerId(node.id))
            .with_host(StrBytes::from_string(node.address.ip().to_string()))
            .with_port(i32::from(node.address.port()))
            .with_rack(context.rack_of(node.id).filter(|_| version >= 1))
    });
    let of_cluster = match request.include_cluster_authorized_operations {
        true => CLUSTER_OPERATIONS,
        false => NOT_ASKED_FOR,
    };
    MetadataResponse::default()
        .with_cluster_authorized_operations(of_cluster)
        .with_brokers(brokers.collect())
        .with_cluster_id((version >= 2).then(|| metadata.cluster_id().to_owned().into()))
        .with_controller_id(BrokerId(metadata.controller()))
        .with_topics(topics_with_operations(request, version, context))
}

/// The versions before ids have a field for them which they must not use. As in Kafka the whole
/// request is refused.
fn refuse(asked: &[MetadataRequestTopic]) -> MetadataResponse {
    let topics = asked.iter().map(|topic| {
        let name = Some(topic.name.clone().unwrap_or_default());
        failed(name, topic.topic_id, ResponseError::InvalidRequest)
    });
    MetadataResponse::default().with_topics(topics.collect())
}

/// The topics, each with what may be done with it where that was asked for.
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
    let auto_create = request.allow_auto_topic_creation || version < 4;
    match request.topics {
        // In version 0 an empty list meant what null means since: all topics.
        Some(asked) if version > 0 || !asked.is_empty() => {
            // A topic is described once: naming one with many partitions often costs the client a
            // few bytes each time, and the answer megabytes.
            let mut seen = HashSet::new();
            asked
                .into_iter()
                .map(|topic| if topic.topic_id.is_nil() { topic } else { topic.with_name(None) })
                .filter(|topic| seen.insert((topic.name.clone(), topic.topic_id)))
                .map(|topic| answer(topic, auto_create, context))
                .collect()
        }
        _ => context.state.metadata.topics().iter().map(describe).collect(),
    }
}

fn answer(asked: MetadataRequestTopic, auto_create: bool, context: &Context) -> MetadataResponseTopic {
    let metadata = &context.state.metadata;
    let Some(name) = asked.name else {
        return match metadata.topic_by_id(asked.topic_id) {
            Some(topic) => describe(&topic),
            None => failed(None, asked.topic_id, ResponseError::UnknownTopicId),
        };
    };
    if let Some(topic) = metadata.topic(&name) {
        return describe(&topic);
    }
    let found = if auto_create && context.state.settings.auto_create_topics {
        let created = metadata.create_when_asked_for(&name);
        if created.is_ok() {
            context.state.topic_created(&name);
        }
        created.map_err(|refusal| match refusal.code {
            // Only the controller knows that a name collides with another, and its answer is not
            // waited for.
            ResponseError::InvalidTopicException if names::validate(&name).is_ok() => {
                ResponseError::UnknownTopicOrPartition
            }
            other => other,
        })
    } else {
        match names::validate(&name) {
            Ok(()) => Err(ResponseError::UnknownTopicOrPartition),
            Err(_) => Err(ResponseError::InvalidTopicException),
        }
    };
    match found {
        Ok(topic) => describe(&topic),
        Err(error) => failed(Some(name), Uuid::nil(), error),
    }
}

fn failed(name: Option<TopicName>, id: Uuid, error: ResponseError) -> MetadataResponseTopic {
    // Below version 12 a topic without a name cannot be encoded, and none is asked for without one.
    MetadataResponseTopic::default().with_error_code(error.code()).with_name(name).with_topic_id(id)
}

fn describe(topic: &Arc<Topic>) -> MetadataResponseTopic {
    MetadataResponseTopic::default()
        .with_name(Some(topic_name(&topic.name)))
        .with_topic_id(topic.id)
        .with_is_internal(topic.is_internal())
        .with_partitions(topic.partitions().iter().map(|partition| describe_one(partition)).collect())
}

fn describe_one(partition: &Partition) -> MetadataResponsePartition {
    let leadership = partition.leadership();
    let nodes = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect();
    let error = match leadership.leader {
        NO_LEADER => ResponseError::LeaderNotAvailable.code(),
        _ => 0,
    };
    MetadataResponsePartition::default()
        .with_error_code(error)
        .with_partition_index(partition.index)
        .with_leader_id(BrokerId(leadership.leader))
        .with_leader_epoch(leadership.epoch)
        .with_replica_nodes(nodes(&leadership.replicas))
        .with_isr_nodes(nodes(&leadership.in_sync))
        .with_offline_replicas(nodes(&leadership.offline))
}
