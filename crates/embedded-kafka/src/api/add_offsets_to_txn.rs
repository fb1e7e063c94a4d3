//! AddOffsetsToTxn, versions 0 to 3: a transaction is going to commit offsets of a group, which is
//! writing to the group's partition of `__consumer_offsets` like to any other.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};

use super::{Context, code};
use crate::log::Producer;
use crate::metadata::names::CONSUMER_OFFSETS;
use crate::txn::Partitions;

/// The first version whose clients know `PRODUCER_FENCED` (KIP-588).
const PRODUCER_FENCED: i16 = 2;

pub(super) fn handle(
    request: AddOffsetsToTxnRequest,
    version: i16,
    context: &Context,
) -> AddOffsetsToTxnResponse {
    let result = add(&request, context).map_err(|error| {
        if version < PRODUCER_FENCED { super::without_fencing(error) } else { error }
    });
    AddOffsetsToTxnResponse::default().with_error_code(code(&result))
}

fn add(request: &AddOffsetsToTxnRequest, context: &Context) -> Result<(), ResponseError> {
    let state = &context.state;
    context.check_transaction_coordinator(&request.transactional_id)?;
    let producer = Producer { id: request.producer_id.0, epoch: request.producer_epoch };
    let partition = state.metadata.offsets_partition(&request.group_id);
    let partitions = Partitions::from([(CONSUMER_OFFSETS.to_owned(), [partition].into())]);
    state.transactions.add_partitions(
        &request.transactional_id,
        producer,
        &partitions,
        context.now,
    )
}
