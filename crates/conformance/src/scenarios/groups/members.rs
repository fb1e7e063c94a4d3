//! Members that stay, members that leave, and descriptions of groups.

use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{DescribeGroupsRequest, LeaveGroupRequest, ListGroupsRequest};
use wire_client::group::{join_request, new_member_id};
use wire_client::raw::RawClient;
use wire_client::requests::{describe_group, group_id, text};

use super::stable::{One, beat, new};
use crate::names::{name, names};
use crate::scenario::{Outcome, area};
use crate::scene::Scene;

area!("groups":
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

fn heartbeat_of_a_member(scene: &Scene) -> Outcome {
    One::new(scene)?.heartbeat()
}

fn heartbeat_of_an_unknown_member(scene: &Scene) -> Outcome {
    let mut one = One::new(scene)?;
    one.member = "stranger".to_owned();
    one.heartbeat()
}

fn heartbeat_of_an_unknown_group(scene: &Scene) -> Outcome {
    let (mut node, group) = new(scene)?;
    beat(&mut node, &group, "stranger", 1)
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
    beat(&mut scene.coordinator("")?, "", "stranger", 1)
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

/// Sends LeaveGroup (v3 and later) for these members, and returns the error, and one for each
/// member.
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
    leaves(&mut one.node, &one.group, &["stranger"])
}

fn leave_an_unknown_group(scene: &Scene) -> Outcome {
    let (mut node, group) = new(scene)?;
    leaves(&mut node, &group, &["stranger"])
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
    leaves(&mut one.node, &one.group, &[&one.member, "stranger"])
}

fn leave_before_joining(scene: &Scene) -> Outcome {
    let (mut node, group) = new(scene)?;
    let id = new_member_id(&mut node, &group);
    leaves(&mut node, &group, &[&id])
}

/// Returns the state, the protocol, and the number of members of a group.
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

/// Returns whether a stable group is listed for these states and types.
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
