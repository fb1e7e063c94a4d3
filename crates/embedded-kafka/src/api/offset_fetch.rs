//! OffsetFetch, versions 1 to 9: how far a group has read; of several groups since version 8.
//!
//! A partition without a committed offset is answered with offset −1 and no error, and so is
//! every partition of a group that nobody knows.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::Context;
use crate::group::{CommittedOffset, TopicOffsets};

/// Topics with the partitions asked for, or `None` for all that the group has committed.
type Asked = Option<Vec<(String, Vec<i32>)>>;

#[expect(
    clippy::needless_pass_by_value,
    reason = "all handlers are called alike"
)]
pub(crate) fn handle(
    request: OffsetFetchRequest,
    version: i16,
    context: &Context,
) -> OffsetFetchResponse {
    if version < 8 {
        one_group(&request, version, context)
    } else {
        groups(&request, context)
    }
}

fn groups(request: &OffsetFetchRequest, context: &Context) -> OffsetFetchResponse {
    let groups = request.groups.iter().map(|group| {
        let asked: Asked = group.topics.as_ref().map(|topics| {
            let topics = topics.iter();
            topics
                .map(|topic| (topic.name.to_string(), topic.partition_indexes.clone()))
                .collect()
        });
        let answer = OffsetFetchResponseGroup::default().with_group_id(group.group_id.clone());
        match context.check_coordinator(&group.group_id) {
            Err(error) => answer.with_error_code(error.code()),
            Ok(()) => {
                let topics = context
                    .state
                    .groups
                    .fetch_offsets(&group.group_id, asked.as_deref());
                answer.with_topics(topics.into_iter().map(topic_of_group).collect())
            }
        }
    });
    OffsetFetchResponse::default().with_groups(groups.collect())
}

fn topic_of_group((topic, partitions): TopicOffsets) -> OffsetFetchResponseTopics {
    let partitions = partitions.into_iter().map(|(partition, committed)| {
        let (offset, leader_epoch, metadata) = or_nothing(committed);
        OffsetFetchResponsePartitions::default()
            .with_partition_index(partition)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(leader_epoch)
            .with_metadata(Some(metadata))
    });
    OffsetFetchResponseTopics::default()
        .with_name(topic_name(topic))
        .with_partitions(partitions.collect())
}

fn one_group(request: &OffsetFetchRequest, version: i16, context: &Context) -> OffsetFetchResponse {
    let asked: Asked = request.topics.as_ref().map(|topics| {
        let topics = topics.iter();
        topics
            .map(|topic| (topic.name.to_string(), topic.partition_indexes.clone()))
            .collect()
    });
    let error = context.check_coordinator(&request.group_id).err();
    if let Some(error) = error.filter(|_| version >= 2) {
        return OffsetFetchResponse::default().with_error_code(error.code());
    }
    let topics = match error {
        None => context
            .state
            .groups
            .fetch_offsets(&request.group_id, asked.as_deref()),
        Some(_) => without_offsets(asked),
    };
    let topics = topics
        .into_iter()
        .map(|topic| topic_alone(topic, error, version));
    OffsetFetchResponse::default().with_topics(topics.collect())
}

/// Version 1 has no error of the whole: each partition asked for gets it.
fn without_offsets(asked: Asked) -> Vec<TopicOffsets> {
    let topics = asked
        .unwrap_or_default()
        .into_iter()
        .map(|(topic, partitions)| {
            (
                topic,
                partitions
                    .into_iter()
                    .map(|partition| (partition, None))
                    .collect(),
            )
        });
    topics.collect()
}

fn topic_alone(
    (topic, partitions): TopicOffsets,
    error: Option<ResponseError>,
    version: i16,
) -> OffsetFetchResponseTopic {
    let partitions = partitions.into_iter().map(|(partition, committed)| {
        let (offset, leader_epoch, metadata) = or_nothing(committed);
        OffsetFetchResponsePartition::default()
            .with_partition_index(partition)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(if version >= 5 { leader_epoch } else { -1 })
            .with_metadata(Some(metadata))
            .with_error_code(error.map_or(0, |error| error.code()))
    });
    OffsetFetchResponseTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(partitions.collect())
}

/// Offset, leader epoch and metadata, as Kafka writes them where there are none.
fn or_nothing(committed: Option<CommittedOffset>) -> (i64, i32, StrBytes) {
    match committed {
        Some(at) => (
            at.offset,
            at.leader_epoch,
            StrBytes::from_string(at.metadata),
        ),
        None => (-1, -1, StrBytes::default()),
    }
}

fn topic_name(topic: String) -> TopicName {
    TopicName(StrBytes::from_string(topic))
}
