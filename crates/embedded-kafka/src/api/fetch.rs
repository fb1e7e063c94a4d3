//! Fetch: the records of partitions from an offset on, waiting where there are too few.
//!
//! What is there is counted without reading it, so a fetch that waits for more costs the disk
//! nothing. There are no fetch sessions (KIP-227): session id 0 tells the client so, and it names
//! its partitions in each request. A reader of committed records is answered up to where the oldest
//! open transaction begins, and told whose records in between were aborted (KIP-98).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, FetchableTopicResponse, LeaderIdAndEpoch, PartitionData,
};
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse, ProducerId};
use tokio::time::Instant;

use super::{Answer, Call, Context, ISOLATION_LEVELS, node_endpoints};
use crate::log::{AbortedTransactions, BatchHeader, ReadError, Slice};
use crate::metadata::{Partition, PartitionState, READ_COMMITTED, READ_UNCOMMITTED, Topic};
use crate::wait::wait_for;

/// The first version that names a topic by its id alone (KIP-516).
const TOPIC_IDS: i16 = 13;

/// The first version that tells who leads instead (KIP-951).
const CURRENT_LEADER: i16 = 12;

/// The first version in which consumers may ask a follower (KIP-392).
const FROM_FOLLOWERS: i16 = 11;

/// The first version that also tells where the leaders are.
const NODE_ENDPOINTS: i16 = 16;

/// Who reads, and where.
struct Reader<'a> {
    context: &'a Context,
    version: i16,
    /// The nodes in the reader's rack, where both have one (KIP-392).
    near: Vec<i32>,
    /// The node that it says to be, negative for none.
    replica: i32,
}

/// One partition of a request.
struct Wanted {
    fetch: FetchPartition,
    isolation_level: i8,
    partition: Result<Arc<Partition>, ResponseError>,
}

/// How a partition stands at one moment.
struct Standing {
    high_watermark: i64,
    last_stable_offset: i64,
    log_start_offset: i64,
    slice: Option<Slice>,
    /// Where the reader had better ask.
    preferred: Option<i32>,
    /// For a reader of committed records: what was aborted.
    aborted: Option<AbortedTransactions>,
}

pub(super) async fn answer(mut request: FetchRequest, call: &Call, context: &Context) -> Answer {
    let asked = context.in_words(&request);
    if let Some(error) = request_error(&request) {
        let response = FetchResponse::default().with_error_code(error.code());
        return call.respond(response, asked, context, []);
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
    let reader = Reader::new(&request, call.version, context);
    wait(&request, &wanted, &reader).await;

    // As in Kafka, a negative size fails where the records are read.
    let is_negative = request.max_bytes < 0;
    let most = usize::try_from(request.max_bytes).unwrap_or(0).min(context.state.settings.fetch_max_bytes);
    let set_aside = context.state.fetched.set_aside(most);
    let mut left = set_aside.bytes();
    let mut shared = Vec::new();
    let mut responses = Vec::with_capacity(wanted.len());
    for (topic, partitions) in request.topics.into_iter().zip(wanted) {
        let mut answers = Vec::with_capacity(partitions.len());
        for wanted in partitions {
            let first = shared.is_empty();
            let data = if is_negative {
                refuse(nothing(&wanted), &wanted, ResponseError::UnknownServerError, call.version)
            } else {
                read(&wanted, &mut left, first, &reader).await
            };
            shared.extend(data.records.clone().filter(|records| !records.is_empty()));
            answers.push(data);
        }
        responses.push(
            FetchableTopicResponse::default()
                .with_topic(topic.topic)
                .with_topic_id(topic.topic_id)
                .with_partitions(answers),
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
    call.respond(response, asked, context, shared)
}

/// A client that goes on with a session which was never opened is told to start over.
fn request_error(request: &FetchRequest) -> Option<ResponseError> {
    if !ISOLATION_LEVELS.contains(&request.isolation_level) {
        return Some(ResponseError::UnknownServerError);
    }
    let without_session = request.session_id == 0 && matches!(request.session_epoch, -1 | 0);
    (!without_session).then_some(ResponseError::FetchSessionIdNotFound)
}

impl<'a> Reader<'a> {
    fn new(request: &FetchRequest, version: i16, context: &'a Context) -> Self {
        let rack = Some(request.rack_id.as_str()).filter(|rack| !rack.is_empty());
        let near = rack.map(|rack| context.state.metadata.nodes_in(rack)).unwrap_or_default();
        // From version 15 on a node says in a structure of its own who it is (KIP-903).
        let replica = (*request.replica_id).max(*request.replica_state.replica_id);
        Self { context, version, near, replica }
    }
}

impl Wanted {
    fn new(
        fetch: FetchPartition,
        isolation_level: i8,
        topic: Result<&Arc<Topic>, &ResponseError>,
    ) -> Self {
        let partition = topic.map_err(|error| *error).and_then(|topic| {
            topic.partition(fetch.partition).ok_or(ResponseError::UnknownTopicOrPartition)
        });
        Self { fetch, isolation_level, partition }
    }

    /// Whether this node may serve the partition: the leader, or from version 11 on any replica
    /// (KIP-392). Every negative epoch means that the client knows none.
    fn check_replica(&self, state: &PartitionState, reader: &Reader<'_>) -> Result<(), ResponseError> {
        let known = Some(self.fetch.current_leader_epoch).filter(|epoch| *epoch >= 0);
        if reader.replica >= 0 && !state.replication.holds(reader.replica) {
            return Err(ResponseError::NotLeaderOrFollower);
        }
        if reader.version >= FROM_FOLLOWERS {
            return state.check_replica(reader.context.node, known);
        }
        state.check_leader(reader.context.node, known)
    }

    /// Where the reader had better read.
    fn preferred_replica(&self, state: &PartitionState, reader: &Reader<'_>) -> Option<i32> {
        state.preferred_replica(reader.context.node, &reader.near, self.fetch.fetch_offset)
    }

    /// Whether the replica on this node has the offset, or will have it next.
    fn check_offset(&self, state: &PartitionState, node: i32) -> Result<(), ResponseError> {
        let from = self.fetch.fetch_offset;
        if from < state.log.start_offset() || from > state.end_at(node) {
            return Err(ResponseError::OffsetOutOfRange);
        }
        Ok(())
    }

    /// How many bytes there are, or that there is an error which is answered at once. `None` where
    /// the answer names a better replica, at once too.
    fn available(&self, reader: &Reader<'_>) -> Result<Option<u64>, ResponseError> {
        let partition = self.partition.as_ref().map_err(|error| *error)?;
        let (from, node) = (self.fetch.fetch_offset, reader.context.node);
        partition.with(|state| {
            self.check_replica(state, reader)?;
            if self.preferred_replica(state, reader).is_some() {
                return Ok(None);
            }
            self.check_offset(state, node)?;
            let end = state.readable_end(node, self.isolation_level);
            Ok(Some(state.log.available_bytes(from, end)))
        })
    }

    fn locate(&self, max_bytes: usize, reader: &Reader<'_>) -> Result<Standing, ResponseError> {
        let partition = self.partition.as_ref().map_err(|error| *error)?;
        let node = reader.context.node;
        partition.with(|state| {
            self.check_replica(state, reader)?;
            let preferred = self.preferred_replica(state, reader);
            let slice = if preferred.is_some() {
                None
            } else {
                self.check_offset(state, node)?;
                let end = state.readable_end(node, self.isolation_level);
                let located = state.log.locate(self.fetch.fetch_offset, end, max_bytes);
                located.map_err(|_| ResponseError::OffsetOutOfRange)?
            };
            let is_read_committed = self.isolation_level == READ_COMMITTED;
            Ok(Standing {
                high_watermark: state.readable_end(node, READ_UNCOMMITTED),
                last_stable_offset: state.readable_end(node, READ_COMMITTED),
                log_start_offset: state.log.start_offset(),
                slice,
                preferred,
                aborted: is_read_committed.then(|| state.log.aborted_transactions()),
            })
        })
    }
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
    // Too few bytes when the time is up are an answer like any other.
    let _ = wait_for(&watches, Some(Instant::now() + max_wait), enough).await;
}

/// Reads a partition's records, within what is left of the answer's size.
async fn read(
    wanted: &Wanted,
    left: &mut usize,
    first: bool,
    reader: &Reader<'_>,
) -> PartitionData {
    let Reader { context, version, .. } = *reader;
    let data = nothing(wanted);
    let of_partition = usize::try_from(wanted.fetch.partition_max_bytes).unwrap_or(0);
    let most = of_partition.min(*left);
    // With nothing left, only the first batch of all may go over the limit.
    let found = if first || *left > 0 {
        locate_and_read(wanted, most, first, reader).await
    } else {
        wanted.locate(most, reader).map(|standing| (standing, Bytes::new()))
    };
    match found {
        Ok((standing, records)) => {
            let records = context.state.fetched.keep_count(records);
            *left = left.saturating_sub(records.len());
            let data = data
                .with_high_watermark(standing.high_watermark)
                .with_last_stable_offset(standing.last_stable_offset)
                .with_aborted_transactions(
                    standing.aborted.map(|all| aborted(&all, wanted.fetch.fetch_offset, &records)),
                )
                .with_preferred_read_replica(BrokerId(standing.preferred.unwrap_or(-1)))
                .with_records(Some(records));
            if version >= 5 { data.with_log_start_offset(standing.log_start_offset) } else { data }
        }
        Err(error) => refuse(data, wanted, error, version),
    }
}

/// A partition's answer without records, and without a word on where it ends.
fn nothing(wanted: &Wanted) -> PartitionData {
    PartitionData::default()
        .with_partition_index(wanted.fetch.partition)
        .with_records(Some(Bytes::new()))
        .with_aborted_transactions(None)
        .with_high_watermark(-1)
        .with_last_stable_offset(-1)
}

/// The aborted transactions that a reader has to know of for these records, which it asked for from
/// `offset` on: theirs are to be skipped.
fn aborted(all: &AbortedTransactions, offset: i64, records: &[u8]) -> Vec<AbortedTransaction> {
    if records.is_empty() || all.is_empty() {
        return Vec::new();
    }
    let mut batches = records;
    let mut end = offset;
    while let Ok(header) = BatchHeader::parse(batches) {
        end = header.last_offset() + 1;
        batches = batches.get(header.size()..).unwrap_or_default();
    }
    let overlapping = all.overlapping(offset, end).into_iter();
    let wire = overlapping.map(|transaction| {
        AbortedTransaction::default()
            .with_producer_id(ProducerId(transaction.producer_id))
            .with_first_offset(transaction.first_offset)
    });
    wire.collect()
}

/// How a partition stands, and the records there are in it. An answer without records means that
/// there are none: where they moved within the log while they were read, it is looked for them again.
async fn locate_and_read(
    wanted: &Wanted,
    max_bytes: usize,
    at_least_one: bool,
    reader: &Reader<'_>,
) -> Result<(Standing, Bytes), ResponseError> {
    loop {
        let mut standing = wanted.locate(max_bytes, reader)?;
        let Some(slice) = standing.slice.take() else {
            return Ok((standing, Bytes::new()));
        };
        match read_slice(slice, at_least_one).await {
            Err(ReadError::Outdated) => {}
            Ok(records) => return Ok((standing, records)),
            Err(ReadError::Io(error)) => {
                tracing::error!(%error, "a segment could not be read");
                return Err(ResponseError::KafkaStorageError);
            }
        }
    }
}

/// Reads inline what is in the page cache, and anything else on a thread where waiting for the disk
/// holds up nobody: the way there and back costs more than the copy of a megabyte.
async fn read_slice(slice: Slice, at_least_one: bool) -> Result<Bytes, ReadError> {
    match slice.read_without_waiting(at_least_one)? {
        Some(records) => Ok(records),
        None => {
            let reading = tokio::task::spawn_blocking(move || slice.read(at_least_one));
            reading.await.map_err(io::Error::other)?
        }
    }
}

fn refuse(
    mut data: PartitionData,
    wanted: &Wanted,
    error: ResponseError,
    version: i16,
) -> PartitionData {
    data.error_code = error.code();
    if error == ResponseError::NotLeaderOrFollower
        && version >= CURRENT_LEADER
        && let Ok(partition) = &wanted.partition
    {
        let leadership = partition.leadership();
        data.current_leader = LeaderIdAndEpoch::default()
            .with_leader_id(BrokerId(leadership.leader))
            .with_leader_epoch(leadership.epoch);
    }
    data
}
