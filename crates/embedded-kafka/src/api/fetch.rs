//! Fetch (key 1, versions 4–18)
//!
//! Returns the records of partitions from an offset on, and waits where there are too few.
//!
//! Bytes are counted without reading them, so a fetch that waits for more costs the disk nothing.
//! There are no fetch sessions (KIP-227): session id 0 tells the client so, and it names its
//! partitions in each request. For a reader of committed records the response ends where the oldest
//! open transaction begins, and names the aborted transactions up to there (KIP-98).
//!
//! Version notes:
//!
//! - v4: isolation level, last stable offset and aborted transactions (KIP-98)
//! - v5: log start offset in the response
//! - v7: fetch sessions (KIP-227), which are not served
//! - v9: current leader epoch, to fence a client with old metadata (KIP-320)
//! - v11: rack id and preferred read replica: consumers may read from followers (KIP-392)
//! - v12: flexible encoding (KIP-482), current leader in the response (KIP-595)
//! - v13: topic ids in the place of names (KIP-516)
//! - v15: replica state in the place of the replica id (KIP-903)
//! - v16: node endpoints in the response (KIP-951)
//! - v17: replica directory id of a follower (KIP-853), which is not used
//! - v18: high watermark of a follower (KIP-1166), which is not used

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use tokio::time::Instant;

use super::call::{Call, Reply};
use super::context::Context;
use super::fetch_partition::{Reader, Wanted, nothing, read_partition, rejected};
use super::outcomes::Outcomes;
use super::wire::{ISOLATION_LEVELS, node_endpoints};
use super::words::{Asked, list, topic_or_id};
use crate::wait::wait_for;
use crate::wire::shape::{Kind, Shape, field};

/// The first version that names a topic by its id alone (KIP-516).
const TOPIC_IDS: i16 = 13;

/// The first version with the addresses of nodes (KIP-951).
const NODE_ENDPOINTS: i16 = 16;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    12,
    &[
        field("cluster_id", Kind::String).since(12).tag(0),
        field("replica_id", Kind::Int32).until(14),
        field(
            "replica_state",
            Kind::Struct(&[
                field("replica_id", Kind::Int32).since(15),
                field("replica_epoch", Kind::Int64).since(15),
            ]),
        )
        .since(15)
        .tag(1),
        field("max_wait_ms", Kind::Int32),
        field("min_bytes", Kind::Int32),
        field("max_bytes", Kind::Int32),
        field("isolation_level", Kind::Int8),
        field("session_id", Kind::Int32).since(7),
        field("session_epoch", Kind::Int32).since(7),
        field(
            "topics",
            Kind::Array(&Kind::Struct(&[
                field("topic", Kind::String).until(12),
                field("topic_id", Kind::Uuid).since(13),
                field(
                    "partitions",
                    Kind::Array(&Kind::Struct(&[
                        field("partition", Kind::Int32),
                        field("current_leader_epoch", Kind::Int32).since(9),
                        field("fetch_offset", Kind::Int64),
                        field("last_fetched_epoch", Kind::Int32).since(12),
                        field("log_start_offset", Kind::Int64).since(5),
                        field("partition_max_bytes", Kind::Int32),
                        field("replica_directory_id", Kind::Uuid).since(17).tag(0),
                        field("high_watermark", Kind::Int64).since(18).tag(1),
                    ])),
                ),
            ])),
        ),
        field(
            "forgotten_topics_data",
            Kind::Array(&Kind::Struct(&[
                field("topic", Kind::String).since(7).until(12),
                field("topic_id", Kind::Uuid).since(13),
                field("partitions", Kind::Array(&Kind::Int32)).since(7),
            ])),
        )
        .since(7),
        field("rack_id", Kind::String).since(11),
    ],
);

pub(super) async fn respond(mut request: FetchRequest, call: &Call, context: &Context) -> Reply {
    let asked = context.asked(|| describe(&request));
    if let Some(error) = request_error(&request) {
        let response = FetchResponse::default().with_error_code(error.code());
        return call.respond(&response, outcomes, asked, context, []);
    }
    let wanted: Vec<Vec<Wanted>> = std::mem::take(&mut request.topics)
        .into_iter()
        .map(|topic| {
            let found = if call.version >= TOPIC_IDS {
                let found = context.state.metadata.topic_by_id(topic.topic_id);
                found.ok_or(ResponseError::UnknownTopicId)
            } else {
                let found = context.state.metadata.topic(&topic.topic);
                found.ok_or(ResponseError::UnknownTopicOrPartition)
            };
            request.topics.push(
                kafka_protocol::messages::fetch_request::FetchTopic::default()
                    .with_topic(topic.topic)
                    .with_topic_id(topic.topic_id),
            );
            let level = request.isolation_level;
            let wanted = |fetch| Wanted::new(fetch, level, found.as_ref());
            topic.partitions.into_iter().map(wanted).collect()
        })
        .collect();
    let reader = reader_of(&request, call.version, context);
    wait(&request, &wanted, &reader).await;

    // As in Kafka, a negative size fails where the records are read.
    let is_negative = request.max_bytes < 0;
    let most =
        usize::try_from(request.max_bytes).unwrap_or(0).min(context.state.settings.fetch_max_bytes);
    let set_aside = context.state.fetched.set_aside(most);
    let mut left = set_aside.bytes();
    let mut shared = Vec::new();
    let mut responses = Vec::with_capacity(wanted.len());
    for (topic, partitions) in request.topics.into_iter().zip(wanted) {
        let mut read = Vec::with_capacity(partitions.len());
        for wanted in partitions {
            let first = shared.is_empty();
            let data = if is_negative {
                rejected(nothing(&wanted), &wanted, ResponseError::UnknownServerError, call.version)
            } else {
                read_partition(&wanted, &mut left, first, &reader).await
            };
            shared.extend(data.records.clone().filter(|records| !records.is_empty()));
            read.push(data);
        }
        responses.push(
            FetchableTopicResponse::default()
                .with_topic(topic.topic)
                .with_topic_id(topic.topic_id)
                .with_partitions(read),
        );
    }
    // From here on the records count for themselves.
    drop(set_aside);
    let moved = ResponseError::NotLeaderOrFollower.code();
    let any_moved = responses
        .iter()
        .flat_map(|topic| &topic.partitions)
        .any(|partition| partition.error_code == moved);
    let mut response = FetchResponse::default().with_responses(responses);
    if any_moved && call.version >= NODE_ENDPOINTS {
        response.node_endpoints = node_endpoints!(fetch_response, context);
    }
    call.respond(&response, outcomes, asked, context, shared)
}

/// Rejects a client that continues a session which was never opened, so that it starts over.
fn request_error(request: &FetchRequest) -> Option<ResponseError> {
    if !ISOLATION_LEVELS.contains(&request.isolation_level) {
        return Some(ResponseError::UnknownServerError);
    }
    let without_session = request.session_id == 0 && matches!(request.session_epoch, -1 | 0);
    (!without_session).then_some(ResponseError::FetchSessionIdNotFound)
}

fn reader_of<'a>(request: &FetchRequest, version: i16, context: &'a Context) -> Reader<'a> {
    let rack = Some(request.rack_id.as_str()).filter(|rack| !rack.is_empty());
    let near = rack.map(|rack| context.state.metadata.nodes_in(rack)).unwrap_or_default();
    // From version 15 on a node names itself in a structure of its own (KIP-903).
    let replica = (*request.replica_id).max(*request.replica_state.replica_id);
    Reader { context, version, near, replica }
}

/// Waits until there are `min_bytes`, something is wrong, or `max_wait_ms` are over.
async fn wait(request: &FetchRequest, wanted: &[Vec<Wanted>], reader: &Reader<'_>) {
    let min_bytes = u64::try_from(request.min_bytes).unwrap_or(0);
    let max_wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let enough = || {
        let mut available = 0;
        for wanted in wanted.iter().flatten() {
            match wanted.available(reader) {
                Ok(Some(bytes)) => available += bytes,
                Ok(None) | Err(_) => return Some(()),
            }
        }
        (available >= min_bytes || wanted.is_empty()).then_some(())
    };
    if max_wait.is_zero() || enough().is_some() {
        return;
    }
    let partitions = wanted.iter().flatten().filter_map(|wanted| wanted.partition.as_ref().ok());
    let watches: Vec<_> = partitions.map(|partition| &partition.changed).collect();
    // With too few bytes when the time is up, the response is like any other.
    let _ = wait_for(&watches, Some(Instant::now() + max_wait), enough).await;
}

/// Responds with an error for all that was asked.
pub(super) fn reject(request: FetchRequest, _version: i16, code: i16) -> FetchResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            PartitionData::default()
                .with_partition_index(partition.partition)
                .with_error_code(code)
                .with_high_watermark(-1)
                .with_last_stable_offset(-1)
                .with_aborted_transactions(None)
                .with_records(Some(Bytes::new()))
        });
        FetchableTopicResponse::default()
            .with_partitions(partitions.collect())
            .with_topic(topic.topic)
            .with_topic_id(topic.topic_id)
    });
    FetchResponse::default().with_responses(topics.collect())
}

/// Describes a request in words.
pub(super) fn describe(request: &FetchRequest) -> Asked {
    Asked::of(list(request.topics.iter().flat_map(|topic| {
        let name = topic_or_id(&topic.topic, topic.topic_id);
        topic.partitions.iter().map(move |partition| {
            format!("{name}/{} from {}", partition.partition, partition.fetch_offset)
        })
    })))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &FetchResponse) -> Outcomes {
    let partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
    let bytes: usize = partitions.filter_map(|it| Some(it.records.as_ref()?.len())).sum();
    let whole = Outcomes::of(response.error_code, || format!("{bytes} bytes"));
    whole.and(Outcomes::partitions(&response.responses, |topic| {
        let partitions = topic.partitions.iter();
        let name = topic_or_id(&topic.topic, topic.topic_id);
        (name, partitions.map(|it| (it.partition_index, it.error_code)))
    }))
}
