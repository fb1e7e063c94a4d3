//! Commits offsets and fetches them.

use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{OffsetCommitRequest, OffsetFetchRequest};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use wire_client::group::join_alone;
use wire_client::requests::{group_id, text, topic_name};

use super::requests::{answered, commit, fetch, fetched, partition, set};
use crate::client::PATIENCE;
use crate::names::result;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("committed":
    from_outside,
    with_metadata,
    with_too_much_metadata,
    with_a_leader_epoch,
    a_negative_offset,
    beyond_the_end,
    backwards,
    of_an_unknown_topic,
    of_an_unknown_partition,
    of_a_group_without_a_name,
    at_another_node,
    by_an_unknown_member,
    by_a_member,
    by_a_member_of_a_past_generation,
    by_a_member_of_a_future_generation,
    from_outside_of_a_group_with_members,
    by_a_member_without_its_name,
    nothing_at_all,
    fetched_of_an_unknown_group,
    fetched_of_a_partition_without_one,
    fetched_all,
    fetched_all_of_an_unknown_group,
    fetched_at_another_node,
    fetched_of_two_groups,
    fetched_by_an_old_version,
    by_a_client,
    by_a_client_per_partition,
    by_a_client_what_it_did_not_read,
    starts_a_client_where_it_was,
);

/// Sends a changed commit, and returns the response and the offset that is fetched afterwards.
fn committed(scene: &Scene, change: impl FnOnce(&mut OffsetCommitRequest)) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    let mut request = commit(&group, &topic, 0, 7);
    change(&mut request);
    let answered = answered(&mut node, &request)?;
    Ok(format!("{answered}: {}", fetched(&mut node, &fetch(&group, Some((&topic, &[0]))))?))
}

fn from_outside(scene: &Scene) -> Outcome {
    committed(scene, |_| ())
}

fn with_metadata(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    let mut request = commit(&group, &topic, 0, 7);
    partition(&mut request).committed_metadata = Some(text("by hand"));
    answered(&mut node, &request)?;
    let answer = node.try_call(8, &fetch(&group, Some((&topic, &[0]))))?;
    let of = &answer.groups[0].topics[0].partitions[0];
    Ok(format!("{:?}", of.metadata.as_deref()))
}

fn with_too_much_metadata(scene: &Scene) -> Outcome {
    committed(scene, |it| partition(it).committed_metadata = Some(text(&"x".repeat(4_097))))
}

fn with_a_leader_epoch(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    let mut request = commit(&group, &topic, 0, 7);
    partition(&mut request).committed_leader_epoch = 3;
    answered(&mut node, &request)?;
    let answer = node.try_call(8, &fetch(&group, Some((&topic, &[0]))))?;
    let of = &answer.groups[0].topics[0].partitions[0];
    Ok(format!("{}, epoch {}", of.committed_offset, of.committed_leader_epoch))
}

fn a_negative_offset(scene: &Scene) -> Outcome {
    committed(scene, |it| partition(it).committed_offset = -5)
}

fn beyond_the_end(scene: &Scene) -> Outcome {
    committed(scene, |it| partition(it).committed_offset = 1 << 40)
}

fn backwards(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    let first = answered(&mut node, &commit(&group, &topic, 0, 7))?;
    let second = answered(&mut node, &commit(&group, &topic, 0, 3))?;
    let now = fetched(&mut node, &fetch(&group, Some((&topic, &[0]))))?;
    Ok(format!("{first}, {second}: {now}"))
}

fn of_an_unknown_topic(scene: &Scene) -> Outcome {
    let group = scene.group();
    answered(&mut scene.coordinator(&group)?, &commit(&group, &scene.name("topic"), 0, 7))
}

fn of_an_unknown_partition(scene: &Scene) -> Outcome {
    committed(scene, |it| partition(it).partition_index = 7)
}

fn of_a_group_without_a_name(scene: &Scene) -> Outcome {
    let topic = scene.topic(1)?;
    answered(&mut scene.coordinator("")?, &commit("", &topic, 0, 7))
}

fn at_another_node(scene: &Scene) -> Outcome {
    let (node, topic, group) = set(scene)?;
    answered(&mut scene.elsewhere(node.address())?, &commit(&group, &topic, 0, 7))
}

fn by_an_unknown_member(scene: &Scene) -> Outcome {
    committed(scene, |it| {
        it.member_id = text("stranger");
        it.generation_id_or_member_epoch = 1;
    })
}

/// Returns the response of a group with one member to a commit with this member and generation.
fn in_a_group(scene: &Scene, who: impl FnOnce(String, i32) -> (String, i32)) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    let (member, generation) = join_alone(&mut node, &group);
    let (member, generation) = who(member, generation);
    let request = commit(&group, &topic, 0, 7)
        .with_member_id(text(&member))
        .with_generation_id_or_member_epoch(generation);
    answered(&mut node, &request)
}

fn by_a_member(scene: &Scene) -> Outcome {
    in_a_group(scene, |member, generation| (member, generation))
}

fn by_a_member_of_a_past_generation(scene: &Scene) -> Outcome {
    in_a_group(scene, |member, generation| (member, generation - 1))
}

fn by_a_member_of_a_future_generation(scene: &Scene) -> Outcome {
    in_a_group(scene, |member, generation| (member, generation + 1))
}

fn from_outside_of_a_group_with_members(scene: &Scene) -> Outcome {
    in_a_group(scene, |_, _| (String::new(), -1))
}

fn by_a_member_without_its_name(scene: &Scene) -> Outcome {
    in_a_group(scene, |_, generation| (String::new(), generation))
}

fn nothing_at_all(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    let mut request = commit(&group, &topic, 0, 7);
    request.topics.clear();
    let answer = node.try_call(8, &request)?;
    Ok(format!("{} topics", answer.topics.len()))
}

fn fetched_of_an_unknown_group(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    fetched(&mut node, &fetch(&group, Some((&topic, &[0, 1]))))
}

fn fetched_of_a_partition_without_one(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    answered(&mut node, &commit(&group, &topic, 0, 7))?;
    fetched(&mut node, &fetch(&group, Some((&topic, &[0, 1, 9]))))
}

fn fetched_all(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    answered(&mut node, &commit(&group, &topic, 0, 7))?;
    answered(&mut node, &commit(&group, &topic, 1, 8))?;
    fetched(&mut node, &fetch(&group, None))
}

fn fetched_all_of_an_unknown_group(scene: &Scene) -> Outcome {
    let (mut node, _, group) = set(scene)?;
    fetched(&mut node, &fetch(&group, None))
}

fn fetched_at_another_node(scene: &Scene) -> Outcome {
    let (node, topic, group) = set(scene)?;
    fetched(&mut scene.elsewhere(node.address())?, &fetch(&group, Some((&topic, &[0]))))
}

fn fetched_of_two_groups(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    answered(&mut node, &commit(&group, &topic, 0, 7))?;
    let mut request = fetch(&group, Some((&topic, &[0])));
    request.groups.push(request.groups[0].clone());
    fetched(&mut node, &request)
}

fn fetched_by_an_old_version(scene: &Scene) -> Outcome {
    let (mut node, topic, group) = set(scene)?;
    answered(&mut node, &commit(&group, &topic, 0, 7))?;
    let topic = OffsetFetchRequestTopic::default()
        .with_name(topic_name(&topic))
        .with_partition_indexes(vec![0]);
    let request = OffsetFetchRequest::default()
        .with_group_id(group_id(&group))
        .with_topics(Some(vec![topic]));
    let answer = node.try_call(1, &request)?;
    Ok(answer.topics[0].partitions[0].committed_offset.to_string())
}

/// Formats the committed offsets of a client: partition and offset.
fn remembered(list: &TopicPartitionList) -> String {
    let mut all: Vec<String> =
        list.elements().iter().map(|it| format!("{}: {:?}", it.partition(), it.offset())).collect();
    all.sort();
    all.join(", ")
}

fn by_a_client(scene: &Scene) -> Outcome {
    by_a_client_at(scene, &[(0, 3)])
}

fn by_a_client_per_partition(scene: &Scene) -> Outcome {
    by_a_client_at(scene, &[(0, 3), (1, 5)])
}

/// Commits with one client, and fetches with another.
fn by_a_client_at(scene: &Scene, offsets: &[(i32, i64)]) -> Outcome {
    let (topic, group) = (scene.topic(2)?, scene.group());
    let mut list = TopicPartitionList::new();
    for (partition, offset) in offsets {
        list.add_partition_offset(&topic, *partition, Offset::Offset(*offset))?;
    }
    let committed = scene.consumer(&group, &[])?.commit(&list, CommitMode::Sync);
    let mut asked = TopicPartitionList::new();
    asked.add_partition_range(&topic, 0, 1);
    let found = scene.consumer(&group, &[])?.committed_offsets(asked, PATIENCE)?;
    Ok(format!("{}: {}", result(&committed), remembered(&found)))
}

fn by_a_client_what_it_did_not_read(scene: &Scene) -> Outcome {
    let consumer = scene.consumer(&scene.group(), &[])?;
    Ok(result(&consumer.commit_consumer_state(CommitMode::Sync)))
}

fn starts_a_client_where_it_was(scene: &Scene) -> Outcome {
    let (topic, group) = (scene.topic(1)?, scene.group());
    scene.send(&scene.producer(&[])?, &topic, 0, &["one", "two", "three"]);
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, Offset::Offset(1))?;
    let consumer = scene.consumer(&group, &[])?;
    consumer.commit(&list, CommitMode::Sync)?;
    consumer.subscribe(&[&topic])?;
    crate::client::next_values(&consumer, 2)
}
