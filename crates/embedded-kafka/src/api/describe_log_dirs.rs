//! DescribeLogDirs (key 35, versions 1–4)
//!
//! Describes the directories in which a node keeps its replicas: how large each replica is, and how
//! far it is behind (KIP-113).
//!
//! All nodes share one directory here, in which each partition is stored once: every node with a
//! replica reports the same files.
//!
//! Version notes:
//!
//! - v2: flexible encoding (KIP-482)
//! - v3: an error code for the whole response
//! - v4: size and free space of the volume (KIP-827)

use std::path::Path;

use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};
use kafka_protocol::protocol::StrBytes;

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::topic_name;
use super::words::Asked;
use crate::metadata::{Partition, Topic};
use crate::wire::shape::{Kind, Shape, field};

/// Stands for a size that the system does not know.
const UNKNOWN: i64 = -1;

/// The first version with an error for the whole response.
const TOP_LEVEL_ERROR: i16 = 3;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    2,
    &[field(
        "topics",
        Kind::Array(&Kind::Struct(&[
            field("topic", Kind::String),
            field("partitions", Kind::Array(&Kind::Int32)),
        ])),
    )],
);

pub(super) fn handle(
    request: DescribeLogDirsRequest,
    _version: i16,
    context: &Context,
) -> DescribeLogDirsResponse {
    let metadata = &context.state.metadata;
    let topics: Vec<DescribeLogDirsTopic> = match &request.topics {
        None => metadata.topics().iter().map(|it| described(it, context.node, |_| true)).collect(),
        Some(asked) => asked
            .iter()
            .filter_map(|asked| {
                let topic = metadata.topic(&asked.topic)?;
                Some(described(&topic, context.node, |index| asked.partitions.contains(&index)))
            })
            .collect(),
    };
    let directory = metadata.log_dir();
    let (total, usable) = volume(&directory).unwrap_or((UNKNOWN, UNKNOWN));
    let result = DescribeLogDirsResult::default()
        .with_log_dir(StrBytes::from_string(directory.display().to_string()))
        .with_topics(topics.into_iter().filter(|topic| !topic.partitions.is_empty()).collect())
        .with_total_bytes(total)
        .with_usable_bytes(usable);
    DescribeLogDirsResponse::default().with_results(vec![result])
}

/// Describes the replicas of a topic that the node holds.
fn described(topic: &Topic, node: i32, is_wanted: impl Fn(i32) -> bool) -> DescribeLogDirsTopic {
    let partitions = topic.partitions();
    let wanted = partitions.iter().filter(|partition| is_wanted(partition.index));
    let held = wanted.filter(|partition| partition.leadership().replicas.contains(&node));
    DescribeLogDirsTopic::default()
        .with_name(topic_name(&topic.name))
        .with_partitions(held.map(|partition| replica(partition, node)).collect())
}

/// Describes a replica's size, and how far its end is before the high watermark that it knows.
fn replica(partition: &Partition, node: i32) -> DescribeLogDirsPartition {
    let (size, lag) = partition.with(|it| {
        let end = it.end_at(node);
        let lag = it.replication.high_watermark_at(node) - end;
        (it.log.stored_bytes(end), lag.max(0))
    });
    DescribeLogDirsPartition::default()
        .with_partition_index(partition.index)
        .with_partition_size(i64::try_from(size).unwrap_or(i64::MAX))
        .with_offset_lag(lag)
}

/// Returns the size of the volume that holds a directory, and how much of it is free, in bytes.
#[cfg(unix)]
fn volume(directory: &Path) -> Option<(i64, i64)> {
    let volume = rustix::fs::statvfs(directory).ok()?;
    let bytes = |blocks: u64| i64::try_from(blocks.saturating_mul(volume.f_frsize)).ok();
    Some((bytes(volume.f_blocks)?, bytes(volume.f_bavail)?))
}

#[cfg(not(unix))]
fn volume(_: &Path) -> Option<(i64, i64)> {
    None
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    _request: DescribeLogDirsRequest,
    version: i16,
    code: i16,
) -> DescribeLogDirsResponse {
    let response = DescribeLogDirsResponse::default();
    if version < TOP_LEVEL_ERROR {
        return response.with_results(vec![DescribeLogDirsResult::default().with_error_code(code)]);
    }
    response.with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(_request: &DescribeLogDirsRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &DescribeLogDirsResponse) -> Outcomes {
    let directories = response.results.iter();
    Outcomes::whole(response.error_code)
        .and(Outcomes::listed(directories.map(|it| (it.log_dir.as_str(), it.error_code))))
}
