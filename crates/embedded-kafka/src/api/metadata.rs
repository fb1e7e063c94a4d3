//! Metadata: the nodes, and who leads which partition. What a client asks before anything else,
//! and again whenever a leader has moved.

use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{Context, topic_name};
use crate::metadata::{NewTopic, Partition, Topic};

pub(super) fn handle(request: MetadataRequest, version: i16, context: &Context) -> MetadataResponse {
    let metadata = &context.state.metadata;
    let brokers = metadata.nodes().iter().map(|node| {
        MetadataResponseBroker::default()
            .with_node_id(BrokerId(node.id))
            .with_host(StrBytes::from_string(node.address.ip().to_string()))
            .with_port(i32::from(node.address.port()))
    });
    MetadataResponse::default()
        .with_brokers(brokers.collect())
        .with_cluster_id((version >= 2).then(|| metadata.cluster_id().to_owned().into()))
        .with_controller_id(BrokerId(metadata.controller()))
        .with_topics(topics(request, version, context))
}

fn topics(request: MetadataRequest, version: i16, context: &Context) -> Vec<MetadataResponseTopic> {
    let auto_create = request.allow_auto_topic_creation || version < 4;
    match request.topics {
        // In version 0 an empty list meant what null means since: all topics.
        Some(asked) if version > 0 || !asked.is_empty() => {
            asked.into_iter().map(|topic| answer(topic, auto_create, context)).collect()
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
        let new = NewTopic { name: name.to_string(), ..NewTopic::default() };
        match metadata.create_topic(new, false) {
            // Two clients that ask at the same moment both get the topic.
            Err(refusal) if refusal.code == ResponseError::TopicAlreadyExists => {
                metadata.topic(&name).ok_or(ResponseError::UnknownTopicOrPartition)
            }
            created => created.map_err(|refusal| refusal.code),
        }
    } else {
        match crate::metadata::names::validate(&name) {
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
    // Below version 12 a topic without a name cannot be encoded, and only from there on is one asked for.
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
    MetadataResponsePartition::default()
        .with_partition_index(partition.index)
        .with_leader_id(BrokerId(leadership.leader))
        .with_leader_epoch(leadership.epoch)
        .with_replica_nodes(nodes(&leadership.replicas))
        .with_isr_nodes(nodes(&leadership.in_sync))
        .with_offline_replicas(leadership.offline().map(BrokerId).collect())
}
