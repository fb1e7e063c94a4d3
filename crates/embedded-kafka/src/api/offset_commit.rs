//! OffsetCommit, versions 2 to 9: a group remembers how far it has read.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestPartition;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

use super::offset_answers::answer_each;
use super::{Context, code};
use crate::group::{Commit, CommittedOffset, OffsetToCommit};

pub(crate) fn handle(
    request: OffsetCommitRequest,
    version: i16,
    context: &Context,
) -> OffsetCommitResponse {
    let offsets = offsets_of(&request, context);
    let answers = answer_each(offsets, |offsets| {
        context.check_coordinator(&request.group_id)?;
        let commit = from_wire(&request, version);
        context.state.groups.commit(&request.group_id, &commit, offsets, context.now)
    });
    to_wire(&request, answers)
}

/// Puts the answers beside their partitions, which are in the same order.
fn to_wire(
    request: &OffsetCommitRequest,
    answers: Vec<Result<(), ResponseError>>,
) -> OffsetCommitResponse {
    let mut answers = answers.into_iter();
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let answer = answers.next().unwrap_or(Err(ResponseError::UnknownServerError));
            OffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code(&answer))
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

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestTopic;
    use kafka_protocol::protocol::{Decodable, Encodable};

    use super::*;

    #[test]
    fn each_partition_has_its_answer_in_every_version() {
        let partition = |index| OffsetCommitRequestPartition::default().with_partition_index(index);
        let topic =
            OffsetCommitRequestTopic::default().with_partitions((0..2).map(partition).collect());
        let request = OffsetCommitRequest::default().with_topics(vec![topic]);
        let answers = vec![Ok(()), Err(ResponseError::IllegalGeneration)];
        let response = to_wire(&request, answers);
        for version in 2..=9 {
            let mut bytes = BytesMut::new();
            response.encode(&mut bytes, version).unwrap();
            let decoded = OffsetCommitResponse::decode(&mut bytes.freeze(), version).unwrap();
            let partitions = decoded.topics[0].partitions.iter();
            let codes = partitions.map(|it| (it.partition_index, it.error_code));
            assert_eq!(codes.collect::<Vec<_>>(), [(0, 0), (1, 22)]);
        }
    }
}
