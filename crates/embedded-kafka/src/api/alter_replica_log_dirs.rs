//! AlterReplicaLogDirs, versions 1 and 2: replicas that are to move to another directory of their node
//! (KIP-113). A node has one directory here, so that a replica is where it is to go, or the directory
//! is unknown.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_replica_log_dirs_response::{
    AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult,
};
use kafka_protocol::messages::{
    AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, TopicName,
};

use super::{Context, code};

pub(super) fn handle(
    request: AlterReplicaLogDirsRequest,
    _version: i16,
    context: &Context,
) -> AlterReplicaLogDirsResponse {
    let directory = context.state.metadata.log_dir().display().to_string();
    // Of two directories for one partition the last is meant.
    let mut results: BTreeMap<TopicName, BTreeMap<i32, Result<(), ResponseError>>> = BTreeMap::new();
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

/// Whether this node holds a replica of the partition.
fn check(topic: &str, partition: i32, context: &Context) -> Result<(), ResponseError> {
    let partition = context.state.metadata.partition(topic, partition)?;
    if partition.leadership().replicas.contains(&context.node) {
        Ok(())
    } else {
        Err(ResponseError::ReplicaNotAvailable)
    }
}
