//! CreateTopics: new topics, each created or refused on its own.

use std::collections::HashMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse, TopicName};

use super::describe_configs::describe_settings;
use super::{Context, has_no_time, message};
use crate::metadata::{MOST_PARTITIONS, NewTopic, Topic};
use crate::rejection::Rejection;

pub(super) fn handle(
    request: CreateTopicsRequest,
    version: i16,
    context: &Context,
) -> CreateTopicsResponse {
    if partitions_asked_for(&request, context) > i64::from(MOST_PARTITIONS) {
        return refuse_all(request);
    }
    let mut named: HashMap<TopicName, usize> = HashMap::new();
    for topic in &request.topics {
        *named.entry(topic.name.clone()).or_default() += 1;
    }
    let mut results = Vec::with_capacity(named.len());
    for topic in request.topics {
        let name = topic.name.clone();
        let created = match named.get_mut(&name) {
            Some(1) if has_no_time(request.timeout_ms) => {
                Err(Rejection::new(ResponseError::RequestTimedOut, ""))
            }
            Some(1) => {
                context.state.metadata.create_topic(wanted(topic), request.validate_only)
            }
            // A topic that is named twice is refused, once.
            Some(times) if *times > 1 => {
                *times = 0;
                Err(Rejection::new(ResponseError::InvalidRequest, "Duplicate topic name."))
            }
            _ => continue,
        };
        results.push(match created {
            Ok(topic) => {
                if !request.validate_only {
                    context.state.topic_created(&topic.name);
                }
                describe(name, &topic, version, context)
            }
            Err(refusal) => CreatableTopicResult::default()
                .with_name(name)
                .with_error_code(refusal.code.code())
                .with_error_message(message(refusal.message)),
        });
    }
    CreateTopicsResponse::default().with_topics(results)
}

/// How many partitions a request asks for, all topics together. What is refused for its number
/// counts for none.
fn partitions_asked_for(request: &CreateTopicsRequest, context: &Context) -> i64 {
    let default = context.state.settings.default_partitions;
    let of = |topic: &CreatableTopic| match (topic.assignments.len(), topic.num_partitions) {
        (0, -1) => i64::from(default),
        (0, partitions) => i64::from(partitions.max(0)),
        (assignments, _) => assignments as i64,
    };
    request.topics.iter().map(of).sum()
}

/// As in Kafka, a request that asks for too much gets none of it.
fn refuse_all(request: CreateTopicsRequest) -> CreateTopicsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        CreatableTopicResult::default()
            .with_name(topic.name)
            .with_error_code(ResponseError::PolicyViolation.code())
            .with_error_message(message("Excessively large number of partitions per request."))
    });
    CreateTopicsResponse::default().with_topics(topics.collect())
}

fn wanted(topic: CreatableTopic) -> NewTopic {
    // -1 on the wire leaves the choice to the cluster. Other negative numbers are refused as they are.
    let chosen = |number: i32| (number != -1).then_some(number);
    NewTopic {
        name: topic.name.to_string(),
        partitions: chosen(topic.num_partitions),
        replication_factor: (topic.replication_factor != -1).then_some(topic.replication_factor),
        assignments: topic
            .assignments
            .into_iter()
            .map(|assignment| {
                let brokers = assignment.broker_ids.iter().map(|broker| broker.0).collect();
                (assignment.partition_index, brokers)
            })
            .collect(),
        config: topic
            .configs
            .into_iter()
            .map(|config| (config.name.to_string(), config.value.map(|value| value.to_string())))
            .collect(),
    }
}

/// What was created, settings included (KIP-525).
fn describe(
    name: TopicName,
    topic: &Topic,
    version: i16,
    context: &Context,
) -> CreatableTopicResult {
    // Kafka's schema has an empty message where nothing is wrong; its broker sends null.
    let result = CreatableTopicResult::default().with_name(name).with_error_message(None);
    let result = if version >= 7 { result.with_topic_id(topic.id) } else { result };
    if version < 5 {
        return result;
    }
    let partitions = topic.partitions();
    let replicas = partitions.first().map_or(0, |first| first.leadership().replicas.len());
    let layers = context.state.metadata.layers(context.node);
    let configs = describe_settings(&topic.config(), &layers).into_iter().map(|setting| {
        CreatableTopicConfigs::default()
            .with_name(setting.name)
            .with_value(setting.value)
            .with_read_only(setting.read_only)
            .with_config_source(setting.config_source)
            .with_is_sensitive(setting.is_sensitive)
    });
    result
        .with_num_partitions(partitions.len() as i32)
        .with_replication_factor(replicas as i16)
        .with_configs(Some(configs.collect()))
}
