//! OffsetForLeaderEpoch (key 23, versions 2–4)
//!
//! Returns the end offset of a leader epoch. A consumer learns from it whether records that it has
//! read were truncated when a leader died (KIP-320).
//!
//! Version notes:
//!
//! - v2: current leader epoch, to fence a client with old metadata (KIP-320)
//! - v3: replica id (KIP-392), which is not used
//! - v4: flexible encoding (KIP-482)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use super::context::Context;
use super::outcomes::Outcomes;
use super::words::Asked;
use crate::wire::shape::{Kind, Shape, field};

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    4,
    &[
        field("replica_id", Kind::Int32).since(3),
        field(
            "topics",
            Kind::Array(&Kind::Struct(&[
                field("topic", Kind::String),
                field(
                    "partitions",
                    Kind::Array(&Kind::Struct(&[
                        field("partition", Kind::Int32),
                        field("current_leader_epoch", Kind::Int32),
                        field("leader_epoch", Kind::Int32),
                    ])),
                ),
            ])),
        ),
    ],
);

pub(super) fn handle(
    request: OffsetForLeaderEpochRequest,
    _version: i16,
    context: &Context,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|asked| {
            let result = EpochEndOffset::default().with_partition(asked.partition);
            match end_of_epoch(&topic.topic, &asked, context) {
                // An epoch that the log does not know has no end: -1 and -1.
                Ok(None) => result.with_leader_epoch(-1).with_end_offset(-1),
                Ok(Some((epoch, end))) => result.with_leader_epoch(epoch).with_end_offset(end),
                Err(error) => {
                    result.with_leader_epoch(-1).with_end_offset(-1).with_error_code(error.code())
                }
            }
        });
        OffsetForLeaderTopicResult::default()
            .with_partitions(partitions.collect())
            .with_topic(topic.topic)
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}

fn end_of_epoch(
    topic: &str,
    asked: &OffsetForLeaderPartition,
    context: &Context,
) -> Result<Option<(i32, i64)>, ResponseError> {
    let partition = context.state.metadata.partition(topic, asked.partition)?;
    partition.with(|state| {
        // -1 alone means that the client knows no epoch.
        let known = Some(asked.current_leader_epoch).filter(|epoch| *epoch != -1);
        state.check_leader(context.node, known)?;
        Ok(state.log.end_offset_for_epoch(asked.leader_epoch))
    })
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: OffsetForLeaderEpochRequest,
    _version: i16,
    code: i16,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            EpochEndOffset::default()
                .with_partition(asked.partition)
                .with_leader_epoch(-1)
                .with_end_offset(-1)
                .with_error_code(code)
        });
        OffsetForLeaderTopicResult::default()
            .with_partitions(partitions.collect())
            .with_topic(topic.topic)
    });
    OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
}

/// Describes a request in words.
pub(super) fn describe(_request: &OffsetForLeaderEpochRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &OffsetForLeaderEpochResponse) -> Outcomes {
    Outcomes::partitions(&response.topics, |topic| {
        let partitions = topic.partitions.iter();
        (topic.topic.to_string(), partitions.map(|it| (it.partition, it.error_code)))
    })
}
