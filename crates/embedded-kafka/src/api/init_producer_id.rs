//! InitProducerId, versions 0 to 4: an id by which the log knows the batches of a producer again
//! (KIP-98). With a transactional id the same producer gets the same id each time, with an epoch
//! that fences those who had it before.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::Context;
use crate::log::Producer;

/// The first version whose clients know `PRODUCER_FENCED` (KIP-588).
const PRODUCER_FENCED: i16 = 4;

pub(super) fn handle(
    request: InitProducerIdRequest,
    version: i16,
    context: &Context,
) -> InitProducerIdResponse {
    match initialize(&request, context).map_err(|error| {
        if version < PRODUCER_FENCED { super::without_fencing(error) } else { error }
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
    context.check_transaction_coordinator(transactional_id)?;
    transactions.initialize(transactional_id, timeout_ms, expected, context.now)
}
