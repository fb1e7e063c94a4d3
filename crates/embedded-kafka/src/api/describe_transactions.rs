//! DescribeTransactions (key 65, version 0)
//!
//! Describes the producer of a transactional id and its current transaction (KIP-664).
//!
//! Version notes:
//!
//! - v0: flexible encoding (KIP-482)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_transactions_response::{TopicData, TransactionState};
use kafka_protocol::messages::{
    DescribeTransactionsRequest, DescribeTransactionsResponse, ProducerId, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::topic_name;
use super::words::Asked;
use crate::txn::Transaction;
use crate::wire::shape::{Kind, Shape, field};

/// The fields of a request.
pub(super) const SHAPE: Shape =
    Shape::flexible_since(0, &[field("transactional_ids", Kind::Array(&Kind::String))]);

pub(super) fn handle(
    request: DescribeTransactionsRequest,
    _version: i16,
    context: &Context,
) -> DescribeTransactionsResponse {
    let described = request.transactional_ids.into_iter().map(|id| match find(&id, context) {
        Ok(transaction) => to_wire(id, &transaction),
        Err(error) => {
            TransactionState::default().with_error_code(error.code()).with_transactional_id(id)
        }
    });
    DescribeTransactionsResponse::default().with_transaction_states(described.collect())
}

fn find(transactional_id: &str, context: &Context) -> Result<Transaction, ResponseError> {
    if transactional_id.is_empty() {
        return Err(ResponseError::InvalidRequest);
    }
    context.check_transaction_read(transactional_id)?;
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

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: DescribeTransactionsRequest,
    _version: i16,
    code: i16,
) -> DescribeTransactionsResponse {
    let states = request
        .transactional_ids
        .into_iter()
        .map(|id| TransactionState::default().with_transactional_id(id).with_error_code(code));
    DescribeTransactionsResponse::default().with_transaction_states(states.collect())
}

/// Describes a request in words.
pub(super) fn describe(_request: &DescribeTransactionsRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &DescribeTransactionsResponse) -> Outcomes {
    let transactions = response.transaction_states.iter();
    Outcomes::listed(transactions.map(|it| (it.transactional_id.as_str(), it.error_code)))
}
