//! ListOffsets (key 2, versions 1–11)
//!
//! Finds the first offset of a log, its end, or the first record from a timestamp on.
//!
//! For a reader of committed records the log ends where the oldest open transaction begins
//! (KIP-98).
//!
//! Version notes:
//!
//! - v1: one offset for each partition, with its timestamp (KIP-79)
//! - v2: isolation level (KIP-98)
//! - v4: leader epochs in request and response (KIP-320)
//! - v6: flexible encoding (KIP-482)
//! - v7: the record with the largest timestamp, -3 (KIP-734)
//! - v8: the first offset on the local disk, -4 (KIP-405)
//! - v9: the last offset in remote storage, -5 (KIP-1005)
//! - v10: timeout for lookups in remote storage (KIP-1075), which is not used
//! - v11: the first offset not yet in remote storage, -6 (KIP-1023)

use std::collections::HashMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::ISOLATION_LEVELS;
use super::words::{Asked, list};
use crate::log::{Found, Lookup, ReadError, Unreadable};
use crate::wire::shape::{Kind, Shape, field};

/// The first version with leader epochs (KIP-320).
const LEADER_EPOCH: i16 = 4;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
/// The first offset on a disk of the cluster (KIP-405).
const EARLIEST_LOCAL: i64 = -4;
/// The last offset in remote storage (KIP-1005), and the first one not yet there (KIP-1023). There
/// is no remote storage.
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// The id of a client that debugs a node: any replica responds to it.
const DEBUGGER: i32 = -2;
/// The id of a client that is not a node, and may not read further than consumers do.
const CONSUMER: i32 = -1;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    6,
    &[
        field("replica_id", Kind::Int32),
        field("isolation_level", Kind::Int8).since(2),
        field(
            "topics",
            Kind::Array(&Kind::Struct(&[
                field("name", Kind::String),
                field(
                    "partitions",
                    Kind::Array(&Kind::Struct(&[
                        field("partition_index", Kind::Int32),
                        field("current_leader_epoch", Kind::Int32).since(4),
                        field("timestamp", Kind::Int64),
                    ])),
                ),
            ])),
        ),
        field("timeout_ms", Kind::Int32).since(10),
    ],
);

/// Returns the first version that may ask for a special timestamp.
fn since(timestamp: i64) -> i16 {
    match timestamp {
        MAX_TIMESTAMP => 7,
        EARLIEST_LOCAL => 8,
        LATEST_TIERED => 9,
        EARLIEST_PENDING_UPLOAD => 11,
        _ => 0,
    }
}

/// The client of a request, and the offsets that it may see.
#[derive(Debug, Clone, Copy)]
struct Reader {
    id: i32,
    level: i8,
}

/// An offset with its timestamp and leader epoch, each -1 if there is none.
struct FoundOffset {
    offset: i64,
    timestamp: i64,
    leader_epoch: i32,
}

/// The result of a lookup under the partition's lock: the offset, or the position to read it from.
enum Step {
    Known(FoundOffset),
    /// A lookup with the exclusive limit of readable offsets.
    Read(Lookup, i64),
}

pub(super) async fn handle(
    request: ListOffsetsRequest,
    version: i16,
    context: &Context,
) -> ListOffsetsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        let mut named: HashMap<i32, usize> = HashMap::new();
        for asked in &topic.partitions {
            *named.entry(asked.partition_index).or_default() += 1;
        }
        for asked in topic.partitions {
            let is_repeated = match named.get_mut(&asked.partition_index) {
                // A partition that is named twice is rejected, once.
                Some(times) if *times > 1 => {
                    *times = 0;
                    true
                }
                Some(1) => false,
                _ => continue,
            };
            let response =
                ListOffsetsPartitionResponse::default().with_partition_index(asked.partition_index);
            let reader = Reader { id: *request.replica_id, level: request.isolation_level };
            let found = if is_repeated {
                Err(ResponseError::InvalidRequest)
            } else {
                look_up(&topic.name, &asked, reader, version, context).await
            };
            partitions.push(match found {
                Ok(found) => {
                    let response =
                        response.with_offset(found.offset).with_timestamp(found.timestamp);
                    if version >= LEADER_EPOCH {
                        response.with_leader_epoch(found.leader_epoch)
                    } else {
                        response
                    }
                }
                Err(error) => {
                    response.with_offset(-1).with_timestamp(-1).with_error_code(error.code())
                }
            });
        }
        let response = ListOffsetsTopicResponse::default().with_name(topic.name);
        topics.push(response.with_partitions(partitions));
    }
    ListOffsetsResponse::default().with_topics(topics)
}

async fn look_up(
    topic: &str,
    asked: &ListOffsetsPartition,
    reader: Reader,
    version: i16,
    context: &Context,
) -> Result<FoundOffset, ResponseError> {
    loop {
        match find(topic, asked, reader, version, context)? {
            Step::Known(found) => return Ok(found),
            Step::Read(lookup, end) => {
                if let Some(found) = read(lookup, end).await? {
                    return Ok(found);
                }
            }
        }
    }
}

fn find(
    topic: &str,
    asked: &ListOffsetsPartition,
    reader: Reader,
    version: i16,
    context: &Context,
) -> Result<Step, ResponseError> {
    if version < since(asked.timestamp) {
        return Err(ResponseError::UnsupportedVersion);
    }
    let partition = context.state.metadata.partition(topic, asked.partition_index)?;
    if !ISOLATION_LEVELS.contains(&reader.level) {
        return Err(ResponseError::UnknownServerError);
    }
    partition.with(|state| {
        // -1 alone means that the client knows no epoch.
        let known = Some(asked.current_leader_epoch).filter(|epoch| *epoch != -1);
        match reader.id {
            DEBUGGER => state.check_replica(context.node, known)?,
            _ => state.check_leader(context.node, known)?,
        }
        let at = |offset| {
            let leader_epoch = state.replication.epoch();
            Ok(Step::Known(FoundOffset { offset, timestamp: -1, leader_epoch }))
        };
        let end = match reader.id {
            CONSUMER => state.readable_end(context.node, reader.level),
            _ => state.end_at(context.node),
        };
        match asked.timestamp {
            LATEST => at(end),
            EARLIEST | EARLIEST_LOCAL => at(state.log.start_offset()),
            LATEST_TIERED | EARLIEST_PENDING_UPLOAD => {
                Ok(Step::Known(FoundOffset { offset: -1, timestamp: -1, leader_epoch: -1 }))
            }
            MAX_TIMESTAMP => Ok(Step::Read(state.log.offset_of_max_timestamp(), end)),
            timestamp if timestamp >= 0 => {
                Ok(Step::Read(state.log.offset_for_timestamp(timestamp), end))
            }
            _ => Err(ResponseError::UnsupportedVersion),
        }
    })
}

/// Reads from disk on a thread that may block. Records from `end` on may not be read yet. `None` if
/// the log changed while it was read.
async fn read(lookup: Lookup, end: i64) -> Result<Option<FoundOffset>, ResponseError> {
    let resolved = tokio::task::spawn_blocking(move || lookup.resolve()).await;
    match resolved {
        Ok(Ok(Some(Found { offset, timestamp, leader_epoch }))) if offset < end => {
            Ok(Some(FoundOffset { offset, timestamp, leader_epoch }))
        }
        Ok(Ok(_)) => Ok(Some(FoundOffset { offset: -1, timestamp: -1, leader_epoch: -1 })),
        Ok(Err(ReadError::Outdated)) => Ok(None),
        Ok(Err(ReadError::Io(error))) => {
            tracing::error!(%error, "a time could not be looked up");
            Err(ResponseError::KafkaStorageError)
        }
        // Kafka accepts compressed records whose sizes are wrong, and fails only here.
        Ok(Err(ReadError::Records(Unreadable::Malformed(_)))) => Err(ResponseError::InvalidRecord),
        Ok(Err(ReadError::Records(_))) | Err(_) => Err(ResponseError::UnknownServerError),
    }
}

/// Responds with an error for all that was asked.
pub(super) fn reject(request: ListOffsetsRequest, _version: i16, code: i16) -> ListOffsetsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            ListOffsetsPartitionResponse::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code)
                .with_offset(-1)
                .with_timestamp(-1)
        });
        ListOffsetsTopicResponse::default()
            .with_partitions(partitions.collect())
            .with_name(topic.name)
    });
    ListOffsetsResponse::default().with_topics(topics.collect())
}

/// Describes a request in words.
pub(super) fn describe(request: &ListOffsetsRequest) -> Asked {
    Asked::of(list(request.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| {
            let what = match partition.timestamp {
                LATEST => "latest".into(),
                EARLIEST => "earliest".into(),
                MAX_TIMESTAMP => "largest timestamp".into(),
                timestamp => format!("at {timestamp}"),
            };
            format!("{}/{} {what}", topic.name.as_str(), partition.partition_index)
        })
    })))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &ListOffsetsResponse) -> Outcomes {
    Outcomes::partitions(&response.topics, |topic| {
        let partitions = topic.partitions.iter();
        (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
    })
}
