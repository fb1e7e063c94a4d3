//! AlterReplicaLogDirs (key 34, versions 1–2)
//!
//! Moves replicas to another directory of their node (KIP-113). A node has one directory here: a
//! replica is already in its target, or the directory is unknown.
//!
//! Version notes:
//!
//! - v2: flexible encoding (KIP-482)

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use kafka_protocol::messages::{
    AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, TopicName,
};

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::code;
use super::words::Asked;
use crate::wire::shape::{Kind, Shape, field};

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    2,
    &[field(
        "dirs",
        Kind::Array(&Kind::Struct(&[
            field("path", Kind::String),
            field(
                "topics",
                Kind::Array(&Kind::Struct(&[
                    field("name", Kind::String),
                    field("partitions", Kind::Array(&Kind::Int32)),
                ])),
            ),
        ])),
    )],
);

pub(super) fn handle(
    request: AlterReplicaLogDirsRequest,
    _version: i16,
    context: &Context,
) -> AlterReplicaLogDirsResponse {
    let directory = context.state.metadata.log_dir().display().to_string();
    // Of two directories for one partition the last counts.
    let mut results: BTreeMap<TopicName, BTreeMap<i32, Result<(), ResponseError>>> =
        BTreeMap::new();
    for wanted in request.dirs {
        for topic in wanted.topics {
            for partition in topic.partitions {
                let result = if *wanted.path == *directory {
                    check(&topic.name, partition, context)
                } else {
                    Err(ResponseError::LogDirNotFound)
                };
                results.entry(topic.name.clone()).or_default().insert(partition, result);
            }
        }
    }
    let topics = results.into_iter().map(|(topic, partitions)| {
        let partitions = partitions.into_iter().map(|(index, result)| {
            AlterReplicaLogDirPartitionResult::default()
                .with_partition_index(index)
                .with_error_code(code(&result))
        });
        AlterReplicaLogDirTopicResult::default()
            .with_topic_name(topic)
            .with_partitions(partitions.collect())
    });
    AlterReplicaLogDirsResponse::default().with_results(topics.collect())
}

/// Checks that this node holds a replica of the partition.
fn check(topic: &str, partition: i32, context: &Context) -> Result<(), ResponseError> {
    let partition = context.state.metadata.partition(topic, partition)?;
    if partition.leadership().replicas.contains(&context.node) {
        Ok(())
    } else {
        Err(ResponseError::ReplicaNotAvailable)
    }
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: AlterReplicaLogDirsRequest,
    _version: i16,
    code: i16,
) -> AlterReplicaLogDirsResponse {
    let topics = request.dirs.into_iter().flat_map(|directory| directory.topics);
    let results = topics.map(|topic| {
        let partitions = topic.partitions.iter().map(|index| {
            AlterReplicaLogDirPartitionResult::default()
                .with_partition_index(*index)
                .with_error_code(code)
        });
        AlterReplicaLogDirTopicResult::default()
            .with_partitions(partitions.collect())
            .with_topic_name(topic.name)
    });
    AlterReplicaLogDirsResponse::default().with_results(results.collect())
}

/// Describes a request in words.
pub(super) fn describe(_request: &AlterReplicaLogDirsRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &AlterReplicaLogDirsResponse) -> Outcomes {
    Outcomes::partitions(&response.results, |topic| {
        let partitions = topic.partitions.iter();
        (topic.topic_name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
    })
}
