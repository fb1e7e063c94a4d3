//! A stable group of one member, and the requests of its members.

use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use wire_client::group::{heartbeat, join_alone, join_request, new_member_id};
use wire_client::raw::RawClient;

use crate::failure::Failure;
use crate::names::name;
use crate::scenario::Outcome;
use crate::scene::Scene;

/// Returns the coordinator and the name of a new group.
pub(super) fn new(scene: &Scene) -> Result<(RawClient, String), Failure> {
    let group = scene.group();
    Ok((scene.coordinator(&group)?, group))
}

/// A stable group of one member, with the member and the generation.
pub(super) struct One {
    pub(super) node: RawClient,
    pub(super) group: String,
    pub(super) member: String,
    pub(super) generation: i32,
}

impl One {
    pub(super) fn new(scene: &Scene) -> Result<Self, Failure> {
        let (mut node, group) = new(scene)?;
        let (member, generation) = join_alone(&mut node, &group);
        Ok(Self { node, group, member, generation })
    }

    pub(super) fn heartbeat(&mut self) -> Outcome {
        beat(&mut self.node, &self.group, &self.member, self.generation)
    }

    /// Sends a second member's join on its own connection; the response is still pending.
    pub(super) fn second_joins(&mut self, scene: &Scene) -> Result<(RawClient, i32), Failure> {
        let mut second = scene.coordinator(&self.group)?;
        let id = new_member_id(&mut second, &self.group);
        let asked = second.send(9, &join_request(&self.group, &id))?;
        scene.until("the group rebalances", || {
            Ok((self.heartbeat()? == "REBALANCE_IN_PROGRESS").then_some(()))
        })?;
        Ok((second, asked))
    }
}

pub(super) fn beat(node: &mut RawClient, group: &str, member: &str, generation: i32) -> Outcome {
    Ok(name(node.try_call(4, &heartbeat(group, member, generation))?.error_code))
}

/// Formats the response to a join, without the member's id.
pub(super) fn told(answer: &JoinGroupResponse) -> String {
    let leads = if answer.leader == answer.member_id && !answer.member_id.is_empty() {
        ", leads"
    } else {
        ""
    };
    let error = name(answer.error_code);
    let (generation, members) = (answer.generation_id, answer.members.len());
    format!("{error}, generation {generation}, {members} members{leads}")
}

/// Returns the response to a changed join of a new group.
pub(super) fn joined(scene: &Scene, change: impl FnOnce(&mut JoinGroupRequest)) -> Outcome {
    let (mut node, group) = new(scene)?;
    let mut request = join_request(&group, "");
    change(&mut request);
    Ok(told(&node.try_call(9, &request)?))
}
