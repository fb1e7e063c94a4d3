//! EndTxn, versions 0 to 3: a transaction is committed or aborted, in all its partitions at once.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{EndTxnRequest, EndTxnResponse};

use super::{Context, code};
use crate::log::Producer;
use crate::txn::Outcome;

/// The first version whose clients know `PRODUCER_FENCED` (KIP-588).
const PRODUCER_FENCED: i16 = 2;

pub(super) fn handle(request: EndTxnRequest, version: i16, context: &Context) -> EndTxnResponse {
    let result = end(&request, context).map_err(|error| {
        if version < PRODUCER_FENCED { super::without_fencing(error) } else { error }
    });
    EndTxnResponse::default().with_error_code(code(&result))
}

fn end(request: &EndTxnRequest, context: &Context) -> Result<(), ResponseError> {
    let transactional_id = &request.transactional_id;
    context.check_transaction_coordinator(transactional_id)?;
    let producer = Producer { id: request.producer_id.0, epoch: request.producer_epoch };
    let outcome = if request.committed { Outcome::Commit } else { Outcome::Abort };
    context.state.transactions.end(transactional_id, producer, outcome, context.now)
}
