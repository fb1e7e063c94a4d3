//! OffsetForLeaderEpoch: where an epoch ended. A consumer learns from it whether what it has read
//! was cut off when a leader died (KIP-320).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use super::Context;

pub(super) fn handle(
    request: OffsetForLeaderEpochRequest,
    _version: i16,
    context: &Context,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|asked| {
            let result = EpochEndOffset::default().with_partition(asked.partition);
            match end_of_epoch(&topic.topic, &asked, context) {
                // An epoch that the log knows nothing of has no end: -1 and -1.
                Ok(None) => result.with_leader_epoch(-1).with_end_offset(-1),
                Ok(Some((epoch, end))) => result.with_leader_epoch(epoch).with_end_offset(end),
                Err(error) => result
                    .with_leader_epoch(-1)
                    .with_end_offset(-1)
                    .with_error_code(error.code()),
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
