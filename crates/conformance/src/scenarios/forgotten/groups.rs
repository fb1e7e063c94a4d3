//! Groups whose coordinator has lost its topic.

use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, DeleteGroupsRequest,
    JoinGroupRequest, LeaveGroupRequest, ListGroupsRequest, OffsetDeleteRequest,
    OffsetFetchRequest, SyncGroupRequest,
};
use wire_client::group::{heartbeat, join_alone, join_request, new_member_id};
use wire_client::raw::RawClient;
use wire_client::requests::{commit, describe_group, find_coordinator, group_id, text, topic_name};

use super::topics::{OFFSETS, create, delete, partitions, told, until_no_coordinator};
use crate::failure::Failure;
use crate::names::name;
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("forgotten":
    requests_of_members,
    requests_of_members_once_there_is_a_coordinator,
    requests_of_administrators,
    requests_of_administrators_once_there_is_a_coordinator,
    requests_of_the_consumer_protocol,
    requests_of_the_consumer_protocol_once_there_is_a_coordinator,
    offsets_topic_is_created_by_who_looks_for_a_coordinator,
    offsets_topic_is_created_by_an_administrator,
    offsets_topic_is_created_with_other_partitions,
    groups_begin_anew,
    a_join_that_waits,
);

/// A stable group of one member that has committed, and its coordinator.
struct Known {
    node: RawClient,
    group: String,
    topic: String,
    member: String,
    generation: i32,
}

impl Known {
    fn new(scene: &Scene) -> Result<Self, Failure> {
        let (topic, group) = (scene.topic(1)?, scene.group());
        let mut node = scene.coordinator(&group)?;
        let (member, generation) = join_alone(&mut node, &group);
        let mut it = Self { node, group, topic, member, generation };
        it.commit()?;
        Ok(it)
    }

    /// Deletes the topic, so that the coordinator loses the group.
    fn forget(&mut self, scene: &Scene) -> Result<(), Failure> {
        delete(scene, OFFSETS)?;
        until_no_coordinator(scene, || self.heartbeat())
    }

    fn heartbeat(&mut self) -> Outcome {
        let beat = heartbeat(&self.group, &self.member, self.generation);
        Ok(name(self.node.try_call(4, &beat)?.error_code))
    }

    fn commit(&mut self) -> Outcome {
        let request = commit(&self.group, &self.topic, 0, 7, "")
            .with_generation_id_or_member_epoch(self.generation)
            .with_member_id(text(&self.member));
        let answer = self.node.try_call(8, &request)?;
        Ok(name(answer.topics[0].partitions[0].error_code))
    }

    /// Sends a member's requests.
    fn members(&mut self) -> Outcome {
        let group = group_id(&self.group);
        let beat = self.heartbeat()?;
        let sync = SyncGroupRequest::default()
            .with_group_id(group.clone())
            .with_generation_id(self.generation)
            .with_member_id(text(&self.member));
        let sync = name(self.node.try_call(3, &sync)?.error_code);
        let commit = self.commit()?;
        let fetched = fetched(&mut self.node, &self.group)?;
        let identity = MemberIdentity::default().with_member_id(text(&self.member));
        let leave = LeaveGroupRequest::default().with_group_id(group).with_members(vec![identity]);
        let leave = self.node.try_call(4, &leave)?;
        let left = leave.members.iter().map(|it| name(it.error_code)).collect::<Vec<_>>();
        let leave = format!("{} {left:?}", name(leave.error_code));
        let join = self.node.try_call(9, &join_request(&self.group, &self.member))?;
        Ok(told(&[
            ("Heartbeat", beat),
            ("SyncGroup", sync),
            ("OffsetCommit", commit),
            ("OffsetFetch", fetched),
            ("LeaveGroup", leave),
            ("JoinGroup", name(join.error_code)),
        ]))
    }

    /// Sends an administrator's requests.
    fn administrators(&mut self) -> Outcome {
        let group = group_id(&self.group);
        let described = self.node.try_call(5, &describe_group(&self.group))?.groups.remove(0);
        let (error, state) = (name(described.error_code), described.group_state);
        let listed = self.node.try_call(4, &ListGroupsRequest::default())?;
        let is_listed = listed.groups.iter().any(|it| it.group_id == group);
        let partition = OffsetDeleteRequestPartition::default();
        let topic = OffsetDeleteRequestTopic::default()
            .with_name(topic_name(&self.topic))
            .with_partitions(vec![partition]);
        let offsets =
            OffsetDeleteRequest::default().with_group_id(group.clone()).with_topics(vec![topic]);
        let offsets = self.node.try_call(0, &offsets)?;
        let delete = DeleteGroupsRequest::default().with_groups_names(vec![group]);
        let delete = self.node.try_call(2, &delete)?;
        Ok(told(&[
            ("DescribeGroups", format!("{error} {:?}", state.as_str())),
            ("ListGroups", format!("{}, the group: {is_listed}", name(listed.error_code))),
            ("OffsetDelete", name(offsets.error_code)),
            ("DeleteGroups", name(delete.results[0].error_code)),
        ]))
    }
}

/// Sends OffsetFetch for all offsets of a group, and returns the error and the offsets.
pub(in crate::scenarios) fn fetched(node: &mut RawClient, group: &str) -> Outcome {
    let group = OffsetFetchRequestGroup::default()
        .with_group_id(group_id(group))
        .with_member_id(None)
        .with_member_epoch(-1)
        .with_topics(None);
    let request = OffsetFetchRequest::default().with_groups(vec![group]);
    let answer = node.try_call(8, &request)?.groups.remove(0);
    let partitions = answer.topics.iter().flat_map(|it| &it.partitions);
    let offsets: Vec<i64> = partitions.map(|it| it.committed_offset).collect();
    Ok(format!("{} {offsets:?}", name(answer.error_code)))
}

fn requests_of_members(scene: &Scene) -> Outcome {
    let mut known = Known::new(scene)?;
    known.forget(scene)?;
    known.members()
}

fn requests_of_members_once_there_is_a_coordinator(scene: &Scene) -> Outcome {
    let mut known = Known::new(scene)?;
    known.forget(scene)?;
    known.node = scene.coordinator(&known.group)?;
    known.members()
}

fn requests_of_administrators(scene: &Scene) -> Outcome {
    let mut known = Known::new(scene)?;
    known.forget(scene)?;
    known.administrators()
}

fn requests_of_administrators_once_there_is_a_coordinator(scene: &Scene) -> Outcome {
    let mut known = Known::new(scene)?;
    known.forget(scene)?;
    known.node = scene.coordinator(&known.group)?;
    known.administrators()
}

/// A member of the consumer protocol, and its epoch.
struct Consumer {
    node: RawClient,
    group: String,
    topic: String,
    epoch: i32,
}

impl Consumer {
    fn new(scene: &Scene) -> Result<Self, Failure> {
        let (topic, group) = (scene.topic(1)?, scene.group());
        let node = scene.coordinator(&group)?;
        let mut it = Self { node, group, topic, epoch: 0 };
        let joined = it.node.try_call(1, &it.joining())?;
        it.epoch = joined.member_epoch;
        it.commit()?;
        Ok(it)
    }

    fn joining(&self) -> ConsumerGroupHeartbeatRequest {
        ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group_id(&self.group))
            .with_member_id(text("a-member"))
            .with_rebalance_timeout_ms(5_000)
            .with_subscribed_topic_names(Some(vec![topic_name(&self.topic)]))
            .with_topic_partitions(Some(Vec::new()))
    }

    fn commit(&mut self) -> Outcome {
        let request = commit(&self.group, &self.topic, 0, 7, "")
            .with_generation_id_or_member_epoch(self.epoch)
            .with_member_id(text("a-member"));
        let answer = self.node.try_call(9, &request)?;
        Ok(name(answer.topics[0].partitions[0].error_code))
    }

    fn heartbeat(&mut self) -> Outcome {
        let beat = ConsumerGroupHeartbeatRequest::default()
            .with_group_id(group_id(&self.group))
            .with_member_id(text("a-member"))
            .with_member_epoch(self.epoch);
        Ok(name(self.node.try_call(1, &beat)?.error_code))
    }

    fn asks(&mut self) -> Outcome {
        let beat = self.heartbeat()?;
        let commit = self.commit()?;
        let described = ConsumerGroupDescribeRequest::default();
        let described = described.with_group_ids(vec![group_id(&self.group)]);
        let described = self.node.try_call(1, &described)?;
        let joined = self.node.try_call(1, &self.joining())?;
        let (error, epoch) = (name(joined.error_code), joined.member_epoch);
        Ok(told(&[
            ("ConsumerGroupHeartbeat", beat),
            ("OffsetCommit", commit),
            ("ConsumerGroupDescribe", name(described.groups[0].error_code)),
            ("a new member", format!("{error}, epoch {epoch}")),
        ]))
    }
}

fn requests_of_the_consumer_protocol(scene: &Scene) -> Outcome {
    let mut known = Consumer::new(scene)?;
    delete(scene, OFFSETS)?;
    until_no_coordinator(scene, || known.heartbeat())?;
    known.asks()
}

fn requests_of_the_consumer_protocol_once_there_is_a_coordinator(scene: &Scene) -> Outcome {
    let mut known = Consumer::new(scene)?;
    delete(scene, OFFSETS)?;
    until_no_coordinator(scene, || known.heartbeat())?;
    known.node = scene.coordinator(&known.group)?;
    known.asks()
}

fn offsets_topic_is_created_by_who_looks_for_a_coordinator(scene: &Scene) -> Outcome {
    let known = Known::new(scene)?;
    let before = partitions(scene, OFFSETS)?;
    let deleted = delete(scene, OFFSETS)?;
    let found = scene.node()?.try_call(4, &find_coordinator(&[&known.group]))?;
    let first = name(found.coordinators[0].error_code);
    scene.coordinator(&known.group)?;
    let after = partitions(scene, OFFSETS)?;
    let first = if ["ok", "COORDINATOR_NOT_AVAILABLE"].contains(&first.as_str()) {
        "ok or not yet".to_owned()
    } else {
        first
    };
    Ok(format!("{deleted}, {first}, as many partitions: {}", before == after))
}

fn offsets_topic_is_created_by_an_administrator(scene: &Scene) -> Outcome {
    let mut known = Known::new(scene)?;
    let before = partitions(scene, OFFSETS)? as i32;
    known.forget(scene)?;
    let created = create(scene, OFFSETS, before)?;
    known.node = scene.coordinator(&known.group)?;
    Ok(format!("{created}; {}", known.members()?))
}

fn offsets_topic_is_created_with_other_partitions(scene: &Scene) -> Outcome {
    Known::new(scene)?;
    delete(scene, OFFSETS)?;
    let created = create(scene, OFFSETS, 1)?;
    let mut errors = Vec::new();
    for group in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let answer = scene.node()?.try_call(4, &find_coordinator(&[group]))?;
        errors.push(name(answer.coordinators[0].error_code));
    }
    delete(scene, OFFSETS)?;
    Ok(format!("{created}; {}", errors.join(", ")))
}

fn groups_begin_anew(scene: &Scene) -> Outcome {
    let mut known = Known::new(scene)?;
    known.forget(scene)?;
    let mut node = scene.coordinator(&known.group)?;
    let before = fetched(&mut node, &known.group)?;
    let (member, generation) = join_alone(&mut node, &known.group);
    let is_new = member != known.member;
    let request = commit(&known.group, &known.topic, 0, 3, "")
        .with_generation_id_or_member_epoch(generation)
        .with_member_id(text(&member));
    let committed = node.try_call(8, &request)?.topics[0].partitions[0].error_code;
    let after = fetched(&mut node, &known.group)?;
    Ok(format!(
        "{before}; generation {generation}, a new member: {is_new}; {}, {after}",
        name(committed)
    ))
}

/// Lets a second member wait for the first one to rejoin while the group loses its coordinator.
fn a_join_that_waits(scene: &Scene) -> Outcome {
    let mut known = Known::new(scene)?;
    let mut second = scene.coordinator(&known.group)?;
    let id = new_member_id(&mut second, &known.group);
    let asked = second.send(9, &join_request(&known.group, &id))?;
    scene.until("the group rebalances", || {
        Ok((known.heartbeat()? == "REBALANCE_IN_PROGRESS").then_some(()))
    })?;
    known.forget(scene)?;
    let joined = second.receive::<JoinGroupRequest>(9, asked)?;
    Ok(format!("{}, generation {}", name(joined.error_code), joined.generation_id))
}
