//! AddPartitionsToTxn, versions 0 to 5: the partitions that a transaction is going to write to, so
//! that its coordinator knows where markers belong. The first ones open the transaction.
//!
//! From version 4 on it is what nodes send to coordinators for several producers at once, and may only
//! ask whether the partitions are there already (KIP-890).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_request::{
    AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction,
};
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};

use super::{Context, code, to_be_aborted};
use crate::log::Producer;
use crate::metadata::names::is_internal;
use crate::txn::Partitions;

/// The first version whose clients know `PRODUCER_FENCED` (KIP-588).
const PRODUCER_FENCED: i16 = 2;

/// The first version of nodes.
const BATCHED: i16 = 4;

pub(super) fn handle(
    request: AddPartitionsToTxnRequest,
    version: i16,
    context: &Context,
) -> AddPartitionsToTxnResponse {
    if version >= BATCHED {
        let results = request.transactions.iter().map(|transaction| {
            AddPartitionsToTxnResult::default()
                .with_transactional_id(transaction.transactional_id.clone())
                .with_topic_results(answer(transaction, version, context))
        });
        return AddPartitionsToTxnResponse::default().with_results_by_transaction(results.collect());
    }
    let transaction = AddPartitionsToTxnTransaction::default()
        .with_transactional_id(request.v3_and_below_transactional_id)
        .with_producer_id(request.v3_and_below_producer_id)
        .with_producer_epoch(request.v3_and_below_producer_epoch)
        .with_topics(request.v3_and_below_topics);
    let results = answer(&transaction, version, context);
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(results)
}

fn answer(
    transaction: &AddPartitionsToTxnTransaction,
    version: i16,
    context: &Context,
) -> Vec<AddPartitionsToTxnTopicResult> {
    let refused = |topic: &str, partition: i32| {
        if is_internal(topic) {
            // Only coordinators write there.
            Some(ResponseError::TopicAuthorizationFailed)
        } else if context.state.metadata.has_partition(topic, partition) {
            None
        } else {
            Some(ResponseError::UnknownTopicOrPartition)
        }
    };
    let mut named = named(&transaction.topics);
    // All are added, or none: that one cannot be keeps the others out.
    let all = if named.any(|(topic, partition)| refused(topic, partition).is_some()) {
        Err(ResponseError::OperationNotAttempted)
    } else if transaction.verify_only {
        context.check_transaction_coordinator(&transaction.transactional_id)
    } else {
        add(transaction, context).map_err(|error| {
            if version < PRODUCER_FENCED { super::without_fencing(error) } else { error }
        })
    };
    let result = |topic: &str, partition: i32| {
        refused(topic, partition).map_or(all, Err)?;
        if transaction.verify_only { verify(transaction, topic, partition, context) } else { Ok(()) }
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
    context.check_transaction_coordinator(transactional_id)?;
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
    let verified =
        transactions.verify(&transaction.transactional_id, producer, topic, partition);
    verified.map_err(to_be_aborted)
}
