//! InitProducerId: an id for an idempotent producer, by which the log knows its batches again
//! (KIP-98).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::Context;

pub(super) fn handle(
    request: InitProducerIdRequest,
    _version: i16,
    context: &Context,
) -> InitProducerIdResponse {
    let allocated = match request.transactional_id {
        None => context.state.metadata.allocate_producer_id(),
        Some(_) => Err(ResponseError::CoordinatorNotAvailable),
    };
    match allocated {
        Ok(id) => {
            InitProducerIdResponse::default().with_producer_id(ProducerId(id)).with_producer_epoch(0)
        }
        Err(error) => InitProducerIdResponse::default()
            .with_error_code(error.code())
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1),
    }
}
