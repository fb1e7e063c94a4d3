//! InitProducerId (key 22, versions 0–5)
//!
//! Allocates an id for a producer, by which the log recognizes its batches (KIP-98). With a
//! transactional id the same producer gets the same id each time, with an epoch that fences its
//! predecessors.
//!
//! Version notes:
//!
//! - v2: flexible encoding (KIP-482)
//! - v3: producer id and epoch: a producer may continue after an error (KIP-360)
//! - v4: PRODUCER_FENCED, instead of INVALID_PRODUCER_EPOCH (KIP-588)
//! - v5: TRANSACTION_ABORTABLE (KIP-890), which is not sent

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::without_fencing;
use super::words::{Asked, producer};
use crate::log::Producer;
use crate::wire::shape::{Kind, Shape, field};

/// The first version whose clients know `PRODUCER_FENCED` (KIP-588).
const KNOWS_PRODUCER_FENCED: i16 = 4;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    2,
    &[
        field("transactional_id", Kind::String),
        field("transaction_timeout_ms", Kind::Int32),
        field("producer_id", Kind::Int64).since(3),
        field("producer_epoch", Kind::Int16).since(3),
        field("enable2_pc", Kind::Boolean).since(6),
        field("keep_prepared_txn", Kind::Boolean).since(6),
    ],
);

pub(super) fn handle(
    request: InitProducerIdRequest,
    version: i16,
    context: &Context,
) -> InitProducerIdResponse {
    match initialize(&request, context).map_err(|error| {
        if version < KNOWS_PRODUCER_FENCED { without_fencing(error) } else { error }
    }) {
        Ok(producer) => InitProducerIdResponse::default()
            .with_producer_id(ProducerId(producer.id))
            .with_producer_epoch(producer.epoch),
        Err(error) => InitProducerIdResponse::default()
            .with_error_code(error.code())
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1),
    }
}

fn initialize(
    request: &InitProducerIdRequest,
    context: &Context,
) -> Result<Producer, ResponseError> {
    let expected = match (request.producer_id.0, request.producer_epoch) {
        (-1, -1) => None,
        (-1, _) | (_, -1) => return Err(ResponseError::InvalidRequest),
        (id, epoch) => Some(Producer { id, epoch }),
    };
    let Some(transactional_id) = &request.transactional_id else {
        let id = context.state.metadata.allocate_producer_id()?;
        return Ok(Producer { id, epoch: 0 });
    };
    let transactions = &context.state.transactions;
    let timeout_ms = request.transaction_timeout_ms;
    transactions.check_initialize(transactional_id, timeout_ms)?;
    context.check_transaction_write(transactional_id)?;
    transactions.initialize(transactional_id, timeout_ms, expected, context.now)
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    _request: InitProducerIdRequest,
    _version: i16,
    code: i16,
) -> InitProducerIdResponse {
    InitProducerIdResponse::default()
        .with_error_code(code)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1)
}

/// Describes a request in words.
pub(super) fn describe(request: &InitProducerIdRequest) -> Asked {
    Asked::of(request.transactional_id.as_ref().map_or("", |id| id.as_str()))
        .by(producer(request.producer_id, request.producer_epoch))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &InitProducerIdResponse) -> Outcomes {
    Outcomes::whole(response.error_code)
}
