//! Deletes committed offsets, and groups with all of their offsets.

use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteTopicsRequest, OffsetDeleteRequest};
use wire_client::group::{join_alone, join_request, sync_request};
use wire_client::raw::RawClient;
use wire_client::requests::{group_id, topic_name};

use super::requests::{answered, commit, fetch, fetched, set};
use crate::names::{name, names};
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("committed":
    gone_with_the_topic,
    deleted,
    deleted_of_an_unknown_group,
    deleted_of_a_subscribed_topic,
    deleted_of_an_unknown_topic,
    group_deleted,
    group_deleted_unknown,
    group_deleted_with_members,
    group_deleted_at_another_node,
    group_deleted_twice_in_one_request,
);

fn gone_with_the_topic(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    answered(&mut node, &commit(&group, &topic, 0, 7))?;
    let request = DeleteTopicsRequest::default().with_topic_names(vec![topic_name(&topic)]);
    scene.node()?.try_call(5, &request.with_timeout_ms(5_000))?;
    scene.until("the offset is gone", || {
        let now = fetched(&mut node, &fetch(&group, Some((&topic, &[0]))))?;
        Ok(now.contains("-1").then_some(now))
    })
}

/// Sends OffsetDelete for partition 0.
fn delete(node: &mut RawClient, group: &str, topic: &str) -> Outcome {
    let partition = OffsetDeleteRequestPartition::default().with_partition_index(0);
    let topic = OffsetDeleteRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(vec![partition]);
    let request =
        OffsetDeleteRequest::default().with_group_id(group_id(group)).with_topics(vec![topic]);
    let answer = node.try_call(0, &request)?;
    let of = answer.topics.iter().flat_map(|it| &it.partitions).map(|it| it.error_code);
    Ok(format!("{} [{}]", name(answer.error_code), names(of)))
}

fn deleted(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    answered(&mut node, &commit(&group, &topic, 0, 7))?;
    answered(&mut node, &commit(&group, &topic, 1, 7))?;
    let deleted = delete(&mut node, &group, &topic)?;
    Ok(format!("{deleted}: {}", fetched(&mut node, &fetch(&group, Some((&topic, &[0, 1]))))?))
}

fn deleted_of_an_unknown_group(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    delete(&mut node, &group, &topic)
}

fn deleted_of_a_subscribed_topic(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    answered(&mut node, &commit(&group, &topic, 0, 7))?;
    let mut request = join_request(&group, "");
    request.protocols[0].metadata = wire_client::group::subscription(&[&topic]);
    request.member_id = node.try_call(9, &request)?.member_id;
    let joined = node.try_call(9, &request)?;
    let assignment = [(joined.member_id.as_str(), "all")];
    node.try_call(5, &sync_request(&group, &joined, &assignment))?;
    delete(&mut node, &group, &topic)
}

fn deleted_of_an_unknown_topic(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    answered(&mut node, &commit(&group, &topic, 0, 7))?;
    delete(&mut node, &group, &scene.name("unknown"))
}

/// Sends DeleteGroups.
fn delete_groups(node: &mut RawClient, groups: &[&str]) -> Outcome {
    let groups = groups.iter().map(|it| group_id(it)).collect();
    let request = DeleteGroupsRequest::default().with_groups_names(groups);
    let answer = node.try_call(2, &request)?;
    Ok(names(answer.results.iter().map(|it| it.error_code)))
}

fn group_deleted(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    answered(&mut node, &commit(&group, &topic, 0, 7))?;
    let deleted = delete_groups(&mut node, &[&group])?;
    Ok(format!("{deleted}: {}", fetched(&mut node, &fetch(&group, Some((&topic, &[0]))))?))
}

fn group_deleted_unknown(scene: &Scene) -> Outcome {
    let group = scene.group();
    delete_groups(&mut scene.coordinator(&group)?, &[&group])
}

fn group_deleted_with_members(scene: &Scene) -> Outcome {
    let group = scene.group();
    let mut node = scene.coordinator(&group)?;
    join_alone(&mut node, &group);
    delete_groups(&mut node, &[&group])
}

fn group_deleted_at_another_node(scene: &Scene) -> Outcome {
    let group = scene.group();
    let node = scene.coordinator(&group)?;
    delete_groups(&mut scene.elsewhere(node.address())?, &[&group])
}

fn group_deleted_twice_in_one_request(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    answered(&mut node, &commit(&group, &topic, 0, 7))?;
    delete_groups(&mut node, &[&group, &group])
}
