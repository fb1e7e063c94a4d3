//! Fetch (key 1, versions 4–18)
//!
//! Returns the records of partitions from an offset on, and waits if there are too few.
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
//! - v13: topic ids instead of names (KIP-516)
//! - v15: replica state instead of the replica id (KIP-903)
//! - v16: node endpoints in the response (KIP-951)
//! - v17: replica directory id of a follower (KIP-853), which is not used
//! - v18: high watermark of a follower (KIP-1166), which is not used

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::FetchTopic;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{FetchRequest, FetchResponse, TopicName};
use tokio::time::Instant;
use uuid::Uuid;

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

/// A topic of a request.
struct WantedTopic {
    name: TopicName,
    id: Uuid,
    partitions: Vec<Wanted>,
}

pub(super) async fn respond(mut request: FetchRequest, call: &Call, context: &Context) -> Reply {
    let asked = context.asked(|| describe(&request));
    if let Some(error) = request_error(&request) {
        let response = FetchResponse::default().with_error_code(error.code());
        return call.respond(&response, outcomes, asked, context, []);
    }
    let topics = std::mem::take(&mut request.topics).into_iter();
    let find = |topic| WantedTopic::find(topic, request.isolation_level, call.version, context);
    let wanted: Vec<_> = topics.map(find).collect();
    let reader = reader_of(&request, call.version, context);
    wait(&request, &wanted, &reader).await;
    let (responses, shared) = read_all(wanted, request.max_bytes, &reader).await;
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

impl WantedTopic {
    fn find(topic: FetchTopic, isolation_level: i8, version: i16, context: &Context) -> Self {
        let metadata = &context.state.metadata;
        let found = if version >= TOPIC_IDS {
            metadata.topic_by_id(topic.topic_id).ok_or(ResponseError::UnknownTopicId)
        } else {
            metadata.topic(&topic.topic).ok_or(ResponseError::UnknownTopicOrPartition)
        };
        let wanted = |fetch| Wanted::new(fetch, isolation_level, found.as_ref());
        let partitions = topic.partitions.into_iter().map(wanted).collect();
        Self { name: topic.topic, id: topic.topic_id, partitions }
    }
}

/// Reads all partitions within `max_bytes`, and returns their records once more as the buffers that
/// the response shares.
async fn read_all(
    wanted: Vec<WantedTopic>,
    max_bytes: i32,
    reader: &Reader<'_>,
) -> (Vec<FetchableTopicResponse>, Vec<Bytes>) {
    let state = &reader.context.state;
    let most = usize::try_from(max_bytes).unwrap_or(0).min(state.settings.fetch_max_bytes);
    let set_aside = state.fetched.set_aside(most);
    let mut left = set_aside.bytes();
    let mut shared = Vec::new();
    let mut responses = Vec::with_capacity(wanted.len());
    for topic in wanted {
        let mut read = Vec::with_capacity(topic.partitions.len());
        for wanted in topic.partitions {
            let first = shared.is_empty();
            let data = if max_bytes < 0 {
                // As in Kafka, a negative size fails when the records are read.
                let error = ResponseError::UnknownServerError;
                rejected(nothing(&wanted), &wanted, error, reader.version)
            } else {
                read_partition(&wanted, &mut left, first, reader).await
            };
            shared.extend(data.records.clone().filter(|records| !records.is_empty()));
            read.push(data);
        }
        let response = FetchableTopicResponse::default().with_topic(topic.name);
        responses.push(response.with_topic_id(topic.id).with_partitions(read));
    }
    // From here on the records themselves are counted.
    drop(set_aside);
    (responses, shared)
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

/// Waits until there are `min_bytes`, an error occurs, or `max_wait_ms` are over.
async fn wait(request: &FetchRequest, wanted: &[WantedTopic], reader: &Reader<'_>) {
    let min_bytes = u64::try_from(request.min_bytes).unwrap_or(0);
    let max_wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let enough = || {
        let mut available = 0;
        for wanted in wanted.iter().flat_map(|topic| &topic.partitions) {
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
    let partitions = wanted
        .iter()
        .flat_map(|topic| &topic.partitions)
        .filter_map(|wanted| wanted.partition.as_ref().ok());
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
