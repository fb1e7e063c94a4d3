//! ListOffsets: the first offset, the end, or the first record from a time on (KIP-79, KIP-734).
//!
//! For a reader of committed records the log ends where the oldest open transaction begins (KIP-98).

use std::collections::HashMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

use super::{Context, ISOLATION_LEVELS};
use crate::log::{Found, Lookup, ReadError};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
/// The first that is on a disk of the cluster, and nowhere else alone (KIP-405).
const EARLIEST_LOCAL: i64 = -4;
/// The last that is in another storage (KIP-1005), and the first that is not yet (KIP-1023). There is no
/// such storage.
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// Not a node, but whoever debugs one: any replica tells it what it has.
const DEBUGGER: i32 = -2;
/// Who is no node at all, and may not read further than consumers do.
const CONSUMER: i32 = -1;

/// The first version that may ask for a special timestamp.
fn since(timestamp: i64) -> i16 {
    match timestamp {
        MAX_TIMESTAMP => 7,
        EARLIEST_LOCAL => 8,
        LATEST_TIERED => 9,
        EARLIEST_PENDING_UPLOAD => 11,
        _ => 0,
    }
}

/// Who asks, and what it may see.
#[derive(Debug, Clone, Copy)]
struct Reader {
    id: i32,
    level: i8,
}

/// What was found: offset, timestamp and leader epoch, -1 where there is none.
struct Answer {
    offset: i64,
    timestamp: i64,
    leader_epoch: i32,
}

/// What is known under the partition's lock: the answer, or where to read it.
enum Step {
    Known(Answer),
    /// With what may be read up to, exclusive.
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
                // A partition that is named twice is refused, once.
                Some(times) if *times > 1 => {
                    *times = 0;
                    true
                }
                Some(1) => false,
                _ => continue,
            };
            let response = ListOffsetsPartitionResponse::default()
                .with_partition_index(asked.partition_index);
            let reader = Reader { id: *request.replica_id, level: request.isolation_level };
            let found = if is_repeated {
                Err(ResponseError::InvalidRequest)
            } else {
                answer(&topic.name, &asked, reader, version, context).await
            };
            partitions.push(match found {
                Ok(answer) => {
                    let response =
                        response.with_offset(answer.offset).with_timestamp(answer.timestamp);
                    if version >= 4 {
                        response.with_leader_epoch(answer.leader_epoch)
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

async fn answer(
    topic: &str,
    asked: &ListOffsetsPartition,
    reader: Reader,
    version: i16,
    context: &Context,
) -> Result<Answer, ResponseError> {
    loop {
        match find(topic, asked, reader, version, context)? {
            Step::Known(answer) => return Ok(answer),
            Step::Read(lookup, end) => {
                if let Some(answer) = read(lookup, end).await? {
                    return Ok(answer);
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
            Ok(Step::Known(Answer { offset, timestamp: -1, leader_epoch }))
        };
        let end = match reader.id {
            CONSUMER => state.readable_end(context.node, reader.level),
            _ => state.end_at(context.node),
        };
        match asked.timestamp {
            LATEST => at(end),
            EARLIEST | EARLIEST_LOCAL => at(state.log.start_offset()),
            LATEST_TIERED | EARLIEST_PENDING_UPLOAD => {
                Ok(Step::Known(Answer { offset: -1, timestamp: -1, leader_epoch: -1 }))
            }
            MAX_TIMESTAMP => Ok(Step::Read(state.log.offset_of_max_timestamp(), end)),
            timestamp if timestamp >= 0 => {
                Ok(Step::Read(state.log.offset_for_timestamp(timestamp), end))
            }
            _ => Err(ResponseError::UnsupportedVersion),
        }
    })
}

/// Reads from disk on a thread where that holds up nobody. What is at `end` or behind it may not be
/// read yet. `None` where the log changed meanwhile.
async fn read(lookup: Lookup, end: i64) -> Result<Option<Answer>, ResponseError> {
    let resolved = tokio::task::spawn_blocking(move || lookup.resolve()).await;
    match resolved {
        Ok(Ok(Some(Found { offset, timestamp, leader_epoch }))) if offset < end => {
            Ok(Some(Answer { offset, timestamp, leader_epoch }))
        }
        Ok(Ok(_)) => Ok(Some(Answer { offset: -1, timestamp: -1, leader_epoch: -1 })),
        Ok(Err(ReadError::Outdated)) => Ok(None),
        Ok(Err(ReadError::Io(error))) => {
            tracing::error!(%error, "a time could not be looked up");
            Err(ResponseError::KafkaStorageError)
        }
        Err(_) => Err(ResponseError::UnknownServerError),
    }
}
