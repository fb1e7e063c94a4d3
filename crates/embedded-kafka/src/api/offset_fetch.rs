//! OffsetFetch (key 9, versions 1–9)
//!
//! Returns the committed offsets of a group.
//!
//! A partition without a committed offset has the offset -1 and no error, and so has every
//! partition of a group that does not exist. The response is held back like that of a write: an
//! offset that a failover could take back must not be read.
//!
//! Version notes:
//!
//! - v1: reads `__consumer_offsets`; a group's error is repeated for each partition
//! - v2: null for all topics; an error code for the whole group
//! - v5: leader epoch of each offset (KIP-320)
//! - v6: flexible encoding (KIP-482)
//! - v7: require_stable: UNSTABLE_OFFSET_COMMIT if a transaction is about to commit (KIP-447)
//! - v8: several groups (KIP-709)
//! - v9: member id and epoch of the consumer protocol (KIP-848)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse};
use kafka_protocol::protocol::StrBytes;

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::{code, topic_name};
use super::words::{Asked, epoch, groups, list, member};
use crate::group::{FetchedOffset, FetchingMember, TopicOffsets};
use crate::wire::shape::{Kind, Shape, field};

/// The first version with an error for the whole group.
const TOP_LEVEL_ERROR: i16 = 2;

/// The first version with leader epochs (KIP-320).
const LEADER_EPOCH: i16 = 5;

/// The first version for several groups (KIP-709).
const SEVERAL_GROUPS: i16 = 8;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    6,
    &[
        field("group_id", Kind::String).until(7),
        field(
            "topics",
            Kind::Array(&Kind::Struct(&[
                field("name", Kind::String).until(7),
                field("partition_indexes", Kind::Array(&Kind::Int32)).until(7),
            ])),
        )
        .until(7),
        field(
            "groups",
            Kind::Array(&Kind::Struct(&[
                field("group_id", Kind::String).since(8),
                field("member_id", Kind::String).since(9),
                field("member_epoch", Kind::Int32).since(9),
                field(
                    "topics",
                    Kind::Array(&Kind::Struct(&[
                        field("name", Kind::String).since(8).until(9),
                        field("topic_id", Kind::Uuid).since(10),
                        field("partition_indexes", Kind::Array(&Kind::Int32)).since(8),
                    ])),
                )
                .since(8),
            ])),
        )
        .since(8),
        field("require_stable", Kind::Boolean).since(7),
    ],
);

/// The topics with the partitions asked for, or `None` for all that the group has committed.
type Wanted = Option<Vec<(String, Vec<i32>)>>;

pub(super) fn handle(
    request: OffsetFetchRequest,
    version: i16,
    context: &Context,
) -> OffsetFetchResponse {
    if version < SEVERAL_GROUPS {
        one_group(&request, version, context)
    } else {
        several_groups(&request, context)
    }
}

fn several_groups(request: &OffsetFetchRequest, context: &Context) -> OffsetFetchResponse {
    let groups = request.groups.iter().map(|group| {
        let wanted: Wanted = group.topics.as_ref().map(|topics| {
            let topics = topics.iter();
            topics.map(|topic| (topic.name.to_string(), topic.partition_indexes.clone())).collect()
        });
        let described = OffsetFetchResponseGroup::default().with_group_id(group.group_id.clone());
        let fetching = FetchingMember {
            id: group.member_id.as_ref().map(ToString::to_string),
            epoch: group.member_epoch,
        };
        let checked = context
            .check_group_write(&group.group_id)
            .and_then(|()| context.state.groups.check_fetch(&group.group_id, &fetching));
        match checked {
            Err(error) => described.with_error_code(error.code()),
            Ok(()) => {
                let topics = context.state.groups.fetch_offsets(
                    &group.group_id,
                    wanted.as_deref(),
                    request.require_stable,
                );
                described.with_topics(topics.into_iter().map(topic_of_group).collect())
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
        .with_name(topic_name(&topic))
        .with_partitions(partitions.collect())
}

fn one_group(request: &OffsetFetchRequest, version: i16, context: &Context) -> OffsetFetchResponse {
    let wanted: Wanted = request.topics.as_ref().map(|topics| {
        let topics = topics.iter();
        topics.map(|topic| (topic.name.to_string(), topic.partition_indexes.clone())).collect()
    });
    let error = context.check_group_write(&request.group_id).err();
    if let Some(error) = error.filter(|_| version >= TOP_LEVEL_ERROR) {
        return OffsetFetchResponse::default().with_error_code(error.code());
    }
    let topics = match error {
        Some(error) => with_error(wanted, error),
        None => context.state.groups.fetch_offsets(
            &request.group_id,
            wanted.as_deref(),
            request.require_stable,
        ),
    };
    let topics = topics.into_iter().map(|topic| topic_alone(topic, version));
    OffsetFetchResponse::default().with_topics(topics.collect())
}

/// Gives each partition asked for the error, as version 1 has none for the whole group.
fn with_error(wanted: Wanted, error: ResponseError) -> Vec<TopicOffsets> {
    let topics = wanted.unwrap_or_default().into_iter();
    let topics = topics.map(|(topic, partitions)| {
        let partitions = partitions.into_iter().map(|partition| (partition, Err(error)));
        (topic, partitions.collect())
    });
    topics.collect()
}

fn topic_alone((topic, partitions): TopicOffsets, version: i16) -> OffsetFetchResponseTopic {
    let partitions = partitions.into_iter().map(|(partition, fetched)| {
        let error = code(&fetched);
        let (offset, leader_epoch, metadata) = or_nothing(fetched);
        OffsetFetchResponsePartition::default()
            .with_partition_index(partition)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(if version >= LEADER_EPOCH { leader_epoch } else { -1 })
            .with_metadata(Some(metadata))
            .with_error_code(error)
    });
    OffsetFetchResponseTopic::default()
        .with_name(topic_name(&topic))
        .with_partitions(partitions.collect())
}

/// Returns offset, leader epoch and metadata, as Kafka writes them if there are none.
fn or_nothing(fetched: FetchedOffset) -> (i64, i32, StrBytes) {
    match fetched {
        Ok(Some(at)) => (at.offset, at.leader_epoch, StrBytes::from_string(at.metadata)),
        Ok(None) | Err(_) => (-1, -1, StrBytes::default()),
    }
}

/// Responds with an error for all that was asked.
pub(super) fn reject(request: OffsetFetchRequest, version: i16, code: i16) -> OffsetFetchResponse {
    if version < TOP_LEVEL_ERROR {
        return reject_each_partition(request, code);
    }
    if version < SEVERAL_GROUPS {
        return OffsetFetchResponse::default().with_error_code(code);
    }
    let groups = request.groups.into_iter().map(|group| {
        OffsetFetchResponseGroup::default().with_group_id(group.group_id).with_error_code(code)
    });
    OffsetFetchResponse::default().with_groups(groups.collect())
}

/// Rejects each partition asked for, as version 1 has no error for the whole group.
fn reject_each_partition(request: OffsetFetchRequest, code: i16) -> OffsetFetchResponse {
    let topics = request.topics.unwrap_or_default().into_iter().map(|topic| {
        let partitions = topic.partition_indexes.iter().map(|partition| {
            OffsetFetchResponsePartition::default()
                .with_partition_index(*partition)
                .with_committed_offset(-1)
                .with_error_code(code)
        });
        OffsetFetchResponseTopic::default()
            .with_partitions(partitions.collect())
            .with_name(topic.name)
    });
    OffsetFetchResponse::default().with_topics(topics.collect())
}

/// Describes a request in words.
pub(super) fn describe(request: &OffsetFetchRequest) -> Asked {
    let named = request.groups.iter().map(|group| &group.group_id).chain(Some(&request.group_id));
    let members = request.groups.iter().filter_map(|group| {
        let id = group.member_id.as_deref().filter(|id| !id.is_empty())?;
        Some(member(id, None, epoch(group.member_epoch)))
    });
    Asked::of(groups(named.filter(|id| !id.is_empty()))).by(list(members))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &OffsetFetchResponse) -> Outcomes {
    let of_one = Outcomes::partitions(&response.topics, |topic| {
        let partitions = topic.partitions.iter();
        (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
    });
    let mut outcomes = Outcomes::whole(response.error_code).and(of_one);
    for group in &response.groups {
        let partitions = Outcomes::partitions(&group.topics, |topic| {
            let partitions = topic.partitions.iter();
            (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
        });
        let of_group = Outcomes::whole(group.error_code).and(partitions);
        outcomes = outcomes.and(of_group.about(&format!("group {}", group.group_id.as_str())));
    }
    outcomes
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
            let group =
                OffsetFetchResponseGroup::default().with_topics(vec![topic_of_group(offsets())]);
            let response = OffsetFetchResponse::default().with_groups(vec![group]);
            let decoded = reencoded(&response, version);
            let partitions = &decoded.groups[0].topics[0].partitions;
            assert_eq!(partitions[0].committed_leader_epoch, 5);
            assert_eq!(partitions[1].committed_offset, -1);
        }
    }

    #[test]
    fn version_1_has_the_error_in_each_partition() {
        let wanted = Some(vec![("airports".to_owned(), vec![0, 1])]);
        let topic = with_error(wanted, ResponseError::NotCoordinator).remove(0);
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
