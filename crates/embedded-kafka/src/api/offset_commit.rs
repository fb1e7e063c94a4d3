//! OffsetCommit, versions 2 to 9: a group remembers how far it has read.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestPartition;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

use super::{Context, code};
use crate::group::{Commit, CommittedOffset, OffsetToCommit};

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

    fn codes(exists: &[bool], answers: Result<Vec<Result<(), ResponseError>>, ResponseError>) -> Vec<i16> {
        let partition = |index| OffsetCommitRequestPartition::default().with_partition_index(index);
        let partitions = (0..).take(exists.len()).map(partition).collect();
        let topic = OffsetCommitRequestTopic::default().with_partitions(partitions);
        let request = OffsetCommitRequest::default().with_topics(vec![topic]);
        let response = to_wire(&request, exists, answers);
        for version in 2..=9 {
            let mut bytes = BytesMut::new();
            response.encode(&mut bytes, version).unwrap();
            let decoded = OffsetCommitResponse::decode(&mut bytes.freeze(), version).unwrap();
            assert_eq!(decoded, response);
        }
        let partitions = response.topics[0].partitions.iter();
        partitions.map(|partition| partition.error_code).collect()
    }

    #[test]
    fn answers_go_to_the_partitions_that_exist() {
        let answers = vec![Ok(()), Err(ResponseError::OffsetMetadataTooLarge)];
        assert_eq!(codes(&[false, true, true], Ok(answers)), [3, 0, 12]);
    }

    #[test]
    fn an_error_of_the_group_is_the_error_of_every_partition_that_exists() {
        let error = ResponseError::IllegalGeneration;
        assert_eq!(codes(&[true, false, true], Err(error)), [22, 3, 22]);
    }
}
