//! Produce (key 0, versions 0–13)
//!
//! Appends a batch of records to each partition that the request names.
//!
//! A batch is checked before its partition is locked, and written as it came. With acks=0 there is
//! no response at all. With acks=all the response waits until every replica in sync has the batch,
//! which is at once unless something disturbs them. A batch of a transaction is appended only while
//! the transaction's coordinator says that the partition takes part in it.
//!
//! Version notes:
//!
//! - v0–v2: advertised but not decoded, as in Kafka 4: librdkafka looks for them in ApiVersions
//!   (KAFKA-18659)
//! - v3: transactional id, record batches of magic 2 (KIP-98)
//! - v5: log start offset in the response
//! - v7: batches compressed with zstd (KIP-110)
//! - v8: the records at fault and a message in the response (KIP-467)
//! - v9: flexible encoding (KIP-482)
//! - v10: current leader and node endpoints in the response (KIP-951)
//! - v11: TRANSACTION_ABORTABLE (KIP-890)
//! - v12: adds the partition to the transaction by itself (KIP-890)
//! - v13: topic ids instead of names (KIP-516)

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use tokio::time::Instant;

use super::call::{Call, Reply};
use super::context::Context;
use super::outcomes::Outcomes;
use super::produce_partition::{CURRENT_LEADER, Sender, acknowledge, rejected};
use super::wire::node_endpoints;
use super::words::{Asked, list, topic_or_id};
use crate::log::{self, BatchRejection, Position};
use crate::metadata::Partition;
use crate::wait::wait_for;
use crate::wire::shape::{Kind, Shape, field};

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    9,
    &[
        field("transactional_id", Kind::String),
        field("acks", Kind::Int16),
        field("timeout_ms", Kind::Int32),
        field(
            "topic_data",
            Kind::Array(&Kind::Struct(&[
                field("name", Kind::String).until(12),
                field("topic_id", Kind::Uuid).since(13),
                field(
                    "partition_data",
                    Kind::Array(&Kind::Struct(&[
                        field("index", Kind::Int32),
                        field("records", Kind::Bytes),
                    ])),
                ),
            ])),
        ),
    ],
);

pub(super) async fn respond(request: ProduceRequest, call: &Call, context: &Context) -> Reply {
    let asked = context.asked(|| describe(&request));
    let acks = request.acks;
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let (mut response, waiting) = append_all(request, call.version, context);
    if !waiting.is_empty() {
        wait(&mut response, &waiting, timeout, call.version, context).await;
    }
    if acks != 0 {
        return call.respond(&response, outcomes, asked, context, []);
    }
    let partitions = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    let rejected = partitions
        .filter_map(|partition| ResponseError::try_from_code(partition.error_code))
        .next();
    // The client gets no response, but the log of the wire shows the rejections.
    context.observe_response(&response);
    call.report(asked, || rejected.map(|_| outcomes(&response)).unwrap_or_default(), context);
    match rejected {
        Some(error) => reject_unacknowledged(error),
        None => Reply::Nothing,
    }
}

/// Returns whether the producer expects no response (`acks=0`), and would take one for that to
/// another request.
pub(super) fn is_unacknowledged(call: &Call, context: &Context) -> bool {
    let Ok(request) = call.decode::<ProduceRequest>() else { return false };
    context.observe_request(&request);
    request.acks == 0
}

/// Closes the connection, which is the only sign of trouble that a producer without
/// acknowledgements gets.
pub(super) fn reject_unacknowledged(error: ResponseError) -> Reply {
    Reply::Close(format!("records sent with acks=0 were rejected: {error}"))
}

/// A batch that was appended, and that not every replica in sync has yet.
struct Waiting {
    /// The position of its response: the indexes of the topic and the partition in the whole
    /// response.
    place: (usize, usize),
    topic: String,
    partition: Arc<Partition>,
    position: Position,
}

fn append_all(
    request: ProduceRequest,
    version: i16,
    context: &Context,
) -> (ProduceResponse, Vec<Waiting>) {
    let has_valid_acks = (-1..=1).contains(&request.acks);
    let transactional_id = request.transactional_id.as_ref().map(|id| id.as_str());
    let sender = Sender { transactional_id, version, context };
    let whole = check_first_batches(&request);
    let mut moved = false;
    let mut waiting = Vec::new();
    let topics = request.topic_data.into_iter().enumerate().map(|(at_topic, topic)| {
        let named = sender.name(&topic);
        let partitions = topic.partition_data.into_iter().enumerate().map(|(at, data)| {
            let response = PartitionProduceResponse::default().with_index(data.index);
            let appended = match (&whole, &named) {
                (Err(rejection), _) => Err(rejection.clone()),
                _ if !has_valid_acks => Err(ResponseError::InvalidRequiredAcks.into()),
                (_, Err(error)) => Err((*error).into()),
                (_, Ok(name)) => sender.append(name, &data, request.acks),
            };
            match appended {
                Ok((partition, written)) => {
                    if request.acks == -1 && !written.is_replicated {
                        let (place, position) = ((at_topic, at), written.position);
                        let topic = named.as_deref().unwrap_or_default().to_owned();
                        waiting.push(Waiting { place, topic, partition, position });
                    }
                    acknowledge(response, written.appended, version)
                }
                Err(rejection) => {
                    moved |= rejection.code == ResponseError::NotLeaderOrFollower;
                    let name = named.as_deref().unwrap_or_default();
                    rejected(response, name, rejection, version, context)
                }
            }
        });
        TopicProduceResponse::default()
            .with_partition_responses(partitions.collect())
            .with_topic_id(topic.topic_id)
            .with_name(topic.name)
    });
    let mut response = ProduceResponse::default().with_responses(topics.collect());
    if moved {
        name_nodes(&mut response, version, context);
    }
    (response, waiting)
}

/// Checks the request before any of its partitions: Kafka looks first whether the records belong to
/// a transaction, and whether the request allows one.
fn check_first_batches(request: &ProduceRequest) -> Result<(), BatchRejection> {
    let partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    let mut is_transactional = false;
    for records in partitions.filter_map(|data| data.records.as_ref()) {
        is_transactional |= log::is_first_batch_transactional(records)?;
    }
    if is_transactional && request.transactional_id.is_none() {
        return Err(ResponseError::TransactionalIdAuthorizationFailed.into());
    }
    Ok(())
}

fn name_nodes(response: &mut ProduceResponse, version: i16, context: &Context) {
    if version >= CURRENT_LEADER {
        response.node_endpoints = node_endpoints!(produce_response, context);
    }
}

/// Waits until each batch is replicated or lost, or the time is up. A response that acknowledges a
/// batch is corrected if the batch may be lost.
async fn wait(
    response: &mut ProduceResponse,
    waiting: &[Waiting],
    timeout: Duration,
    version: i16,
    context: &Context,
) {
    let watches: Vec<_> = waiting.iter().map(|batch| &batch.partition.changed).collect();
    let mut outcomes = vec![None; waiting.len()];
    let decided = || {
        for (outcome, batch) in outcomes.iter_mut().zip(waiting) {
            if outcome.is_none() {
                *outcome = batch.partition.outcome(&batch.position);
            }
        }
        outcomes.iter().all(Option::is_some).then_some(())
    };
    // Batches that are undecided when the time is up have timed out.
    let _ = wait_for(&watches, Some(Instant::now() + timeout), decided).await;
    for (outcome, batch) in outcomes.into_iter().zip(waiting) {
        let Err(error) = outcome.unwrap_or(Err(ResponseError::RequestTimedOut)) else {
            continue;
        };
        let topic = &mut response.responses[batch.place.0];
        let partition = &mut topic.partition_responses[batch.place.1];
        let empty = PartitionProduceResponse::default().with_index(partition.index);
        *partition = rejected(empty, &batch.topic, error.into(), version, context);
        if error == ResponseError::NotLeaderOrFollower {
            name_nodes(response, version, context);
        }
    }
}

/// Responds with an error for all that was asked.
pub(super) fn reject(request: ProduceRequest, _version: i16, code: i16) -> ProduceResponse {
    let topics = request.topic_data.into_iter().map(|topic| {
        let partitions = topic.partition_data.iter().map(|partition| {
            PartitionProduceResponse::default()
                .with_index(partition.index)
                .with_error_code(code)
                .with_base_offset(-1)
                .with_log_append_time_ms(-1)
        });
        TopicProduceResponse::default()
            .with_partition_responses(partitions.collect())
            .with_name(topic.name)
            .with_topic_id(topic.topic_id)
    });
    ProduceResponse::default().with_responses(topics.collect())
}

/// Describes a request in words.
pub(super) fn describe(request: &ProduceRequest) -> Asked {
    let partitions = list(request.topic_data.iter().flat_map(|topic| {
        let name = topic_or_id(&topic.name, topic.topic_id);
        topic.partition_data.iter().map(move |partition| {
            let bytes = partition.records.as_ref().map_or(0, bytes::Bytes::len);
            format!("{name}/{} {bytes} bytes", partition.index)
        })
    }));
    Asked::of(format!("acks={} {partitions}", request.acks))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &ProduceResponse) -> Outcomes {
    Outcomes::each(response.responses.iter().flat_map(|topic| {
        let name = topic_or_id(&topic.name, topic.topic_id);
        topic.partition_responses.iter().map(move |it| {
            (format!("{name}/{}", it.index), it.error_code, format!("offset {}", it.base_offset))
        })
    }))
}
