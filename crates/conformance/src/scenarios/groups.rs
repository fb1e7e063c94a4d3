//! The group protocol, request by request: joining, assignments, heartbeats, leaving.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{
    DescribeGroupsRequest, FindCoordinatorRequest, JoinGroupRequest, JoinGroupResponse,
    LeaveGroupRequest, ListGroupsRequest, SyncGroupRequest,
};
use wire_client::group::{heartbeat, join_alone, join_request, new_member_id, sync_request};
use wire_client::raw::RawClient;
use wire_client::requests::{describe_group, find_coordinator, group_id, text};

use super::{Outcome, area};
use crate::failure::Failure;
use crate::names::{name, names};
use crate::scene::Scene;

area!("groups":
    coordinator,
    coordinator_of_a_group_without_a_name,
    coordinator_of_an_unknown_kind,
    coordinator_by_an_old_version,
    coordinators_of_two_groups,
    join_for_the_first_time,
    join_for_the_first_time_by_an_old_version,
    join_with_the_id_that_was_given,
    join_as_an_unknown_member,
    join_a_group_without_a_name,
    join_at_another_node,
    join_with_too_short_a_session,
    join_with_too_long_a_session,
    join_without_protocols,
    join_without_a_protocol_type,
    join_with_another_protocol_type,
    join_with_no_common_protocol,
    join_with_a_common_protocol,
    join_with_a_subscription_that_makes_no_sense,
    join_again_unchanged_as_follower,
    join_again_as_leader,
    join_of_a_second_member_interrupts_the_first,
    sync_before_the_leader,
    sync_as_an_unknown_member,
    sync_of_a_past_generation,
    sync_of_a_future_generation,
    sync_of_another_protocol_type,
    sync_of_another_protocol_name,
    sync_without_an_assignment,
    sync_again,
    heartbeat_of_a_member,
    heartbeat_of_an_unknown_member,
    heartbeat_of_an_unknown_group,
    heartbeat_of_a_past_generation,
    heartbeat_of_a_future_generation,
    heartbeat_of_a_group_without_a_name,
    heartbeat_of_a_member_that_has_not_joined,
    heartbeat_before_the_assignment,
    heartbeat_while_another_joins,
    heartbeat_at_another_node,
    leave,
    leave_as_an_unknown_member,
    leave_an_unknown_group,
    leave_twice,
    leave_by_an_old_version,
    leave_two_of_whom_one_is_unknown,
    leave_before_joining,
    described_unknown,
    described_stable,
    described_empty,
    described_before_the_assignment,
    described_at_another_node,
    described_with_operations,
    listed,
    listed_in_another_state,
    listed_in_an_unknown_state,
    listed_of_another_type,
    listed_of_an_unknown_type,
);

/// A new group's coordinator and name.
fn new(scene: &Scene) -> Result<(RawClient, String), Failure> {
    let group = scene.group();
    Ok((scene.coordinator(&group)?, group))
}

/// A group of one member, which is stable, with the member and the generation.
struct One {
    node: RawClient,
    group: String,
    member: String,
    generation: i32,
}

impl One {
    fn new(scene: &Scene) -> Result<Self, Failure> {
        let (mut node, group) = new(scene)?;
        let (member, generation) = join_alone(&mut node, &group);
        Ok(Self { node, group, member, generation })
    }

    fn heartbeat(&mut self) -> Outcome {
        beat(&mut self.node, &self.group, &self.member, self.generation)
    }

    /// Has a second member ask to join, on a connection of its own; what it asked is not answered
    /// yet.
    fn second_joins(&mut self, scene: &Scene) -> Result<(RawClient, i32), Failure> {
        let mut second = scene.coordinator(&self.group)?;
        let id = new_member_id(&mut second, &self.group);
        let asked = second.send(9, &join_request(&self.group, &id))?;
        scene.until("the group rebalances", || {
            Ok((self.heartbeat()? == "REBALANCE_IN_PROGRESS").then_some(()))
        })?;
        Ok((second, asked))
    }
}

fn beat(node: &mut RawClient, group: &str, member: &str, generation: i32) -> Outcome {
    Ok(name(node.try_call(4, &heartbeat(group, member, generation))?.error_code))
}

fn coordinator(scene: &Scene) -> Outcome {
    let answer = scene.node()?.try_call(4, &find_coordinator(&[&scene.group()]))?;
    Ok(names(answer.coordinators.iter().map(|it| it.error_code)))
}

fn coordinator_of_a_group_without_a_name(scene: &Scene) -> Outcome {
    let answer = scene.node()?.try_call(4, &find_coordinator(&[""]))?;
    Ok(names(answer.coordinators.iter().map(|it| it.error_code)))
}

fn coordinator_of_an_unknown_kind(scene: &Scene) -> Outcome {
    let request = find_coordinator(&[&scene.group()]).with_key_type(7);
    let answer = scene.node()?.try_call(4, &request);
    Ok(answer.map_or_else(
        |_| "closed".to_owned(),
        |it| {
            format!(
                "{}; {}",
                name(it.error_code),
                names(it.coordinators.iter().map(|it| it.error_code))
            )
        },
    ))
}

fn coordinator_by_an_old_version(scene: &Scene) -> Outcome {
    let request = FindCoordinatorRequest::default().with_key(text(&scene.group()));
    Ok(name(scene.node()?.try_call(0, &request)?.error_code))
}

fn coordinators_of_two_groups(scene: &Scene) -> Outcome {
    let request = find_coordinator(&[&scene.name("one"), &scene.name("two")]);
    let answer = scene.node()?.try_call(4, &request)?;
    Ok(names(answer.coordinators.iter().map(|it| it.error_code)))
}

/// What a join is answered, where the member's id is not told.
fn told(answer: &JoinGroupResponse) -> String {
    let leads = if answer.leader == answer.member_id && !answer.member_id.is_empty() {
        ", leads"
    } else {
        ""
    };
    let error = name(answer.error_code);
    let (generation, members) = (answer.generation_id, answer.members.len());
    format!("{error}, generation {generation}, {members} members{leads}")
}

/// What a changed join of a new group is answered.
fn joined(scene: &Scene, change: impl FnOnce(&mut JoinGroupRequest)) -> Outcome {
    let (mut node, group) = new(scene)?;
    let mut request = join_request(&group, "");
    change(&mut request);
    Ok(told(&node.try_call(9, &request)?))
}

fn join_for_the_first_time(scene: &Scene) -> Outcome {
    joined(scene, |_| ())
}

fn join_for_the_first_time_by_an_old_version(scene: &Scene) -> Outcome {
    let (mut node, group) = new(scene)?;
    Ok(told(&node.try_call(3, &join_request(&group, ""))?))
}

fn join_with_the_id_that_was_given(scene: &Scene) -> Outcome {
    let (mut node, group) = new(scene)?;
    let id = new_member_id(&mut node, &group);
    Ok(told(&node.try_call(9, &join_request(&group, &id))?))
}

fn join_as_an_unknown_member(scene: &Scene) -> Outcome {
    joined(scene, |it| it.member_id = text("nobody"))
}

fn join_a_group_without_a_name(scene: &Scene) -> Outcome {
    Ok(told(&scene.coordinator("")?.try_call(9, &join_request("", ""))?))
}

fn join_at_another_node(scene: &Scene) -> Outcome {
    let (node, group) = new(scene)?;
    Ok(told(&scene.elsewhere(node.address())?.try_call(9, &join_request(&group, ""))?))
}

fn join_with_too_short_a_session(scene: &Scene) -> Outcome {
    joined(scene, |it| it.session_timeout_ms = 5_999)
}

fn join_with_too_long_a_session(scene: &Scene) -> Outcome {
    joined(scene, |it| it.session_timeout_ms = 1_800_001)
}

fn join_without_protocols(scene: &Scene) -> Outcome {
    joined(scene, |it| it.protocols.clear())
}

fn join_without_a_protocol_type(scene: &Scene) -> Outcome {
    joined(scene, |it| it.protocol_type = text(""))
}

/// What a stable group answers to a changed join of a second member.
fn joined_beside(scene: &Scene, change: impl FnOnce(&mut JoinGroupRequest)) -> Outcome {
    let one = One::new(scene)?;
    let mut second = scene.coordinator(&one.group)?;
    let mut request = join_request(&one.group, "");
    change(&mut request);
    Ok(told(&second.try_call(9, &request)?))
}

fn join_with_another_protocol_type(scene: &Scene) -> Outcome {
    joined_beside(scene, |it| it.protocol_type = text("connect"))
}

fn join_with_no_common_protocol(scene: &Scene) -> Outcome {
    joined_beside(scene, |it| it.protocols[0].name = text("sticky"))
}

fn join_with_a_common_protocol(scene: &Scene) -> Outcome {
    joined_beside(scene, |it| {
        let other = JoinGroupRequestProtocol::default().with_name(text("sticky"));
        it.protocols.insert(0, other.with_metadata(it.protocols[0].metadata.clone()));
    })
}

fn join_with_a_subscription_that_makes_no_sense(scene: &Scene) -> Outcome {
    let (mut node, group) = new(scene)?;
    let mut request = join_request(&group, "");
    request.protocols[0].metadata = Bytes::from_static(b"?");
    request.member_id = node.try_call(9, &request)?.member_id;
    let id = node.send(9, &request)?;
    if node.is_silent(Duration::from_secs(2)) {
        return Ok("no answer".to_owned());
    }
    Ok(told(&node.receive::<JoinGroupRequest>(9, id)?))
}

/// Two members of a stable group, the leader first, each with its connection.
fn two(scene: &Scene) -> Result<(One, RawClient, JoinGroupResponse), Failure> {
    let mut one = One::new(scene)?;
    let (mut second, asked) = one.second_joins(scene)?;
    let leads = one.node.try_call(9, &join_request(&one.group, &one.member))?;
    let follows = second.receive::<JoinGroupRequest>(9, asked)?;
    let ids = [leads.member_id.as_str(), follows.member_id.as_str()];
    let assignments = [(ids[0], "half"), (ids[1], "half")];
    one.node.try_call(5, &sync_request(&one.group, &leads, &assignments))?;
    second.try_call(5, &sync_request(&one.group, &follows, &[]))?;
    one.generation = leads.generation_id;
    Ok((one, second, follows))
}

fn join_again_unchanged_as_follower(scene: &Scene) -> Outcome {
    let (mut one, mut second, follows) = two(scene)?;
    let again = second.try_call(9, &join_request(&one.group, follows.member_id.as_str()))?;
    Ok(format!("{}; the other: {}", told(&again), one.heartbeat()?))
}

fn join_again_as_leader(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    Ok(told(&one.node.try_call(9, &join_request(&one.group, &one.member))?))
}

fn join_of_a_second_member_interrupts_the_first(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    let _second = one.second_joins(scene)?;
    let again = one.node.try_call(9, &join_request(&one.group, &one.member))?;
    Ok(told(&again))
}

fn sync_before_the_leader(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    let (mut second, asked) = one.second_joins(scene)?;
    let leads = one.node.try_call(9, &join_request(&one.group, &one.member))?;
    let follows = second.receive::<JoinGroupRequest>(9, asked)?;
    let id = second.send(5, &sync_request(&one.group, &follows, &[]))?;
    let waits = second.is_silent(Duration::from_millis(300));
    let assignments = [(follows.member_id.as_str(), "for the second")];
    one.node.try_call(5, &sync_request(&one.group, &leads, &assignments))?;
    let synced = second.receive::<SyncGroupRequest>(5, id)?;
    let assignment = String::from_utf8_lossy(&synced.assignment).into_owned();
    Ok(format!("waits: {waits}, then {}, {assignment:?}", name(synced.error_code)))
}

/// What a member that has joined is answered to a changed sync.
fn synced(scene: &Scene, change: impl FnOnce(&mut SyncGroupRequest)) -> Outcome {
    let (mut node, group) = new(scene)?;
    let id = new_member_id(&mut node, &group);
    let joined = node.try_call(9, &join_request(&group, &id))?;
    let mut request = sync_request(&group, &joined, &[(&id, "all of it")]);
    change(&mut request);
    let answer = node.try_call(5, &request)?;
    let assignment = String::from_utf8_lossy(&answer.assignment).into_owned();
    Ok(format!("{}, {assignment:?}", name(answer.error_code)))
}

fn sync_as_an_unknown_member(scene: &Scene) -> Outcome {
    synced(scene, |it| it.member_id = text("nobody"))
}

fn sync_of_a_past_generation(scene: &Scene) -> Outcome {
    synced(scene, |it| it.generation_id -= 1)
}

fn sync_of_a_future_generation(scene: &Scene) -> Outcome {
    synced(scene, |it| it.generation_id += 1)
}

fn sync_of_another_protocol_type(scene: &Scene) -> Outcome {
    synced(scene, |it| it.protocol_type = Some(text("connect")))
}

fn sync_of_another_protocol_name(scene: &Scene) -> Outcome {
    synced(scene, |it| it.protocol_name = Some(text("sticky")))
}

fn sync_without_an_assignment(scene: &Scene) -> Outcome {
    synced(scene, |it| it.assignments.clear())
}

fn sync_again(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    let request = SyncGroupRequest::default()
        .with_group_id(group_id(&one.group))
        .with_generation_id(one.generation)
        .with_member_id(text(&one.member));
    let answer = one.node.try_call(3, &request)?;
    let assignment = String::from_utf8_lossy(&answer.assignment).into_owned();
    Ok(format!("{}, {assignment:?}", name(answer.error_code)))
}

fn heartbeat_of_a_member(scene: &Scene) -> Outcome {
    One::new(scene)?.heartbeat()
}

fn heartbeat_of_an_unknown_member(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    one.member = "nobody".to_owned();
    one.heartbeat()
}

fn heartbeat_of_an_unknown_group(scene: &Scene) -> Outcome {
    let (mut node, group) = new(scene)?;
    beat(&mut node, &group, "nobody", 1)
}

fn heartbeat_of_a_past_generation(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    one.generation -= 1;
    one.heartbeat()
}

fn heartbeat_of_a_future_generation(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    one.generation += 1;
    one.heartbeat()
}

fn heartbeat_of_a_group_without_a_name(scene: &Scene) -> Outcome {
    beat(&mut scene.coordinator("")?, "", "nobody", 1)
}

fn heartbeat_of_a_member_that_has_not_joined(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    one.member = new_member_id(&mut one.node, &one.group);
    one.heartbeat()
}

fn heartbeat_before_the_assignment(scene: &Scene) -> Outcome {
    let (mut node, group) = new(scene)?;
    let id = new_member_id(&mut node, &group);
    let joined = node.try_call(9, &join_request(&group, &id))?;
    beat(&mut node, &group, &id, joined.generation_id)
}

fn heartbeat_while_another_joins(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    let _second = one.second_joins(scene)?;
    one.heartbeat()
}

fn heartbeat_at_another_node(scene: &Scene) -> Outcome {
    let one = One::new(scene)?;
    beat(&mut scene.elsewhere(one.node.address())?, &one.group, &one.member, one.generation)
}

/// LeaveGroup (v3 and later) of these members: the error, and one for each.
fn leaves(node: &mut RawClient, group: &str, members: &[&str]) -> Outcome {
    let identity = |it: &&str| MemberIdentity::default().with_member_id(text(it));
    let request = LeaveGroupRequest::default()
        .with_group_id(group_id(group))
        .with_members(members.iter().map(identity).collect());
    let answer = node.try_call(5, &request)?;
    let of = names(answer.members.iter().map(|it| it.error_code));
    Ok(format!("{} [{of}]", name(answer.error_code)))
}

fn leave(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    let left = leaves(&mut one.node, &one.group, &[&one.member])?;
    Ok(format!("{left}, then {}", described(&mut one.node, &one.group)?))
}

fn leave_as_an_unknown_member(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    leaves(&mut one.node, &one.group, &["nobody"])
}

fn leave_an_unknown_group(scene: &Scene) -> Outcome {
    let (mut node, group) = new(scene)?;
    leaves(&mut node, &group, &["nobody"])
}

fn leave_twice(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    let first = leaves(&mut one.node, &one.group, &[&one.member])?;
    Ok(format!("{first}, {}", leaves(&mut one.node, &one.group, &[&one.member])?))
}

fn leave_by_an_old_version(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    let request = LeaveGroupRequest::default()
        .with_group_id(group_id(&one.group))
        .with_member_id(text(&one.member));
    Ok(name(one.node.try_call(1, &request)?.error_code))
}

fn leave_two_of_whom_one_is_unknown(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    leaves(&mut one.node, &one.group, &[&one.member, "nobody"])
}

fn leave_before_joining(scene: &Scene) -> Outcome {
    let (mut node, group) = new(scene)?;
    let id = new_member_id(&mut node, &group);
    leaves(&mut node, &group, &[&id])
}

/// State, protocol and number of members of a group.
fn described(node: &mut RawClient, group: &str) -> Outcome {
    let answer = node.try_call(5, &describe_group(group))?;
    let of = &answer.groups[0];
    let (error, state) = (name(of.error_code), of.group_state.as_str());
    let (kind, protocol) = (of.protocol_type.as_str(), of.protocol_data.as_str());
    Ok(format!("{error}, {state:?}, {kind:?}, {protocol:?}, {} members", of.members.len()))
}

fn described_unknown(scene: &Scene) -> Outcome {
    let (mut node, group) = new(scene)?;
    described(&mut node, &group)
}

fn described_stable(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    described(&mut one.node, &one.group)
}

fn described_empty(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    leaves(&mut one.node, &one.group, &[&one.member])?;
    described(&mut one.node, &one.group)
}

fn described_before_the_assignment(scene: &Scene) -> Outcome {
    let (mut node, group) = new(scene)?;
    let id = new_member_id(&mut node, &group);
    node.try_call(9, &join_request(&group, &id))?;
    scene.until("the group is known", || {
        Ok(Some(described(&mut node, &group)?).filter(|it| !it.contains("Dead")))
    })
}

fn described_at_another_node(scene: &Scene) -> Outcome {
    let one = One::new(scene)?;
    described(&mut scene.elsewhere(one.node.address())?, &one.group)
}

fn described_with_operations(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    let request = DescribeGroupsRequest::default()
        .with_groups(vec![group_id(&one.group)])
        .with_include_authorized_operations(true);
    let answer = one.node.try_call(5, &request)?;
    Ok(format!("{:#b}", answer.groups[0].authorized_operations))
}

/// Whether a stable group is among those in some states and of some types.
fn is_listed(scene: &Scene, states: &[&str], types: &[&str]) -> Outcome {
    let mut one = One::new(scene)?;
    let request = ListGroupsRequest::default()
        .with_states_filter(states.iter().map(|it| text(it)).collect())
        .with_types_filter(types.iter().map(|it| text(it)).collect());
    let answer = one.node.try_call(5, &request)?;
    let found = answer.groups.iter().find(|it| it.group_id == group_id(&one.group));
    let found = found.map_or("not listed".to_owned(), |it| {
        format!("{}, {}", it.group_state.as_str(), it.group_type.as_str())
    });
    Ok(format!("{}, {found}", name(answer.error_code)))
}

fn listed(scene: &Scene) -> Outcome {
    is_listed(scene, &[], &[])
}

fn listed_in_another_state(scene: &Scene) -> Outcome {
    is_listed(scene, &["Empty"], &[])
}

fn listed_in_an_unknown_state(scene: &Scene) -> Outcome {
    is_listed(scene, &["Bored"], &[])
}

fn listed_of_another_type(scene: &Scene) -> Outcome {
    is_listed(scene, &[], &["consumer"])
}

fn listed_of_an_unknown_type(scene: &Scene) -> Outcome {
    is_listed(scene, &[], &["club"])
}
