//! Groups driven step by step, with the time passed in.

mod group_coordinator;
mod invariants;
mod join;
mod members;
pub(in crate::group) mod memory_log;
mod pending;
mod pending_model;
mod permissions;
mod static_members;
mod sync;

use bytes::Bytes;
use kafka_protocol::ResponseError;

use super::delayed::Delayed;
use super::messages::{
    JoinRejection, JoinReply, JoinRequest, Joined, Protocol, SyncReply, SyncRequest,
};
use super::state_machine::{Group, State};
use super::subscription::testing::subscription;
use super::{Commit, GroupEvent, Settings, Step};
use crate::records::GroupMetadataValue;
use crate::time::Timestamp;

const SESSION_MS: i32 = 10_000;
const REBALANCE_MS: i32 = 60_000;

/// A group with a clock that only the test moves.
struct Harness {
    group: Group,
    now: Timestamp,
    settings: Settings,
    /// The records that the group wrote, oldest first.
    stored: Vec<GroupMetadataValue>,
    /// The error of the next write, if it should fail.
    disk: Result<(), ResponseError>,
    events: Vec<GroupEvent>,
}

impl Harness {
    /// Returns a group whose first rebalance does not wait for more members.
    fn new() -> Self {
        Self::with_delay(0)
    }

    fn with_delay(initial_rebalance_delay_ms: i32) -> Self {
        Self {
            group: Group::new("east-coast-dpt".into(), 1_000),
            now: 1_000,
            settings: Settings { initial_rebalance_delay_ms, ..Settings::default() },
            stored: Vec::new(),
            disk: Ok(()),
            events: Vec::new(),
        }
    }

    fn step<T>(&mut self, act: impl FnOnce(&mut Group, &mut Step<'_>) -> T) -> T {
        let mut store = |value: &GroupMetadataValue| {
            self.disk?;
            self.stored.push(value.clone());
            Ok(())
        };
        let mut step =
            Step { now: self.now, settings: &self.settings, store: &mut store, events: Vec::new() };
        let result = act(&mut self.group, &mut step);
        let events = step.events;
        self.events.extend(events);
        result
    }

    fn join(&mut self, request: JoinRequest) -> Delayed<JoinReply> {
        self.step(|group, step| group.join(request, step))
    }

    fn sync(&mut self, request: SyncRequest) -> Delayed<SyncReply> {
        self.step(|group, step| group.sync(&request, step))
    }

    fn heartbeat(&mut self, member: &str) -> Result<(), ResponseError> {
        let generation = self.group.generation;
        self.step(|group, step| group.heartbeat(member, None, generation, step))
    }

    /// Advances the time at once, and then runs the due timers.
    fn pass(&mut self, ms: i32) {
        self.now += i64::from(ms);
        self.step(Group::expire);
    }

    /// Lets time pass in small ticks, during which the given members keep sending heartbeats.
    fn pass_with_heartbeats(&mut self, ms: i32, members: &[&str]) {
        for _ in 0..ms / 1_000 {
            for member in members {
                let _ = self.heartbeat(member);
            }
            self.pass(1_000);
        }
    }

    /// Returns a stable group of these members; the first leads and gives each its own name to
    /// read.
    fn stable(members: &[&str]) -> Self {
        let mut harness = Self::with_delay(1);
        let responses = members.iter().map(|id| harness.join(joining(id))).collect::<Vec<_>>();
        harness.pass(1);
        if members.len() > 1 {
            harness.pass(1);
        }
        for delayed in responses {
            delayed.take().unwrap().unwrap();
        }
        harness.sync_all(members);
        harness
    }

    fn sync_all(&mut self, members: &[&str]) {
        let leader = self.group.leader.clone().unwrap();
        let assigned = members.iter().map(|id| (*id, *id)).collect::<Vec<_>>();
        self.sync(syncing(&leader, self.group.generation, &assigned)).take().unwrap().unwrap();
        for member in members.iter().filter(|member| **member != leader) {
            let request = syncing(member, self.group.generation, &[]);
            assert_eq!(self.sync(request).take().unwrap().unwrap().assignment, *member);
        }
        assert_eq!(self.group.state, State::Stable);
    }
}

/// Returns a request of a client that has no member id yet and understands version 3: it gets `id`
/// and becomes a member at once.
pub(in crate::group) fn joining(id: &str) -> JoinRequest {
    JoinRequest {
        member_id: String::new(),
        new_member_id: id.into(),
        instance_id: None,
        client_id: "rdkafka".into(),
        client_host: "/127.0.0.1".into(),
        session_timeout_ms: SESSION_MS,
        rebalance_timeout_ms: REBALANCE_MS,
        protocol_type: "consumer".into(),
        protocols: protocols(&["range"]),
        reason: "not provided".into(),
        requires_member_id: false,
        understands_skip_assignment: true,
    }
}

/// Returns a request of a member.
fn rejoining(id: &str) -> JoinRequest {
    JoinRequest { member_id: id.into(), ..joining("unused") }
}

/// Starts a static member that gets `id`.
fn starting(instance: &str, id: &str) -> JoinRequest {
    JoinRequest { instance_id: Some(instance.into()), ..joining(id) }
}

fn protocols(names: &[&str]) -> Vec<Protocol> {
    let metadata = subscription(&["airports"]);
    names.iter().map(|name| Protocol { name: (*name).into(), metadata: metadata.clone() }).collect()
}

fn syncing(id: &str, generation: i32, assignments: &[(&str, &str)]) -> SyncRequest {
    let assignments = assignments.iter();
    SyncRequest {
        member_id: id.into(),
        instance_id: None,
        generation,
        protocol_type: None,
        protocol_name: None,
        assignments: assignments
            .map(|(member, part)| ((*member).into(), Bytes::copy_from_slice(part.as_bytes())))
            .collect(),
    }
}

/// Returns the error of a rejected client.
fn rejection(error: ResponseError, member_id: &str) -> Option<JoinReply> {
    Some(Err(JoinRejection { error, member_id: member_id.into() }))
}

fn accepted(delayed: &Delayed<JoinReply>) -> Joined {
    delayed.take().expect("an answer").expect("a member of the next generation")
}
