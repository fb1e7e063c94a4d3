//! DeleteRecords: moves the start of a log forward. What is below is gone (KIP-107).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_records_request::DeleteRecordsPartition;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use super::Context;
use crate::log::DeleteRecordsError;
use crate::metadata::names;

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
    if names::is_internal(topic) {
        return Err(ResponseError::InvalidTopicException);
    }
    let topic = context.state.metadata.topic(topic);
    let topic = topic.ok_or(ResponseError::UnknownTopicOrPartition)?;
    let partition = topic.partition(wanted.partition_index);
    let may_delete = topic.config_at(Some(context.node)).cleanup_policy().delete;
    partition.ok_or(ResponseError::UnknownTopicOrPartition)?.with(|state| {
        state.check_leader(context.node, None)?;
        if !may_delete {
            // What compaction keeps is the newest value of each key, which nobody may cut off.
            return Err(ResponseError::PolicyViolation);
        }
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
