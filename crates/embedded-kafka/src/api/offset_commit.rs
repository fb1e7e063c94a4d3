//! OffsetCommit, versions 2 to 9: a group remembers how far it has read.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestPartition;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

use super::Context;
use crate::group::{Commit, CommittedOffset, OffsetToCommit};

#[expect(
    clippy::needless_pass_by_value,
    reason = "all handlers are called alike"
)]
pub(crate) fn handle(
    request: OffsetCommitRequest,
    version: i16,
    context: &Context,
) -> OffsetCommitResponse {
    let offsets = offsets_of(&request, context);
    let exists = offsets.iter().map(Option::is_some).collect::<Vec<_>>();
    let offsets = offsets.into_iter().flatten().collect::<Vec<_>>();
    // Where no partition exists the group is not asked, and so not created either.
    let answers = if offsets.is_empty() {
        Ok(Vec::new())
    } else {
        let commit = from_wire(&request, version);
        context.check_coordinator(&request.group_id).and_then(|()| {
            context
                .state
                .groups
                .commit(&request.group_id, &commit, offsets, context.now)
        })
    };
    to_wire(&request, &exists, answers)
}

/// Puts the answers to the partitions that exist back among the others.
fn to_wire(
    request: &OffsetCommitRequest,
    exists: &[bool],
    answers: Result<Vec<Result<(), ResponseError>>, ResponseError>,
) -> OffsetCommitResponse {
    let (answers, all) = match answers {
        Ok(answers) => (answers, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    };
    let mut exists = exists.iter().copied();
    let mut answers = answers.into_iter();
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let answer = match exists.next() {
                Some(true) => answers.next().unwrap_or(all),
                _ => Err(ResponseError::UnknownTopicOrPartition),
            };
            OffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(answer.err().map_or(0, |error| error.code()))
        });
        OffsetCommitResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}

/// The offsets of the request in their order, `None` for partitions that do not exist. That is
/// asked once: topics come and go while the request is handled.
fn offsets_of(request: &OffsetCommitRequest, context: &Context) -> Vec<Option<OffsetToCommit>> {
    let mut offsets = Vec::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            let index = partition.partition_index;
            let exists = context.state.metadata.has_partition(&topic.name, index);
            offsets.push(exists.then(|| OffsetToCommit {
                topic: topic.name.to_string(),
                partition: index,
                committed: committed_offset(partition, request, context),
            }));
        }
    }
    offsets
}

fn committed_offset(
    partition: &OffsetCommitRequestPartition,
    request: &OffsetCommitRequest,
    context: &Context,
) -> CommittedOffset {
    CommittedOffset {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: partition
            .committed_metadata
            .as_deref()
            .unwrap_or_default()
            .to_owned(),
        commit_timestamp: context.now,
        expire_timestamp: match request.retention_time_ms {
            -1 => -1,
            retention => context.now.saturating_add(retention),
        },
    }
}

fn from_wire(request: &OffsetCommitRequest, version: i16) -> Commit {
    Commit {
        generation: request.generation_id_or_member_epoch,
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.as_ref().map(ToString::to_string),
        understands_unknown_group: version >= 9,
    }
}
