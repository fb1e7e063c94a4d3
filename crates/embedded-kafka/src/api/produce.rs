//! Produce: appends a batch of records to each partition named.
//!
//! A batch is checked before its partition is locked, and written as it came. With acks=0 there is
//! no answer at all, and with acks=all none before every replica in sync has the batch, which is
//! as soon as the leader has it unless something disturbs them. A batch of a transaction is only taken while the transaction's
//! coordinator says that the partition takes part in it.

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{BrokerId, ProduceRequest, ProduceResponse};
use tokio::time::Instant;

use super::{Answer, Call, Context, message, node_endpoints, to_be_aborted};
use crate::log::{self, Appended, BatchHeader, Position, Producer, BatchRejection};
use crate::metadata::{Partition, Written, names};
use crate::txn::Partitions;
use crate::wait::wait_for;

/// The first version that tells which records are at fault (KIP-467).
const RECORD_ERRORS: i16 = 8;

/// The first version whose clients know `TRANSACTION_ABORTABLE` (KIP-890).
const TRANSACTION_ABORTABLE: i16 = 11;

/// The first version that adds a partition to the transaction by itself (KIP-890).
const ADDS_PARTITIONS: i16 = 12;

/// The first version that names a topic by its id alone (KIP-516).
const TOPIC_IDS: i16 = 13;

/// The first version that takes batches which are compressed with zstd (KIP-110).
const ZSTD: i16 = 7;

/// The first version that tells who leads instead (KIP-951).
const CURRENT_LEADER: i16 = 10;

pub(super) async fn answer(request: ProduceRequest, call: &Call, context: &Context) -> Answer {
    let asked = context.in_words(&request);
    let acks = request.acks;
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let (mut response, waiting) = handle(request, call.version, context);
    if !waiting.is_empty() {
        wait(&mut response, &waiting, timeout, call.version, context).await;
    }
    if acks != 0 {
        return call.respond(response, asked, context, []);
    }
    let partitions = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    let refused = partitions
        .filter_map(|partition| ResponseError::try_from_code(partition.error_code))
        .next();
    // Nobody is answered, but who watches sees what was refused.
    call.report(asked, refused.map(|_| &response as &dyn std::any::Any), context);
    match refused {
        Some(error) => refuse_unacknowledged(error),
        None => Answer::Nothing,
    }
}

/// The one sign of trouble that a producer without acknowledgements gets is a closed connection.
pub(super) fn refuse_unacknowledged(error: ResponseError) -> Answer {
    Answer::Close(format!("records sent with acks=0 were refused: {error}"))
}

/// A batch that was appended, and that not every replica in sync has yet.
struct Waiting {
    /// Where its answer is: the topic and the partition, by their places in the response.
    place: (usize, usize),
    topic: String,
    partition: Arc<Partition>,
    position: Position,
}

fn handle(
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
                    refuse(response, name, rejection, version, context)
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

/// Checks what none of the partitions is looked at without: Kafka wants to know first whether the
/// records belong to a transaction, and whether the request may have one.
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

/// Waits until it is decided of each batch whether it is safe, or the time is up. Answers that say
/// that a batch is there are put right where it may not stay.
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
    // Batches about which nothing is known when the time is up have an answer of their own.
    let _ = wait_for(&watches, Some(Instant::now() + timeout), decided).await;
    for (outcome, batch) in outcomes.into_iter().zip(waiting) {
        let Err(error) = outcome.unwrap_or(Err(ResponseError::RequestTimedOut)) else {
            continue;
        };
        let topic = &mut response.responses[batch.place.0];
        let answer = &mut topic.partition_responses[batch.place.1];
        let refused = PartitionProduceResponse::default().with_index(answer.index);
        *answer = refuse(refused, &batch.topic, error.into(), version, context);
        if error == ResponseError::NotLeaderOrFollower {
            name_nodes(response, version, context);
        }
    }
}

/// Who sent a request.
struct Sender<'a> {
    transactional_id: Option<&'a str>,
    version: i16,
    context: &'a Context,
}

impl Sender<'_> {
    /// The name of the topic that is meant.
    fn name(&self, topic: &TopicProduceData) -> Result<String, ResponseError> {
        if self.version < TOPIC_IDS {
            return Ok(topic.name.to_string());
        }
        let found = self.context.state.metadata.topic_by_id(topic.topic_id);
        found.map(|topic| topic.name.to_string()).ok_or(ResponseError::UnknownTopicId)
    }

    fn append(
        &self,
        topic: &str,
        data: &PartitionProduceData,
        acks: i16,
    ) -> Result<(Arc<Partition>, Written), BatchRejection> {
        if names::is_internal(topic) {
            // The coordinators alone write there, and read it when the cluster starts.
            return Err(ResponseError::InvalidTopicException.into());
        }
        let Context { state, node, now, .. } = self.context;
        let partition = state.metadata.partition(topic, data.index)?;
        // A batch for another node is not worth checking, and its settings are copied out of the
        // lock.
        let settings = partition.with(|state| {
            state.check_leader(*node, None).map(|()| state.log.settings().clone())
        })?;
        let records = data.records.clone().unwrap_or_default();
        let name = format_args!("{topic}-{}", data.index);
        let takes_zstd = self.version >= ZSTD;
        let batch = log::validate(&records, &name, &settings, *now, takes_zstd)?;
        if !batch.header().is_transactional() {
            let written = partition.append(*node, acks, &batch, *now)?;
            return Ok((partition, written));
        }
        // A request without a transactional id names none that it may write for.
        let id = self.transactional_id.ok_or(ResponseError::TransactionalIdAuthorizationFailed)?;
        let verify = || self.verify(id, batch.header(), topic, data.index);
        let written = partition.append_transactional(*node, acks, &batch, *now, verify)?;
        Ok((partition, written))
    }

    /// Asks the coordinator whether the partition takes part in the producer's transaction, and says
    /// it as clients of this API's versions know it (KIP-890, part 1).
    fn verify(
        &self,
        transactional_id: &str,
        batch: &BatchHeader,
        topic: &str,
        partition: i32,
    ) -> Result<(), ResponseError> {
        let producer = Producer { id: batch.producer_id, epoch: batch.producer_epoch };
        let transactions = &self.context.state.transactions;
        let verified = if self.version >= ADDS_PARTITIONS {
            let partitions = Partitions::from([(topic.to_owned(), [partition].into())]);
            let now = self.context.now;
            transactions.add_partitions(transactional_id, producer, &partitions, now)
        } else {
            transactions.verify(transactional_id, producer, topic, partition)
        };
        verified.map_err(|error| match error {
            ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
            // What passes by itself. Clients try again after this error.
            ResponseError::ConcurrentTransactions
            | ResponseError::CoordinatorLoadInProgress
            | ResponseError::CoordinatorNotAvailable
            | ResponseError::NotCoordinator => ResponseError::NotEnoughReplicas,
            other if self.version >= TRANSACTION_ABORTABLE => to_be_aborted(other),
            other => other,
        })
    }
}

fn acknowledge(
    response: PartitionProduceResponse,
    appended: Appended,
    version: i16,
) -> PartitionProduceResponse {
    let response = response
        .with_base_offset(appended.base_offset)
        .with_log_append_time_ms(appended.log_append_time.unwrap_or(-1));
    if version >= 5 {
        return response.with_log_start_offset(appended.log_start_offset);
    }
    response
}

fn refuse(
    response: PartitionProduceResponse,
    topic: &str,
    rejection: BatchRejection,
    version: i16,
    context: &Context,
) -> PartitionProduceResponse {
    let mut response = response
        .with_error_code(rejection.code.code())
        .with_base_offset(-1)
        .with_log_append_time_ms(-1);
    if version >= 5
        && rejection.names_start_offset
        && let Ok(partition) = context.state.metadata.partition(topic, response.index)
    {
        response.log_start_offset = partition.with(|state| state.log.start_offset());
    }
    if version >= RECORD_ERRORS {
        response.error_message = rejection.client_message().and_then(|text| message(text.to_owned()));
        response.record_errors = rejection
            .record_errors
            .into_iter()
            .map(|(index, text)| {
                BatchIndexAndErrorMessage::default()
                    .with_batch_index(index)
                    .with_batch_index_error_message(message(text))
            })
            .collect();
    }
    if version >= CURRENT_LEADER
        && rejection.code == ResponseError::NotLeaderOrFollower
        && let Ok(partition) = context.state.metadata.partition(topic, response.index)
    {
        let leadership = partition.leadership();
        response.current_leader = LeaderIdAndEpoch::default()
            .with_leader_id(BrokerId(leadership.leader))
            .with_leader_epoch(leadership.epoch);
    }
    response
}
