//! DescribeTransactions, version 0: the producer of a transactional id and the transaction that it
//! is in (KIP-664).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_transactions_response::{TopicData, TransactionState};
use kafka_protocol::messages::{
    DescribeTransactionsRequest, DescribeTransactionsResponse, ProducerId, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;

use super::{Context, topic_name};
use crate::txn::Transaction;

pub(super) fn handle(
    request: DescribeTransactionsRequest,
    _version: i16,
    context: &Context,
) -> DescribeTransactionsResponse {
    let described = request.transactional_ids.into_iter().map(|id| match find(&id, context) {
        Ok(transaction) => to_wire(id, &transaction),
        Err(error) => TransactionState::default()
            .with_error_code(error.code())
            .with_transactional_id(id),
    });
    DescribeTransactionsResponse::default().with_transaction_states(described.collect())
}

fn find(transactional_id: &str, context: &Context) -> Result<Transaction, ResponseError> {
    if transactional_id.is_empty() {
        return Err(ResponseError::InvalidRequest);
    }
    context.check_transaction_coordinator(transactional_id)?;
    let transaction = context.state.transactions.describe(transactional_id);
    transaction.ok_or(ResponseError::TransactionalIdNotFound)
}

fn to_wire(transactional_id: TransactionalId, transaction: &Transaction) -> TransactionState {
    let topics = transaction.partitions.iter().map(|(topic, partitions)| {
        TopicData::default()
            .with_topic(topic_name(topic))
            .with_partitions(partitions.iter().copied().collect())
    });
    TransactionState::default()
        .with_transactional_id(transactional_id)
        .with_transaction_state(StrBytes::from_static_str(transaction.state.name()))
        .with_transaction_timeout_ms(transaction.timeout_ms)
        .with_transaction_start_time_ms(transaction.start_timestamp)
        .with_producer_id(ProducerId(transaction.producer.id))
        .with_producer_epoch(transaction.producer.epoch)
        .with_topics(topics.collect())
}
