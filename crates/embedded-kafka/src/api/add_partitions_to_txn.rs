//! AddPartitionsToTxn, versions 0 to 3: the partitions that a transaction is going to write to, so
//! that its coordinator knows where markers belong. The first ones open the transaction.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};

use super::{Context, code};
use crate::metadata::names::is_internal;
use crate::txn::{Partitions, Producer};

/// The first version whose clients know `PRODUCER_FENCED` (KIP-588).
const PRODUCER_FENCED: i16 = 2;

pub(super) fn handle(
    request: AddPartitionsToTxnRequest,
    version: i16,
    context: &Context,
) -> AddPartitionsToTxnResponse {
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
    let topics = &request.v3_and_below_topics;
    let mut named = topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| (topic.name.as_str(), *partition))
    });
    // All are added, or none: that one cannot be keeps the others out.
    let all = if named.any(|(topic, partition)| refused(topic, partition).is_some()) {
        Err(ResponseError::OperationNotAttempted)
    } else {
        add(&request, context).map_err(|error| {
            if version < PRODUCER_FENCED { super::without_fencing(error) } else { error }
        })
    };
    let results = topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let result = refused(&topic.name, *partition).map_or(all, Err);
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*partition)
                .with_partition_error_code(code(&result))
        });
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(partitions.collect())
    });
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(results.collect())
}

fn add(request: &AddPartitionsToTxnRequest, context: &Context) -> Result<(), ResponseError> {
    let transactional_id = &request.v3_and_below_transactional_id;
    context.check_transaction_coordinator(transactional_id)?;
    let producer = Producer {
        id: request.v3_and_below_producer_id.0,
        epoch: request.v3_and_below_producer_epoch,
    };
    let mut partitions = Partitions::new();
    for topic in &request.v3_and_below_topics {
        partitions.entry(topic.name.to_string()).or_default().extend(&topic.partitions);
    }
    let transactions = &context.state.transactions;
    transactions.add_partitions(transactional_id, producer, &partitions, context.now)
}
