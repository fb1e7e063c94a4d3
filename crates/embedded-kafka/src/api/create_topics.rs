//! CreateTopics (key 19, versions 2–7)
//!
//! Creates topics, each on its own: one that is rejected does not stop the others.
//!
//! Version notes:
//!
//! - v4: -1 leaves partitions and replication factor to the cluster (KIP-464)
//! - v5: flexible encoding (KIP-482), and the created topic in the response: partitions,
//!   replication factor, settings (KIP-525)
//! - v7: topic id in the response (KIP-516)

use std::collections::HashMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult,
};
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse, TopicName};

use super::context::Context;
use super::described_settings::describe_settings;
use super::outcomes::Outcomes;
use super::wire::{has_no_time, message};
use super::words::{Asked, list};
use crate::metadata::{MOST_PARTITIONS, NewTopic, Topic};
use crate::rejection::Rejection;
use crate::wire::shape::{Kind, Shape, field};

/// The first version that describes what was created (KIP-525).
const DESCRIPTION: i16 = 5;

/// The first version with the topic's id (KIP-516).
const TOPIC_ID: i16 = 7;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    5,
    &[
        field(
            "topics",
            Kind::Array(&Kind::Struct(&[
                field("name", Kind::String),
                field("num_partitions", Kind::Int32),
                field("replication_factor", Kind::Int16),
                field(
                    "assignments",
                    Kind::Array(&Kind::Struct(&[
                        field("partition_index", Kind::Int32),
                        field("broker_ids", Kind::Array(&Kind::Int32)),
                    ])),
                ),
                field(
                    "configs",
                    Kind::Array(&Kind::Struct(&[
                        field("name", Kind::String),
                        field("value", Kind::String),
                    ])),
                ),
            ])),
        ),
        field("timeout_ms", Kind::Int32),
        field("validate_only", Kind::Boolean),
    ],
);

pub(super) fn handle(
    request: CreateTopicsRequest,
    version: i16,
    context: &Context,
) -> CreateTopicsResponse {
    if partitions_asked_for(&request, context) > i64::from(MOST_PARTITIONS) {
        return reject_all(request);
    }
    let mut named: HashMap<TopicName, usize> = HashMap::new();
    for topic in &request.topics {
        *named.entry(topic.name.clone()).or_default() += 1;
    }
    let mut results = Vec::with_capacity(named.len());
    for topic in request.topics {
        let name = topic.name.clone();
        let outcome = match named.get_mut(&name) {
            Some(1) if has_no_time(request.timeout_ms) => {
                Err(Rejection::new(ResponseError::RequestTimedOut, ""))
            }
            Some(1) => context.state.metadata.create_topic(wanted(topic), request.validate_only),
            // A topic that is named twice is rejected, once.
            Some(times) if *times > 1 => {
                *times = 0;
                Err(Rejection::new(ResponseError::InvalidRequest, "Duplicate topic name."))
            }
            _ => continue,
        };
        results.push(match outcome {
            Ok(topic) => {
                if !request.validate_only {
                    context.state.topic_created(&topic.name);
                }
                created(name, &topic, version, context)
            }
            Err(rejection) => CreatableTopicResult::default()
                .with_name(name)
                .with_error_code(rejection.code.code())
                .with_error_message(message(rejection.message)),
        });
    }
    CreateTopicsResponse::default().with_topics(results)
}

/// Counts the partitions that a request asks for, all topics together. A topic that is rejected for
/// its number counts as 0.
fn partitions_asked_for(request: &CreateTopicsRequest, context: &Context) -> i64 {
    let default = context.state.settings.default_partitions;
    let of = |topic: &CreatableTopic| match (topic.assignments.len(), topic.num_partitions) {
        (0, -1) => i64::from(default),
        (0, partitions) => i64::from(partitions.max(0)),
        (assignments, _) => assignments as i64,
    };
    request.topics.iter().map(of).sum()
}

/// Rejects all topics: as in Kafka, a request that asks for too much gets none of it.
fn reject_all(request: CreateTopicsRequest) -> CreateTopicsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        CreatableTopicResult::default()
            .with_name(topic.name)
            .with_error_code(ResponseError::PolicyViolation.code())
            .with_error_message(message("Excessively large number of partitions per request."))
    });
    CreateTopicsResponse::default().with_topics(topics.collect())
}

fn wanted(topic: CreatableTopic) -> NewTopic {
    // -1 on the wire leaves the choice to the cluster. Other negative numbers are rejected as they
    // are.
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

/// Describes what was created, settings included (KIP-525).
fn created(
    name: TopicName,
    topic: &Topic,
    version: i16,
    context: &Context,
) -> CreatableTopicResult {
    // Kafka's schema has an empty message if there is no error; its broker sends null.
    let result = CreatableTopicResult::default().with_name(name).with_error_message(None);
    let result = if version >= TOPIC_ID { result.with_topic_id(topic.id) } else { result };
    if version < DESCRIPTION {
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

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: CreateTopicsRequest,
    _version: i16,
    code: i16,
) -> CreateTopicsResponse {
    let topics = request
        .topics
        .into_iter()
        .map(|topic| CreatableTopicResult::default().with_name(topic.name).with_error_code(code));
    CreateTopicsResponse::default().with_topics(topics.collect())
}

/// Describes a request in words.
pub(super) fn describe(request: &CreateTopicsRequest) -> Asked {
    Asked::of(list(request.topics.iter().map(|topic| {
        let (partitions, factor) = (topic.num_partitions, topic.replication_factor);
        format!("{} ({partitions} partitions, replication factor {factor})", topic.name.as_str())
    })))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &CreateTopicsResponse) -> Outcomes {
    let topics = response.topics.iter();
    let created = topics.map(|it| (it.name.as_str(), it.error_code, "ok".into()));
    // A topic may have been created whose settings must not be shown.
    let hidden = response.topics.iter().filter(|it| it.topic_config_error_code != 0);
    let place = |name: &str| format!("settings of {name}");
    Outcomes::each(created)
        .and(Outcomes::listed(hidden.map(|it| (place(&it.name), it.topic_config_error_code))))
}
