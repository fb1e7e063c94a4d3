//! AddPartitionsToTxn (key 24, versions 0–5)
//!
//! Adds the partitions that a transaction is about to write to, so that its coordinator knows where
//! markers belong. The first ones open the transaction.
//!
//! Version notes:
//!
//! - v2: PRODUCER_FENCED, instead of INVALID_PRODUCER_EPOCH (KIP-588)
//! - v3: flexible encoding (KIP-482)
//! - v4: sent by nodes to coordinators for several producers at once, also only to verify that
//!   the partitions are in the transaction (KIP-890)
//! - v5: TRANSACTION_ABORTABLE (KIP-890)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::{code, to_be_aborted, without_fencing};
use super::words::{Asked, list, producer};
use crate::log::Producer;
use crate::metadata::names::is_internal;
use crate::txn::Partitions;
use crate::wire::shape::{Kind, Shape, field};

/// The first version whose clients know `PRODUCER_FENCED` (KIP-588).
const KNOWS_PRODUCER_FENCED: i16 = 2;

/// The first version that nodes send, for several producers at once (KIP-890).
const BATCHED: i16 = 4;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    3,
    &[
        field(
            "transactions",
            Kind::Array(&Kind::Struct(&[
                field("transactional_id", Kind::String).since(4),
                field("producer_id", Kind::Int64).since(4),
                field("producer_epoch", Kind::Int16).since(4),
                field("verify_only", Kind::Boolean).since(4),
                field(
                    "topics",
                    Kind::Array(&Kind::Struct(&[
                        field("name", Kind::String),
                        field("partitions", Kind::Array(&Kind::Int32)),
                    ])),
                )
                .since(4),
            ])),
        )
        .since(4),
        field("v3_and_below_transactional_id", Kind::String).until(3),
        field("v3_and_below_producer_id", Kind::Int64).until(3),
        field("v3_and_below_producer_epoch", Kind::Int16).until(3),
        field(
            "v3_and_below_topics",
            Kind::Array(&Kind::Struct(&[
                field("name", Kind::String),
                field("partitions", Kind::Array(&Kind::Int32)),
            ])),
        )
        .until(3),
    ],
);

pub(super) fn handle(
    request: AddPartitionsToTxnRequest,
    version: i16,
    context: &Context,
) -> AddPartitionsToTxnResponse {
    if version >= BATCHED {
        let results = request.transactions.iter().map(|transaction| {
            AddPartitionsToTxnResult::default()
                .with_transactional_id(transaction.transactional_id.clone())
                .with_topic_results(results(transaction, version, context))
        });
        return AddPartitionsToTxnResponse::default()
            .with_results_by_transaction(results.collect());
    }
    let transaction = AddPartitionsToTxnTransaction::default()
        .with_transactional_id(request.v3_and_below_transactional_id)
        .with_producer_id(request.v3_and_below_producer_id)
        .with_producer_epoch(request.v3_and_below_producer_epoch)
        .with_topics(request.v3_and_below_topics);
    let results = results(&transaction, version, context);
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(results)
}

fn results(
    transaction: &AddPartitionsToTxnTransaction,
    version: i16,
    context: &Context,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let rejected = |topic: &str, partition: i32| {
        if is_internal(topic) {
            // Only coordinators write to internal topics.
            Some(ResponseError::TopicAuthorizationFailed)
        } else if context.state.metadata.has_partition(topic, partition) {
            None
        } else {
            Some(ResponseError::UnknownTopicOrPartition)
        }
    };
    let mut named = named(&transaction.topics);
    // All are added, or none: one that cannot be added rejects the others.
    let all = if named.any(|(topic, partition)| rejected(topic, partition).is_some()) {
        Err(ResponseError::OperationNotAttempted)
    } else if transaction.verify_only {
        context.check_transaction_write(&transaction.transactional_id)
    } else {
        add(transaction, context).map_err(|error| {
            if version < KNOWS_PRODUCER_FENCED { without_fencing(error) } else { error }
        })
    };
    let result = |topic: &str, partition: i32| {
        rejected(topic, partition).map_or(all, Err)?;
        if transaction.verify_only {
            verify(transaction, topic, partition, context)
        } else {
            Ok(())
        }
    };
    let results = transaction.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*partition)
                .with_partition_error_code(code(&result(&topic.name, *partition)))
        });
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(partitions.collect())
    });
    results.collect()
}

fn named(topics: &[AddPartitionsToTxnTopic]) -> impl Iterator<Item = (&str, i32)> {
    topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| (topic.name.as_str(), *partition))
    })
}

fn producer_of(transaction: &AddPartitionsToTxnTransaction) -> Producer {
    Producer { id: transaction.producer_id.0, epoch: transaction.producer_epoch }
}

fn add(
    transaction: &AddPartitionsToTxnTransaction,
    context: &Context,
) -> Result<(), ResponseError> {
    let transactional_id = &transaction.transactional_id;
    context.check_transaction_write(transactional_id)?;
    let mut partitions = Partitions::new();
    for topic in &transaction.topics {
        partitions.entry(topic.name.to_string()).or_default().extend(&topic.partitions);
    }
    let (transactions, producer) = (&context.state.transactions, producer_of(transaction));
    transactions.add_partitions(transactional_id, producer, &partitions, context.now)
}

fn verify(
    transaction: &AddPartitionsToTxnTransaction,
    topic: &str,
    partition: i32,
    context: &Context,
) -> Result<(), ResponseError> {
    let (transactions, producer) = (&context.state.transactions, producer_of(transaction));
    let verified = transactions.verify(&transaction.transactional_id, producer, topic, partition);
    verified.map_err(to_be_aborted)
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: AddPartitionsToTxnRequest,
    version: i16,
    code: i16,
) -> AddPartitionsToTxnResponse {
    if version >= BATCHED {
        return AddPartitionsToTxnResponse::default().with_error_code(code);
    }
    let topics = request.v3_and_below_topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*partition)
                .with_partition_error_code(code)
        });
        AddPartitionsToTxnTopicResult::default()
            .with_results_by_partition(partitions.collect())
            .with_name(topic.name)
    });
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(topics.collect())
}

/// Describes a request in words.
pub(super) fn describe(request: &AddPartitionsToTxnRequest) -> Asked {
    let partitions = |topics: &[AddPartitionsToTxnTopic]| {
        list(named(topics).map(|(topic, partition)| format!("{topic}/{partition}")))
    };
    if request.transactions.is_empty() {
        let id = request.v3_and_below_transactional_id.as_str();
        return Asked::of(format!("{id} {}", partitions(&request.v3_and_below_topics)))
            .by(producer(request.v3_and_below_producer_id, request.v3_and_below_producer_epoch));
    }
    let transactions = request.transactions.iter();
    Asked::of(list(
        transactions
            .clone()
            .map(|it| format!("{} {}", it.transactional_id.as_str(), partitions(&it.topics))),
    ))
    .by(list(transactions.map(|it| producer(it.producer_id, it.producer_epoch))))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &AddPartitionsToTxnResponse) -> Outcomes {
    let by_partition = |topics: &[AddPartitionsToTxnTopicResult]| {
        Outcomes::partitions(topics, |topic| {
            let partitions = topic.results_by_partition.iter();
            let codes = partitions.map(|it| (it.partition_index, it.partition_error_code));
            (topic.name.to_string(), codes)
        })
    };
    let whole = Outcomes::whole(response.error_code);
    let single = whole.and(by_partition(&response.results_by_topic_v3_and_below));
    response.results_by_transaction.iter().fold(single, |outcomes, it| {
        outcomes.and(by_partition(&it.topic_results).about(&it.transactional_id))
    })
}
