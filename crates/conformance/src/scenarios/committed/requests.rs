//! Requests for committed offsets, and their outcomes.

use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestPartition;
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetFetchRequest};
use wire_client::raw::RawClient;
use wire_client::requests::{group_id, topic_name};

use crate::failure::Failure;
use crate::names::{name, names};
use crate::scenario::Outcome;
use crate::scene::Scene;

/// Builds OffsetCommit for one partition, from a client that is not a member of the group.
pub(super) fn commit(group: &str, topic: &str, partition: i32, offset: i64) -> OffsetCommitRequest {
    wire_client::requests::commit(group, topic, partition, offset, "")
}

pub(super) fn answered(node: &mut RawClient, request: &OffsetCommitRequest) -> Outcome {
    let answer = node.try_call(8, request)?;
    let topics = answer.topics.iter().flat_map(|it| &it.partitions);
    Ok(names(topics.map(|it| it.error_code)))
}

/// Builds OffsetFetch for some partitions of a topic, or for all offsets of a group.
pub(super) fn fetch(group: &str, topic: Option<(&str, &[i32])>) -> OffsetFetchRequest {
    let of = |(topic, partitions): (&str, &[i32])| {
        let topic = OffsetFetchRequestTopics::default().with_name(topic_name(topic));
        vec![topic.with_partition_indexes(partitions.to_vec())]
    };
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(group_id(group))
        .with_member_id(None)
        .with_member_epoch(-1)
        .with_topics(topic.map(of));
    OffsetFetchRequest::default().with_groups(vec![group])
}

/// Sends OffsetFetch, and returns errors and offsets, group by group.
pub(super) fn fetched(node: &mut RawClient, request: &OffsetFetchRequest) -> Outcome {
    let answer = node.try_call(8, request)?;
    let mut outcomes = Vec::new();
    for group in &answer.groups {
        let mut partitions: Vec<_> = group.topics.iter().flat_map(|it| &it.partitions).collect();
        partitions.sort_by_key(|it| it.partition_index);
        let of = |it: &&kafka_protocol::messages::offset_fetch_response::OffsetFetchResponsePartitions| {
            format!("{} ({})", it.committed_offset, name(it.error_code))
        };
        let offsets: Vec<String> = partitions.iter().map(of).collect();
        outcomes.push(format!("{} [{}]", name(group.error_code), offsets.join(", ")));
    }
    Ok(outcomes.join("; "))
}

/// Returns a group's coordinator, a topic of two partitions, and the group's name.
pub(super) fn set(scene: &Scene) -> Result<(RawClient, String, String), Failure> {
    let (topic, group) = (scene.topic(2)?, scene.group());
    Ok((scene.coordinator(&group)?, topic, group))
}

pub(super) fn partition(request: &mut OffsetCommitRequest) -> &mut OffsetCommitRequestPartition {
    &mut request.topics[0].partitions[0]
}
