//! CreatePartitions (key 37, versions 0–3)
//!
//! Adds partitions to topics (KIP-195). There is no way back, and a key that was hashed over the
//! old count may map to another partition.
//!
//! Version notes:
//!
//! - v2: flexible encoding (KIP-482)
//! - v3: THROTTLING_QUOTA_EXCEEDED (KIP-599), which is not sent

use std::collections::HashMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse, TopicName};

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::{has_no_time, message};
use super::words::{Asked, list};
use crate::metadata::MOST_PARTITIONS;
use crate::rejection::Rejection;
use crate::wire::shape::{Kind, Shape, field};

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    2,
    &[
        field(
            "topics",
            Kind::Array(&Kind::Struct(&[
                field("name", Kind::String),
                field("count", Kind::Int32),
                field(
                    "assignments",
                    Kind::Array(&Kind::Struct(&[field("broker_ids", Kind::Array(&Kind::Int32))])),
                ),
            ])),
        ),
        field("timeout_ms", Kind::Int32),
        field("validate_only", Kind::Boolean),
    ],
);

pub(super) fn handle(
    request: CreatePartitionsRequest,
    _version: i16,
    context: &Context,
) -> CreatePartitionsResponse {
    if added_by(&request, context) > i64::from(MOST_PARTITIONS) {
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
            Some(1) => create(topic, request.validate_only, context),
            Some(times) if *times > 1 => {
                *times = 0;
                Err(Rejection::new(ResponseError::InvalidRequest, "Duplicate topic name."))
            }
            _ => continue,
        };
        let result = CreatePartitionsTopicResult::default().with_name(name);
        results.push(match outcome {
            Ok(()) => result,
            Err(rejection) => result
                .with_error_code(rejection.code.code())
                .with_error_message(message(rejection.message)),
        });
    }
    CreatePartitionsResponse::default().with_results(results)
}

/// Counts the partitions that a request adds, all topics together.
fn added_by(request: &CreatePartitionsRequest, context: &Context) -> i64 {
    let added = request.topics.iter().map(|topic| {
        let present = context.state.metadata.topic(&topic.name)?.partitions().len();
        Some(match &topic.assignments {
            Some(assignments) => assignments.len() as i64,
            None => (i64::from(topic.count) - present as i64).max(0),
        })
    });
    added.flatten().sum()
}

/// Rejects all topics: as in Kafka, a request that adds too much adds nothing.
fn reject_all(request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let results = request.topics.into_iter().map(|topic| {
        CreatePartitionsTopicResult::default()
            .with_name(topic.name)
            .with_error_code(ResponseError::PolicyViolation.code())
            .with_error_message(message(
                "Excessively large number of additional partitions per request.",
            ))
    });
    CreatePartitionsResponse::default().with_results(results.collect())
}

fn create(
    topic: CreatePartitionsTopic,
    validate_only: bool,
    context: &Context,
) -> Result<(), Rejection> {
    let assignments: Option<Vec<Vec<i32>>> = topic.assignments.map(|assignments| {
        let brokers_of = |assignment: kafka_protocol::messages::create_partitions_request::CreatePartitionsAssignment| {
            assignment.broker_ids.iter().map(|broker| broker.0).collect()
        };
        assignments.into_iter().map(brokers_of).collect()
    });
    let metadata = &context.state.metadata;
    metadata.create_partitions(&topic.name, topic.count, assignments.as_deref(), validate_only)
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: CreatePartitionsRequest,
    _version: i16,
    code: i16,
) -> CreatePartitionsResponse {
    let results = request.topics.into_iter().map(|topic| {
        CreatePartitionsTopicResult::default().with_name(topic.name).with_error_code(code)
    });
    CreatePartitionsResponse::default().with_results(results.collect())
}

/// Describes a request in words.
pub(super) fn describe(request: &CreatePartitionsRequest) -> Asked {
    let topics = request.topics.iter();
    Asked::of(list(topics.map(|it| format!("{} to {}", it.name.as_str(), it.count))))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &CreatePartitionsResponse) -> Outcomes {
    let topics = response.results.iter();
    Outcomes::listed(topics.map(|it| (it.name.as_str(), it.error_code)))
}
