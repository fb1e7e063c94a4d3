//! ListTransactions, versions 0 to 2: the transactional ids that this node coordinates (KIP-664), those
//! that are older (KIP-994), or whose names match a pattern (KIP-1152).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_transactions_response::TransactionState;
use kafka_protocol::messages::{
    ListTransactionsRequest, ListTransactionsResponse, ProducerId, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;

use super::Context;
use crate::group::whole;
use crate::txn::{Listed, State};

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
            && context.check_transaction_coordinator(&it.transactional_id).is_ok()
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
