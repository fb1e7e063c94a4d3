//! AddOffsetsToTxn (key 25, versions 0–4)
//!
//! Announces that a transaction will commit offsets of a group, which is writing to the group's
//! partition of `__consumer_offsets` like to any other.
//!
//! Version notes:
//!
//! - v2: PRODUCER_FENCED, instead of INVALID_PRODUCER_EPOCH (KIP-588)
//! - v3: flexible encoding (KIP-482)
//! - v4: TRANSACTION_ABORTABLE (KIP-890), which is not sent

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::{code, without_fencing};
use super::words::{Asked, producer};
use crate::log::Producer;
use crate::metadata::names::CONSUMER_OFFSETS;
use crate::txn::Partitions;
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
        field("group_id", Kind::String),
    ],
);

pub(super) fn handle(
    request: AddOffsetsToTxnRequest,
    version: i16,
    context: &Context,
) -> AddOffsetsToTxnResponse {
    let result = add(&request, context).map_err(|error| {
        if version < KNOWS_PRODUCER_FENCED { without_fencing(error) } else { error }
    });
    AddOffsetsToTxnResponse::default().with_error_code(code(&result))
}

fn add(request: &AddOffsetsToTxnRequest, context: &Context) -> Result<(), ResponseError> {
    let state = &context.state;
    context.check_transaction_write(&request.transactional_id)?;
    let producer = Producer { id: request.producer_id.0, epoch: request.producer_epoch };
    let partition = state.metadata.offsets_partition(&request.group_id);
    let partitions = Partitions::from([(CONSUMER_OFFSETS.to_owned(), [partition].into())]);
    state.transactions.add_partitions(&request.transactional_id, producer, &partitions, context.now)
}

/// Responds with an error for the whole request.
pub(super) fn reject(
    _request: AddOffsetsToTxnRequest,
    _version: i16,
    code: i16,
) -> AddOffsetsToTxnResponse {
    AddOffsetsToTxnResponse::default().with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(request: &AddOffsetsToTxnRequest) -> Asked {
    let (id, group) = (request.transactional_id.as_str(), request.group_id.as_str());
    Asked::of(format!("{id} group {group}"))
        .by(producer(request.producer_id, request.producer_epoch))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &AddOffsetsToTxnResponse) -> Outcomes {
    Outcomes::whole(response.error_code)
}
