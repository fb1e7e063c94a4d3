//! Static members (`group.instance.id`, KIP-345), which return without a rebalance.

use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    JoinGroupResponse, LeaveGroupRequest, OffsetCommitRequest, SyncGroupRequest,
};
use wire_client::group::{heartbeat, join_request, sync_request};
use wire_client::raw::RawClient;
use wire_client::requests::{describe_group, group_id, text, topic_name};

use crate::failure::Failure;
use crate::names::{name, names};
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("static_members":
    join,
    come_back,
    come_back_with_another_protocol,
    a_second_of_the_same_name_fences_the_first,
    join_with_a_wrong_id,
    join_with_an_id_and_an_unknown_name,
    heartbeat_by_name,
    heartbeat_with_a_wrong_name,
    heartbeat_with_a_wrong_id,
    sync_with_a_wrong_id,
    commit_with_a_wrong_id,
    leave_by_name,
    leave_by_an_unknown_name,
    leave_by_name_with_a_wrong_id,
    described,
);

/// A stable group of one static member called "north".
struct Static {
    node: RawClient,
    group: String,
    joined: JoinGroupResponse,
}

fn join_as(
    node: &mut RawClient,
    group: &str,
    member: &str,
    instance: &str,
) -> Result<JoinGroupResponse, Failure> {
    let request = join_request(group, member).with_group_instance_id(Some(text(instance)));
    Ok(node.try_call(9, &request)?)
}

impl Static {
    fn new(scene: &Scene) -> Result<Self, Failure> {
        let group = scene.group();
        let mut node = scene.coordinator(&group)?;
        let joined = join_as(&mut node, &group, "", "north")?;
        let mut it = Self { node, group, joined };
        it.sync("north", &it.joined.member_id.to_string())?;
        Ok(it)
    }

    fn sync(&mut self, instance: &str, member: &str) -> Outcome {
        let own = self.joined.member_id.to_string();
        let request = sync_request(&self.group, &self.joined, &[(&own, "all of it")])
            .with_member_id(text(member))
            .with_group_instance_id(Some(text(instance)));
        let answer = self.node.try_call(5, &request)?;
        Ok(name(answer.error_code))
    }

    fn heartbeat(&mut self, instance: &str, member: &str) -> Outcome {
        let request = heartbeat(&self.group, member, self.joined.generation_id)
            .with_group_instance_id(Some(text(instance)));
        Ok(name(self.node.try_call(4, &request)?.error_code))
    }

    fn member(&self) -> String {
        self.joined.member_id.to_string()
    }

    fn leave(&mut self, instance: &str, member: &str) -> Outcome {
        let identity = MemberIdentity::default()
            .with_member_id(text(member))
            .with_group_instance_id(Some(text(instance)));
        let request = LeaveGroupRequest::default()
            .with_group_id(group_id(&self.group))
            .with_members(vec![identity]);
        let answer = self.node.try_call(5, &request)?;
        let of = names(answer.members.iter().map(|it| it.error_code));
        Ok(format!("{} [{of}]", name(answer.error_code)))
    }
}

fn join(scene: &Scene) -> Outcome {
    let group = scene.group();
    let joined = join_as(&mut scene.coordinator(&group)?, &group, "", "north")?;
    Ok(format!("{}, generation {}", name(joined.error_code), joined.generation_id))
}

fn come_back(scene: &Scene) -> Outcome {
    let mut it = Static::new(scene)?;
    let again = join_as(&mut it.node, &it.group, "", "north")?;
    let new_id = again.member_id != it.joined.member_id;
    // It sends no assignment: the group still has the previous one.
    let request = SyncGroupRequest::default()
        .with_group_id(group_id(&it.group))
        .with_generation_id(again.generation_id)
        .with_member_id(again.member_id.clone())
        .with_group_instance_id(Some(text("north")));
    let synced = it.node.try_call(3, &request)?;
    let assignment = String::from_utf8_lossy(&synced.assignment).into_owned();
    let (error, generation) = (name(again.error_code), again.generation_id);
    Ok(format!(
        "{error}, generation {generation}, new id: {new_id}, {}: {assignment:?}",
        name(synced.error_code)
    ))
}

fn come_back_with_another_protocol(scene: &Scene) -> Outcome {
    let mut it = Static::new(scene)?;
    let mut request = join_request(&it.group, "").with_group_instance_id(Some(text("north")));
    request.protocols[0].name = text("sticky");
    let again = it.node.try_call(9, &request)?;
    Ok(format!("{}, generation {}", name(again.error_code), again.generation_id))
}

fn a_second_of_the_same_name_fences_the_first(scene: &Scene) -> Outcome {
    let mut it = Static::new(scene)?;
    join_as(&mut it.node, &it.group, "", "north")?;
    let first = it.member();
    it.heartbeat("north", &first)
}

fn join_with_a_wrong_id(scene: &Scene) -> Outcome {
    let mut it = Static::new(scene)?;
    Ok(name(join_as(&mut it.node, &it.group, "stranger", "north")?.error_code))
}

fn join_with_an_id_and_an_unknown_name(scene: &Scene) -> Outcome {
    let mut it = Static::new(scene)?;
    Ok(name(join_as(&mut it.node, &it.group, "stranger", "south")?.error_code))
}

fn heartbeat_by_name(scene: &Scene) -> Outcome {
    let mut it = Static::new(scene)?;
    let member = it.member();
    it.heartbeat("north", &member)
}

fn heartbeat_with_a_wrong_name(scene: &Scene) -> Outcome {
    let mut it = Static::new(scene)?;
    let member = it.member();
    it.heartbeat("south", &member)
}

fn heartbeat_with_a_wrong_id(scene: &Scene) -> Outcome {
    Static::new(scene)?.heartbeat("north", "stranger")
}

fn sync_with_a_wrong_id(scene: &Scene) -> Outcome {
    Static::new(scene)?.sync("north", "stranger")
}

fn commit_with_a_wrong_id(scene: &Scene) -> Outcome {
    let mut it = Static::new(scene)?;
    let partition = OffsetCommitRequestPartition::default().with_committed_offset(7);
    let topic = OffsetCommitRequestTopic::default()
        .with_name(topic_name(&scene.topic(1)?))
        .with_partitions(vec![partition.with_committed_metadata(Some(text("")))]);
    let request = OffsetCommitRequest::default()
        .with_group_id(group_id(&it.group))
        .with_generation_id_or_member_epoch(it.joined.generation_id)
        .with_member_id(text("stranger"))
        .with_group_instance_id(Some(text("north")))
        .with_topics(vec![topic]);
    let answer = it.node.try_call(8, &request)?;
    Ok(name(answer.topics[0].partitions[0].error_code))
}

fn leave_by_name(scene: &Scene) -> Outcome {
    Static::new(scene)?.leave("north", "")
}

fn leave_by_an_unknown_name(scene: &Scene) -> Outcome {
    Static::new(scene)?.leave("south", "")
}

fn leave_by_name_with_a_wrong_id(scene: &Scene) -> Outcome {
    Static::new(scene)?.leave("north", "stranger")
}

fn described(scene: &Scene) -> Outcome {
    let mut it = Static::new(scene)?;
    let answer = it.node.try_call(5, &describe_group(&it.group))?;
    let members = &answer.groups[0].members;
    let names: Vec<_> = members.iter().map(|it| it.group_instance_id.as_deref()).collect();
    Ok(format!("{names:?}"))
}
