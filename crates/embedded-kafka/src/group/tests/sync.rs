//! SyncGroup and the phase of assigning partitions.

use super::*;

/// Returns a group with two members that wait for the assignment of the first.
fn completing() -> Harness {
    let mut harness = Harness::with_delay(1);
    let responses = ["a", "b"].map(|id| harness.join(joining(id)));
    harness.pass(1);
    harness.pass(1);
    responses.iter().for_each(|delayed| drop(accepted(delayed)));
    assert_eq!(harness.group.state, State::CompletingRebalance);
    harness
}

#[test]
fn a_follower_waits_for_the_leaders_assignment() {
    let mut harness = completing();
    let follower = harness.sync(syncing("b", 1, &[]));
    assert_eq!(follower.take(), None);
    let leader = harness.sync(syncing("a", 1, &[("a", "0,1"), ("b", "2")]));
    assert_eq!(leader.take().unwrap().unwrap().assignment, "0,1");
    let synced = follower.take().unwrap().unwrap();
    assert_eq!(synced.assignment, "2");
    assert_eq!(synced.protocol_name.as_deref(), Some("range"));
    let members = vec!["a".to_owned(), "b".to_owned()];
    let stable = GroupEvent::Stable { group: "east-coast-dpt".into(), generation: 1, members };
    assert_eq!(harness.events.last(), Some(&stable));
}

#[test]
fn the_assignment_is_written_before_any_member_receives_it() {
    let mut harness = completing();
    harness.sync(syncing("a", 1, &[("a", "0"), ("b", "1"), ("unknown", "2")]));
    let record = harness.stored.last().unwrap();
    let parts = record.members.iter().map(|member| (member.member_id.as_str(), &member.assignment));
    assert_eq!(parts.collect::<Vec<_>>(), [("a", &Bytes::from("0")), ("b", &Bytes::from("1"))]);
    assert_eq!((record.generation, record.protocol.as_deref()), (1, Some("range")));
}

#[test]
fn an_assignment_that_cannot_be_written_reaches_no_member() {
    let mut harness = completing();
    let follower = harness.sync(syncing("b", 1, &[]));
    harness.disk = Err(ResponseError::NotCoordinator);
    let leader = harness.sync(syncing("a", 1, &[("a", "0"), ("b", "1")]));
    assert_eq!(leader.take(), Some(Err(ResponseError::NotCoordinator)));
    assert_eq!(follower.take(), Some(Err(ResponseError::NotCoordinator)));
    assert_eq!(harness.group.state, State::PreparingRebalance);
}

#[test]
fn a_member_that_the_leader_left_out_has_nothing_to_read() {
    let mut harness = completing();
    harness.sync(syncing("a", 1, &[("a", "0")]));
    let follower = harness.sync(syncing("b", 1, &[]));
    assert_eq!(follower.take().unwrap().unwrap().assignment, "");
}

#[test]
fn a_sync_of_another_generation_or_member_is_rejected() {
    let mut harness = completing();
    let answer = harness.sync(syncing("a", 2, &[])).take();
    assert_eq!(answer, Some(Err(ResponseError::IllegalGeneration)));
    let answer = harness.sync(syncing("c", 1, &[])).take();
    assert_eq!(answer, Some(Err(ResponseError::UnknownMemberId)));
}

#[test]
fn a_sync_that_names_another_protocol_is_rejected() {
    let mut harness = completing();
    let named = |protocol_type: &str, protocol_name: &str| SyncRequest {
        protocol_type: Some(protocol_type.into()),
        protocol_name: Some(protocol_name.into()),
        ..syncing("b", 1, &[])
    };
    let rejected = Some(Err(ResponseError::InconsistentGroupProtocol));
    assert_eq!(harness.sync(named("consumer", "sticky")).take(), rejected);
    assert_eq!(harness.sync(named("connect", "range")).take(), rejected);
    assert_eq!(harness.sync(named("consumer", "range")).take(), None);
}

#[test]
fn a_rebalance_ends_the_wait_for_the_assignment() {
    let mut harness = completing();
    let follower = harness.sync(syncing("b", 1, &[]));
    harness.join(joining("c"));
    assert_eq!(follower.take(), Some(Err(ResponseError::RebalanceInProgress)));
    let answer = harness.sync(syncing("b", 1, &[])).take();
    assert_eq!(answer, Some(Err(ResponseError::RebalanceInProgress)));
}

#[test]
fn a_leader_that_never_assigns_is_removed() {
    let mut harness = completing();
    let follower = harness.sync(syncing("b", 1, &[]));
    harness.pass_with_heartbeats(REBALANCE_MS, &["a"]);
    assert_eq!(follower.take(), Some(Err(ResponseError::RebalanceInProgress)));
    assert_eq!(harness.group.members.keys().collect::<Vec<_>>(), ["b"]);
    let joined = accepted(&harness.join(rejoining("b")));
    assert_eq!((joined.generation, joined.leader.as_str()), (2, "b"));
}

#[test]
fn a_follower_that_never_fetches_its_assignment_is_removed() {
    let mut harness = completing();
    harness.sync(syncing("a", 1, &[]));
    assert_eq!(harness.group.state, State::Stable);
    harness.pass_with_heartbeats(REBALANCE_MS, &["a", "b"]);
    assert_eq!(harness.group.members.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(harness.group.state, State::PreparingRebalance);
}

#[test]
fn a_silent_leader_expires_while_the_others_wait() {
    let mut harness = completing();
    let follower = harness.sync(syncing("b", 1, &[]));
    harness.pass(SESSION_MS);
    assert_eq!(follower.take(), Some(Err(ResponseError::RebalanceInProgress)));
    assert_eq!(harness.group.members.keys().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_stable_group_responds_to_a_sync_at_once() {
    let mut harness = Harness::stable(&["a", "b"]);
    let answer = harness.sync(syncing("b", 1, &[])).take().unwrap().unwrap();
    assert_eq!(answer.assignment, "b");
}
