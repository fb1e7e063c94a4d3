//! EndTxn (key 26, versions 0–4)
//!
//! Commits or aborts a transaction, in all its partitions at once.
//!
//! Version notes:
//!
//! - v2: PRODUCER_FENCED, instead of INVALID_PRODUCER_EPOCH (KIP-588)
//! - v3: flexible encoding (KIP-482)
//! - v4: TRANSACTION_ABORTABLE (KIP-890), which is not sent

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{EndTxnRequest, EndTxnResponse};

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::{code, without_fencing};
use super::words::{Asked, producer};
use crate::log::Producer;
use crate::txn::Outcome;
use crate::wire::shape::{Kind, Shape, field};

/// The first version whose clients know `PRODUCER_FENCED` (KIP-588).
const KNOWS_PRODUCER_FENCED: i16 = 2;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    3,
    &[
        field("transactional_id", Kind::String),
        field("producer_id", Kind::Int64),
        field("producer_epoch", Kind::Int16),
        field("committed", Kind::Boolean),
    ],
);

pub(super) fn handle(request: EndTxnRequest, version: i16, context: &Context) -> EndTxnResponse {
    let result = end(&request, context).map_err(|error| {
        if version < KNOWS_PRODUCER_FENCED { without_fencing(error) } else { error }
    });
    EndTxnResponse::default().with_error_code(code(&result))
}

fn end(request: &EndTxnRequest, context: &Context) -> Result<(), ResponseError> {
    let transactional_id = &request.transactional_id;
    context.check_transaction_write(transactional_id)?;
    let producer = Producer { id: request.producer_id.0, epoch: request.producer_epoch };
    let outcome = if request.committed { Outcome::Commit } else { Outcome::Abort };
    context.state.transactions.end(transactional_id, producer, outcome, context.now)
}

/// Responds with an error for all that was asked.
pub(super) fn reject(_request: EndTxnRequest, _version: i16, code: i16) -> EndTxnResponse {
    EndTxnResponse::default().with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(request: &EndTxnRequest) -> Asked {
    let outcome = if request.committed { "commit" } else { "abort" };
    Asked::of(format!("{} {outcome}", request.transactional_id.as_str()))
        .by(producer(request.producer_id, request.producer_epoch))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &EndTxnResponse) -> Outcomes {
    Outcomes::whole(response.error_code)
}
