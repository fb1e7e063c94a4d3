//! DeleteRecords: moves the start of a log forward. What is below is gone (KIP-107).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_records_request::DeleteRecordsPartition;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use super::Context;
use crate::log::DeleteRecordsError;

/// Asks for everything below the high watermark to go.
const HIGH_WATERMARK: i64 = -1;

pub(super) fn handle(
    request: DeleteRecordsRequest,
    _version: i16,
    context: &Context,
) -> DeleteRecordsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| {
            let result = DeleteRecordsPartitionResult::default()
                .with_partition_index(partition.partition_index);
            match delete(&topic.name, &partition, context) {
                Ok(low_watermark) => result.with_low_watermark(low_watermark),
                Err(error) => result.with_low_watermark(-1).with_error_code(error.code()),
            }
        });
        DeleteRecordsTopicResult::default()
            .with_partitions(partitions.collect())
            .with_name(topic.name)
    });
    DeleteRecordsResponse::default().with_topics(topics.collect())
}

fn delete(
    topic: &str,
    wanted: &DeleteRecordsPartition,
    context: &Context,
) -> Result<i64, ResponseError> {
    let partition = context.state.metadata.partition(topic, wanted.partition_index)?;
    partition.with(|state| {
        state.check_leader(context.node, None)?;
        let high_watermark = state.high_watermark();
        let offset = match wanted.offset {
            HIGH_WATERMARK => high_watermark,
            offset if (0..=high_watermark).contains(&offset) => offset,
            _ => return Err(ResponseError::OffsetOutOfRange),
        };
        state.log.delete_records_before(offset).map_err(|error| match error {
            DeleteRecordsError::OutOfRange(_) => ResponseError::OffsetOutOfRange,
            DeleteRecordsError::Log(_) => ResponseError::KafkaStorageError,
        })
    })
}
