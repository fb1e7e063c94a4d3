//! Static members (KIP-345): a restart causes no rebalance.

use super::*;

/// Returns a stable group of a dynamic leader `a` and a static member `b` at gate 1.
fn with_static_member() -> Harness {
    let mut harness = Harness::with_delay(1);
    let responses = [harness.join(joining("a")), harness.join(starting("gate-1", "b"))];
    harness.pass(1);
    harness.pass(1);
    responses.iter().for_each(|delayed| drop(accepted(delayed)));
    harness.sync_all(&["a", "b"]);
    harness
}

#[test]
fn a_static_member_rejoins_without_a_rebalance() {
    let mut harness = with_static_member();
    let joined = accepted(&harness.join(starting("gate-1", "b2")));
    assert_eq!((joined.generation, joined.member_id.as_str()), (1, "b2"));
    assert_eq!((joined.leader.as_str(), joined.skip_assignment), ("a", false));
    assert_eq!(harness.group.state, State::Stable);
    let ids = harness.stored.last().unwrap().members.iter().map(|member| &member.member_id);
    assert_eq!(ids.collect::<Vec<_>>(), ["a", "b2"]);
    let request = SyncRequest { instance_id: Some("gate-1".into()), ..syncing("b2", 1, &[]) };
    assert_eq!(harness.sync(request).take().unwrap().unwrap().assignment, "b");
}

#[test]
fn a_static_member_needs_no_id_in_advance() {
    let mut harness = Harness::new();
    let request = JoinRequest { requires_member_id: true, ..starting("gate-1", "a") };
    assert_eq!(accepted(&harness.join(request)).member_id, "a");
}

#[test]
fn a_static_leader_that_is_back_skips_the_assignment() {
    let mut harness = Harness::new();
    accepted(&harness.join(starting("gate-1", "a")));
    harness.sync_all(&["a"]);
    let joined = accepted(&harness.join(starting("gate-1", "a2")));
    assert!(joined.skip_assignment);
    assert_eq!((joined.leader.as_str(), joined.members.len()), ("a2", 1));
}

#[test]
fn the_response_to_an_older_static_leader_names_its_former_self_as_leader() {
    let mut harness = Harness::new();
    accepted(&harness.join(starting("gate-1", "a")));
    harness.sync_all(&["a"]);
    let request = JoinRequest { understands_skip_assignment: false, ..starting("gate-1", "a2") };
    let joined = accepted(&harness.join(request));
    assert!(!joined.skip_assignment);
    assert_eq!((joined.leader.as_str(), joined.members.len()), ("a", 0));
    assert!(harness.group.is_leader("a2"));
}

#[test]
fn the_old_process_of_a_static_member_is_fenced() {
    let mut harness = with_static_member();
    accepted(&harness.join(starting("gate-1", "b2")));
    let fenced = Err(ResponseError::FencedInstanceId);
    let beat = harness.step(|group, step| group.heartbeat("b", Some("gate-1"), 1, step));
    assert_eq!(beat, fenced);
    let request = SyncRequest { instance_id: Some("gate-1".into()), ..syncing("b", 1, &[]) };
    assert_eq!(harness.sync(request).take(), Some(Err(ResponseError::FencedInstanceId)));
    let request = JoinRequest { instance_id: Some("gate-1".into()), ..rejoining("b") };
    assert_eq!(harness.join(request).take(), rejection(ResponseError::FencedInstanceId, "b"));
    assert_eq!(harness.heartbeat("b"), Err(ResponseError::UnknownMemberId));
}

#[test]
fn the_old_process_is_fenced_while_it_waits() {
    let mut harness = with_static_member();
    harness.join(rejoining("a"));
    let request = JoinRequest { instance_id: Some("gate-1".into()), ..rejoining("b") };
    harness.group.members.get_mut("a").unwrap().joining = None;
    let old = harness.join(request);
    let new = harness.join(starting("gate-1", "b2"));
    assert_eq!(old.take(), rejection(ResponseError::FencedInstanceId, "b"));
    assert_eq!(new.take(), None);
    accepted(&harness.join(rejoining("a")));
    assert_eq!(accepted(&new).member_id, "b2");
}

#[test]
fn a_static_member_that_changes_the_protocol_forces_a_rebalance() {
    let mut harness = Harness::with_delay(1);
    let both = |request| JoinRequest { protocols: protocols(&["range", "sticky"]), ..request };
    accepted_after_delay(&mut harness, both(starting("gate-1", "a")));
    harness.sync_all(&["a"]);
    let request = JoinRequest { protocols: protocols(&["sticky"]), ..starting("gate-1", "a2") };
    let joined = accepted(&harness.join(request));
    assert_eq!((joined.generation, joined.protocol_name.as_deref()), (2, Some("sticky")));
}

fn accepted_after_delay(harness: &mut Harness, request: JoinRequest) -> Joined {
    let delayed = harness.join(request);
    harness.pass(1);
    accepted(&delayed)
}

#[test]
fn a_static_member_that_is_back_during_the_assignment_forces_a_rebalance() {
    let mut harness = Harness::with_delay(1);
    let responses = [harness.join(joining("a")), harness.join(starting("gate-1", "b"))];
    harness.pass(1);
    harness.pass(1);
    responses.iter().for_each(|delayed| drop(accepted(delayed)));
    let waiting = harness.sync(syncing("b", 1, &[]));
    let delayed = harness.join(starting("gate-1", "b2"));
    assert_eq!(waiting.take(), Some(Err(ResponseError::FencedInstanceId)));
    assert_eq!(delayed.take(), None);
    assert_eq!(harness.group.state, State::PreparingRebalance);
}

#[test]
fn a_static_member_stays_through_a_rebalance_that_it_does_not_join() {
    let mut harness = with_static_member();
    let absent = harness.group.members.get_mut("b").unwrap();
    absent.session_timeout_ms = 600_000;
    absent.expires_at = Some(600_000);
    let delayed = harness.join(rejoining("a"));
    harness.pass(REBALANCE_MS);
    assert_eq!(accepted(&delayed).members.len(), 2);
    let assigned = harness.sync(syncing("a", 2, &[("a", "0"), ("b", "1")]));
    assert!(assigned.take().unwrap().is_ok());
    harness.pass_with_heartbeats(REBALANCE_MS - 1_000, &["a"]);
    assert!(harness.group.members.contains_key("b"));
    harness.pass_with_heartbeats(1_000, &["a"]);
    assert!(!harness.group.members.contains_key("b"), "it has not fetched its assignment");
}

#[test]
fn a_rebalance_waits_again_if_only_absent_static_members_are_left() {
    let mut harness = with_static_member();
    for member in harness.group.members.values_mut() {
        member.session_timeout_ms = 600_000;
        member.expires_at = Some(600_000);
    }
    drop(harness.join(joining("c")));
    harness.group.members.get_mut("c").unwrap().joining = None;
    harness.pass(REBALANCE_MS);
    assert_eq!(harness.group.state, State::PreparingRebalance);
    assert_eq!(harness.group.members.keys().collect::<Vec<_>>(), ["b"]);
    let joined = accepted(&harness.join(starting("gate-1", "b2")));
    assert_eq!((joined.generation, joined.leader.as_str()), (2, "b2"));
}

#[test]
fn a_static_member_that_cannot_be_written_keeps_its_id() {
    let mut harness = with_static_member();
    harness.disk = Err(ResponseError::NotCoordinator);
    let delayed = harness.join(starting("gate-1", "b2"));
    assert_eq!(delayed.take(), rejection(ResponseError::NotCoordinator, ""));
    assert_eq!(harness.group.members.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(harness.heartbeat("b"), Ok(()));
}
