//! ListTransactions (key 66, versions 0–2)
//!
//! Lists the transactional ids that this node coordinates (KIP-664).
//!
//! Version notes:
//!
//! - v0: flexible encoding (KIP-482)
//! - v1: a filter for transactions older than a duration (KIP-994)
//! - v2: a filter for transactional ids that match a pattern (KIP-1152)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_transactions_response::TransactionState;
use kafka_protocol::messages::{
    ListTransactionsRequest, ListTransactionsResponse, ProducerId, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;

use super::context::Context;
use super::outcomes::Outcomes;
use super::words::Asked;
use crate::group::whole;
use crate::txn::{Listed, State};
use crate::wire::shape::{Kind, Shape, field};

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    0,
    &[
        field("state_filters", Kind::Array(&Kind::String)),
        field("producer_id_filters", Kind::Array(&Kind::Int64)),
        field("duration_filter", Kind::Int64).since(1),
        field("transactional_id_pattern", Kind::String).since(2),
    ],
);

pub(super) fn handle(
    request: ListTransactionsRequest,
    _version: i16,
    context: &Context,
) -> ListTransactionsResponse {
    let pattern = request.transactional_id_pattern.as_deref().filter(|it| !it.is_empty());
    let Ok(pattern) = pattern.map(whole).transpose() else {
        let error = ResponseError::InvalidRegularExpression.code();
        return ListTransactionsResponse::default().with_error_code(error);
    };
    let longer_than = Some(request.duration_filter).filter(|duration| *duration >= 0);
    let states: Vec<_> = request.state_filters.iter().map(|name| State::of_name(name)).collect();
    let unknown = request.state_filters.iter().zip(&states).filter(|(_, state)| state.is_none());
    let unknown = unknown.map(|(name, _)| name.clone()).collect();
    let is_asked_for = |it: &Listed| {
        let producers = &request.producer_id_filters;
        (states.is_empty() || states.contains(&Some(it.state)))
            && (producers.is_empty() || producers.contains(&ProducerId(it.producer_id)))
            && longer_than.is_none_or(|duration| context.now - it.start_timestamp > duration)
            && pattern.as_ref().is_none_or(|pattern| pattern.is_match(&it.transactional_id))
            && context.check_transaction_read(&it.transactional_id).is_ok()
    };
    let listed = context.state.transactions.list().into_iter().filter(is_asked_for).map(|it| {
        TransactionState::default()
            .with_transactional_id(TransactionalId(StrBytes::from_string(it.transactional_id)))
            .with_producer_id(ProducerId(it.producer_id))
            .with_transaction_state(StrBytes::from_static_str(it.state.name()))
    });
    ListTransactionsResponse::default()
        .with_unknown_state_filters(unknown)
        .with_transaction_states(listed.collect())
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    _request: ListTransactionsRequest,
    _version: i16,
    code: i16,
) -> ListTransactionsResponse {
    ListTransactionsResponse::default().with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(_request: &ListTransactionsRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &ListTransactionsResponse) -> Outcomes {
    Outcomes::whole(response.error_code)
}
