//! DeleteRecords (key 21, versions 0–2)
//!
//! Moves the start of a log forward and deletes the records below it (KIP-107).
//!
//! Version notes:
//!
//! - v2: flexible encoding (KIP-482)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_records_request::DeleteRecordsPartition;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use super::context::Context;
use super::outcomes::Outcomes;
use super::words::{Asked, list};
use crate::log::DeleteRecordsError;
use crate::metadata::names;
use crate::wire::shape::{Kind, Shape, field};

/// Asks to delete everything below the high watermark.
const HIGH_WATERMARK: i64 = -1;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    2,
    &[
        field(
            "topics",
            Kind::Array(&Kind::Struct(&[
                field("name", Kind::String),
                field(
                    "partitions",
                    Kind::Array(&Kind::Struct(&[
                        field("partition_index", Kind::Int32),
                        field("offset", Kind::Int64),
                    ])),
                ),
            ])),
        ),
        field("timeout_ms", Kind::Int32),
    ],
);

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
            // Compaction keeps the newest value of each key, which must not be deleted.
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

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: DeleteRecordsRequest,
    _version: i16,
    code: i16,
) -> DeleteRecordsResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            DeleteRecordsPartitionResult::default()
                .with_partition_index(partition.partition_index)
                .with_low_watermark(-1)
                .with_error_code(code)
        });
        DeleteRecordsTopicResult::default()
            .with_partitions(partitions.collect())
            .with_name(topic.name)
    });
    DeleteRecordsResponse::default().with_topics(topics.collect())
}

/// Describes a request in words.
pub(super) fn describe(request: &DeleteRecordsRequest) -> Asked {
    Asked::of(list(request.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|it| {
            format!("{}/{} before {}", topic.name.as_str(), it.partition_index, it.offset)
        })
    })))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &DeleteRecordsResponse) -> Outcomes {
    Outcomes::partitions(&response.topics, |topic| {
        let partitions = topic.partitions.iter();
        (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
    })
}
