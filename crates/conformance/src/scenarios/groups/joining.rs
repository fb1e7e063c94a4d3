//! Finds the coordinator, joins a group, and receives an assignment.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::{
    FindCoordinatorRequest, JoinGroupRequest, JoinGroupResponse, SyncGroupRequest,
};
use wire_client::group::{join_request, new_member_id, sync_request};
use wire_client::raw::RawClient;
use wire_client::requests::{find_coordinator, group_id, text};

use super::stable::{One, joined, new, told};
use crate::failure::Failure;
use crate::names::{name, names};
use crate::scenario::{Outcome, area};
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
);

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
    joined(scene, |it| it.member_id = text("stranger"))
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

/// Returns the response of a stable group to a changed join of a second member.
fn joined_second(scene: &Scene, change: impl FnOnce(&mut JoinGroupRequest)) -> Outcome {
    let one = One::new(scene)?;
    let mut second = scene.coordinator(&one.group)?;
    let mut request = join_request(&one.group, "");
    change(&mut request);
    Ok(told(&second.try_call(9, &request)?))
}

fn join_with_another_protocol_type(scene: &Scene) -> Outcome {
    joined_second(scene, |it| it.protocol_type = text("connect"))
}

fn join_with_no_common_protocol(scene: &Scene) -> Outcome {
    joined_second(scene, |it| it.protocols[0].name = text("sticky"))
}

fn join_with_a_common_protocol(scene: &Scene) -> Outcome {
    joined_second(scene, |it| {
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

/// Creates a stable group of two members, the leader first, each with its own connection.
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

/// Returns the response to a changed sync of a member that has joined.
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
    synced(scene, |it| it.member_id = text("stranger"))
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
