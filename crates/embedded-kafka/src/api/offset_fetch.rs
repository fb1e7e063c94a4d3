//! OffsetFetch, versions 1 to 9: how far a group has read; of several groups since version 8.
//!
//! A partition without a committed offset is answered with offset −1 and no error, and so is
//! every partition of a group that nobody knows. Since version 7 a client may ask for stable offsets
//! alone (KIP-447): where a transaction is about to commit another one, it is told to ask again.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::{Context, code};
use crate::group::{FetchedOffset, FetchingMember, TopicOffsets};

/// Topics with the partitions asked for, or `None` for all that the group has committed.
type Asked = Option<Vec<(String, Vec<i32>)>>;

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
        let fetching = FetchingMember {
            id: group.member_id.as_ref().map(ToString::to_string),
            epoch: group.member_epoch,
        };
        let checked = context
            .check_coordinator(&group.group_id)
            .and_then(|()| context.state.groups.check_fetch(&group.group_id, &fetching));
        match checked {
            Err(error) => answer.with_error_code(error.code()),
            Ok(()) => {
                let topics = context
                    .state
                    .groups
                    .fetch_offsets(&group.group_id, asked.as_deref(), request.require_stable);
                answer.with_topics(topics.into_iter().map(topic_of_group).collect())
            }
        }
    });
    OffsetFetchResponse::default().with_groups(groups.collect())
}

fn topic_of_group((topic, partitions): TopicOffsets) -> OffsetFetchResponseTopics {
    let partitions = partitions.into_iter().map(|(partition, fetched)| {
        let error = code(&fetched);
        let (offset, leader_epoch, metadata) = or_nothing(fetched);
        OffsetFetchResponsePartitions::default()
            .with_partition_index(partition)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(leader_epoch)
            .with_metadata(Some(metadata))
            .with_error_code(error)
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
        Some(error) => with_error(asked, error),
        None => context
            .state
            .groups
            .fetch_offsets(&request.group_id, asked.as_deref(), request.require_stable),
    };
    let topics = topics.into_iter().map(|topic| topic_alone(topic, version));
    OffsetFetchResponse::default().with_topics(topics.collect())
}

/// Version 1 has no error of the whole: each partition asked for gets it.
fn with_error(asked: Asked, error: ResponseError) -> Vec<TopicOffsets> {
    let topics = asked.unwrap_or_default().into_iter();
    let topics = topics.map(|(topic, partitions)| {
        let partitions = partitions.into_iter().map(|partition| (partition, Err(error)));
        (topic, partitions.collect())
    });
    topics.collect()
}

fn topic_alone(
    (topic, partitions): TopicOffsets,
    version: i16,
) -> OffsetFetchResponseTopic {
    let partitions = partitions.into_iter().map(|(partition, fetched)| {
        let error = code(&fetched);
        let (offset, leader_epoch, metadata) = or_nothing(fetched);
        OffsetFetchResponsePartition::default()
            .with_partition_index(partition)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(if version >= 5 { leader_epoch } else { -1 })
            .with_metadata(Some(metadata))
            .with_error_code(error)
    });
    OffsetFetchResponseTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(partitions.collect())
}

/// Offset, leader epoch and metadata, as Kafka writes them where there are none.
fn or_nothing(fetched: FetchedOffset) -> (i64, i32, StrBytes) {
    match fetched {
        Ok(Some(at)) => (
            at.offset,
            at.leader_epoch,
            StrBytes::from_string(at.metadata),
        ),
        Ok(None) | Err(_) => (-1, -1, StrBytes::default()),
    }
}

fn topic_name(topic: String) -> TopicName {
    TopicName(StrBytes::from_string(topic))
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_protocol::protocol::{Decodable, Encodable};

    use super::*;
    use crate::group::CommittedOffset;

    fn reencoded(response: &OffsetFetchResponse, version: i16) -> OffsetFetchResponse {
        let mut bytes = BytesMut::new();
        response.encode(&mut bytes, version).unwrap();
        OffsetFetchResponse::decode(&mut bytes.freeze(), version).unwrap()
    }

    fn offsets() -> TopicOffsets {
        let committed = CommittedOffset {
            offset: 7884,
            leader_epoch: 5,
            metadata: "gate 7".into(),
            commit_timestamp: 0,
            expire_timestamp: -1,
        };
        ("airports".into(), vec![(0, Ok(Some(committed))), (1, Ok(None))])
    }

    #[test]
    fn versions_of_one_group_encode_what_they_can_say() {
        for version in 1..=7 {
            let topic = topic_alone(offsets(), version);
            let response = OffsetFetchResponse::default().with_topics(vec![topic]);
            let decoded = reencoded(&response, version);
            let [committed, nothing] = decoded.topics[0].partitions.as_slice() else {
                panic!("two partitions")
            };
            let leader_epoch = if version >= 5 { 5 } else { -1 };
            assert_eq!(committed.committed_offset, 7884);
            assert_eq!(committed.committed_leader_epoch, leader_epoch);
            assert_eq!(committed.metadata.as_deref(), Some("gate 7"));
            assert_eq!((nothing.committed_offset, nothing.error_code), (-1, 0));
            assert_eq!(nothing.metadata.as_deref(), Some(""));
        }
    }

    #[test]
    fn versions_of_several_groups_encode_what_they_can_say() {
        for version in 8..=9 {
            let group = OffsetFetchResponseGroup::default()
                .with_topics(vec![topic_of_group(offsets())]);
            let response = OffsetFetchResponse::default().with_groups(vec![group]);
            let decoded = reencoded(&response, version);
            let partitions = &decoded.groups[0].topics[0].partitions;
            assert_eq!(partitions[0].committed_leader_epoch, 5);
            assert_eq!(partitions[1].committed_offset, -1);
        }
    }

    #[test]
    fn version_1_has_the_error_in_each_partition() {
        let asked = Some(vec![("airports".to_owned(), vec![0, 1])]);
        let topic = with_error(asked, ResponseError::NotCoordinator).remove(0);
        let topic = topic_alone(topic, 1);
        let response = OffsetFetchResponse::default().with_topics(vec![topic]);
        let decoded = reencoded(&response, 1);
        let codes = decoded.topics[0].partitions.iter().map(|partition| partition.error_code);
        assert_eq!(codes.collect::<Vec<_>>(), [16, 16]);
    }

    #[test]
    fn an_offset_that_is_not_stable_is_an_error_of_its_partition() {
        let unstable = || {
            let partitions = vec![(0, Err(ResponseError::UnstableOffsetCommit)), (1, Ok(None))];
            ("airports".to_owned(), partitions)
        };
        let alone = OffsetFetchResponse::default().with_topics(vec![topic_alone(unstable(), 7)]);
        let [first, second] = &reencoded(&alone, 7).topics[0].partitions[..] else {
            panic!("two partitions")
        };
        assert_eq!((first.error_code, first.committed_offset), (88, -1));
        assert_eq!((second.error_code, second.committed_offset), (0, -1));
        let group =
            OffsetFetchResponseGroup::default().with_topics(vec![topic_of_group(unstable())]);
        let several = OffsetFetchResponse::default().with_groups(vec![group]);
        for version in 8..=9 {
            let partitions = &reencoded(&several, version).groups[0].topics[0].partitions;
            assert_eq!((partitions[0].error_code, partitions[1].error_code), (88, 0));
        }
    }
}
