//! JoinGroup and the phase of joining.

use super::*;

#[test]
fn a_dynamic_member_gets_an_id_first() {
    let mut harness = Harness::new();
    let request = JoinRequest { requires_member_id: true, ..joining("a") };
    let delayed = harness.join(request);
    assert_eq!(delayed.take(), rejection(ResponseError::MemberIdRequired, "a"));
    assert_eq!(harness.group.state, State::Empty);
    let joined = accepted(&harness.join(rejoining("a")));
    assert_eq!((joined.generation, joined.leader.as_str()), (1, "a"));
}

#[test]
fn an_id_that_was_never_allocated_is_unknown() {
    let mut harness = Harness::stable(&["a"]);
    let delayed = harness.join(rejoining("b"));
    assert_eq!(delayed.take(), rejection(ResponseError::UnknownMemberId, "b"));
}

#[test]
fn an_id_that_is_not_used_expires_with_the_session() {
    let mut harness = Harness::new();
    harness.join(JoinRequest { requires_member_id: true, ..joining("a") });
    harness.pass(SESSION_MS - 1);
    assert!(harness.group.pending_joins.contains_key("a"));
    harness.pass(1);
    assert!(harness.group.pending_joins.is_empty());
    let delayed = harness.join(rejoining("a"));
    assert_eq!(delayed.take(), rejection(ResponseError::UnknownMemberId, "a"));
}

#[test]
fn the_leader_alone_learns_of_all_members() {
    let mut harness = Harness::with_delay(100);
    let responses = ["a", "b"].map(|id| harness.join(joining(id)));
    assert_eq!(responses[0].take(), None);
    harness.pass(100);
    harness.pass(100);
    let [leader, follower] = responses.map(|delayed| accepted(&delayed));
    let ids = leader.members.iter().map(|member| member.member_id.as_str()).collect::<Vec<_>>();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(leader.members[0].metadata, subscription(&["airports"]));
    assert_eq!(follower.members, []);
    assert_eq!((leader.generation, follower.generation), (1, 1));
    assert_eq!((leader.leader.as_str(), follower.leader.as_str()), ("a", "a"));
    assert_eq!(follower.protocol_type.as_deref(), Some("consumer"));
    assert_eq!(follower.protocol_name.as_deref(), Some("range"));
}

#[test]
fn the_first_rebalance_waits_as_long_as_members_keep_coming() {
    let mut harness = Harness::with_delay(100);
    let first = harness.join(joining("a"));
    harness.pass(60);
    let second = harness.join(joining("b"));
    harness.pass(40);
    assert_eq!(first.take(), None, "b came during the round, so there is another one");
    harness.pass(99);
    assert_eq!(first.take(), None);
    harness.pass(1);
    assert_eq!(accepted(&first).members.len(), 2);
    assert_eq!(accepted(&second).generation, 1);
}

#[test]
fn the_first_rebalance_waits_no_longer_than_the_rebalance_timeout() {
    let mut harness = Harness::with_delay(100);
    let patience = |id| JoinRequest { rebalance_timeout_ms: 250, ..joining(id) };
    let first = harness.join(patience("a"));
    for id in ["b", "c"] {
        harness.join(patience(id));
        harness.pass(100);
        assert_eq!(first.take(), None);
    }
    harness.join(patience("d"));
    harness.pass(50);
    assert_eq!(accepted(&first).members.len(), 4);
}

#[test]
fn a_protocol_that_not_all_support_is_rejected() {
    let mut harness = Harness::stable(&["a"]);
    let other = JoinRequest { protocols: protocols(&["roundrobin"]), ..joining("b") };
    let rejected = rejection(ResponseError::InconsistentGroupProtocol, "");
    assert_eq!(harness.join(other).take(), rejected);
    let connect = JoinRequest { protocol_type: "connect".into(), ..joining("b") };
    assert_eq!(harness.join(connect).take(), rejected);
}

#[test]
fn an_empty_group_needs_a_type_and_a_protocol() {
    let rejected = rejection(ResponseError::InconsistentGroupProtocol, "");
    let mut harness = Harness::new();
    let none = JoinRequest { protocols: Vec::new(), ..joining("a") };
    assert_eq!(harness.join(none).take(), rejected);
    let untyped = JoinRequest { protocol_type: String::new(), ..joining("a") };
    assert_eq!(harness.join(untyped).take(), rejected);
}

#[test]
fn the_protocol_with_the_most_votes_among_the_common_ones_wins() {
    let mut harness = Harness::with_delay(1);
    let votes: [(&str, &[&str]); 3] = [
        ("a", &["only-a", "range", "sticky"]),
        ("b", &["sticky", "range"]),
        ("c", &["sticky", "range"]),
    ];
    let responses = votes.map(|(id, names)| {
        harness.join(JoinRequest { protocols: protocols(names), ..joining(id) })
    });
    harness.pass(1);
    harness.pass(1);
    let joined = responses.map(|delayed| accepted(&delayed));
    assert_eq!(joined[0].protocol_name.as_deref(), Some("sticky"));
}

#[test]
fn a_new_member_makes_all_others_join_again() {
    let mut harness = Harness::stable(&["a"]);
    let new = harness.join(joining("b"));
    assert_eq!(harness.group.state, State::PreparingRebalance);
    assert_eq!(harness.heartbeat("a"), Err(ResponseError::RebalanceInProgress));
    let old = harness.join(rejoining("a"));
    assert_eq!(accepted(&old).generation, 2);
    assert_eq!(accepted(&new).leader, "a");
    assert_eq!(harness.group.state, State::CompletingRebalance);
}

#[test]
fn a_member_that_does_not_join_again_is_removed_at_the_rebalance_timeout() {
    let mut harness = Harness::stable(&["a", "b"]);
    let delayed = harness.join(rejoining("a"));
    harness.pass_with_heartbeats(REBALANCE_MS - 1_000, &["b"]);
    assert_eq!(delayed.take(), None);
    harness.pass_with_heartbeats(1_000, &["b"]);
    assert_eq!(accepted(&delayed).members.len(), 1);
    assert_eq!(harness.heartbeat("b"), Err(ResponseError::UnknownMemberId));
    let expired = GroupEvent::MemberExpired { group: "east-coast-dpt".into(), member: "b".into() };
    assert!(harness.events.contains(&expired));
}

#[test]
fn another_member_leads_if_the_leader_does_not_join_again() {
    let mut harness = Harness::stable(&["a", "b"]);
    let changed = JoinRequest { protocols: protocols(&["range", "sticky"]), ..rejoining("b") };
    let delayed = harness.join(changed);
    harness.pass_with_heartbeats(REBALANCE_MS, &["a"]);
    let joined = accepted(&delayed);
    assert_eq!((joined.leader.as_str(), joined.members.len()), ("b", 1));
}

#[test]
fn a_group_that_no_member_joins_again_is_persisted_as_empty() {
    let mut harness = Harness::stable(&["a", "b"]);
    harness.pass(SESSION_MS);
    assert_eq!(harness.group.state, State::Empty);
    assert_eq!(harness.group.generation, 2);
    let last = harness.stored.last().unwrap();
    assert_eq!((last.generation, last.members.len()), (2, 0));
    assert_eq!((last.protocol.as_deref(), last.leader.as_deref()), (None, None));
    assert_eq!(last.protocol_type, "consumer");
}

#[test]
fn a_follower_with_nothing_new_gets_the_current_generation() {
    let mut harness = Harness::stable(&["a", "b"]);
    let joined = accepted(&harness.join(rejoining("b")));
    assert_eq!((joined.generation, joined.leader.as_str()), (1, "a"));
    assert_eq!(joined.members, []);
    assert_eq!(harness.group.state, State::Stable);
}

#[test]
fn a_leader_that_joins_again_forces_a_rebalance() {
    let mut harness = Harness::stable(&["a", "b"]);
    let delayed = harness.join(rejoining("a"));
    assert_eq!(delayed.take(), None);
    assert_eq!(harness.group.state, State::PreparingRebalance);
}

#[test]
fn a_follower_with_new_metadata_forces_a_rebalance() {
    let mut harness = Harness::stable(&["a", "b"]);
    let mut request = rejoining("b");
    request.protocols[0].metadata = subscription(&["airports", "flights"]);
    let delayed = harness.join(request);
    assert_eq!(delayed.take(), None);
    assert_eq!(harness.group.state, State::PreparingRebalance);
}

#[test]
fn a_member_that_missed_the_response_gets_it_again() {
    let mut harness = Harness::new();
    accepted(&harness.join(joining("a")));
    assert_eq!(harness.group.state, State::CompletingRebalance);
    let again = accepted(&harness.join(rejoining("a")));
    assert_eq!((again.generation, again.members.len()), (1, 1));
}

#[test]
fn a_pending_member_holds_up_a_rebalance_until_it_joins_or_expires() {
    let mut harness = Harness::stable(&["a"]);
    harness.join(JoinRequest { requires_member_id: true, ..joining("b") });
    let delayed = harness.join(rejoining("a"));
    assert_eq!(delayed.take(), None);
    harness.pass(SESSION_MS);
    assert_eq!(accepted(&delayed).generation, 2);
}

#[test]
fn a_second_request_of_a_member_takes_the_place_of_the_first() {
    let mut harness = Harness::stable(&["a", "b"]);
    let first = harness.join(rejoining("a"));
    let second = harness.join(rejoining("a"));
    assert_eq!(first.take(), rejection(ResponseError::RebalanceInProgress, "a"));
    accepted(&harness.join(rejoining("b")));
    assert_eq!(accepted(&second).generation, 2);
}

#[test]
fn a_client_that_vanished_while_joining_expires_after_the_rebalance() {
    let mut harness = Harness::stable(&["a"]);
    drop(harness.join(joining("b")));
    accepted(&harness.join(rejoining("a")));
    harness.pass_with_heartbeats(SESSION_MS, &["a"]);
    assert_eq!(harness.group.members.keys().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn a_new_member_that_waits_too_long_is_dropped() {
    let mut harness = Harness::stable(&["a"]);
    let patient = JoinRequest { rebalance_timeout_ms: 1_000_000, ..joining("b") };
    let delayed = harness.join(patient);
    harness.pass_with_heartbeats(harness.settings.new_member_join_timeout_ms, &["a"]);
    assert_eq!(delayed.take(), rejection(ResponseError::UnknownMemberId, ""));
    assert!(harness.group.members.contains_key("a"));
}

#[test]
fn no_client_joins_a_deleted_group() {
    let mut harness = Harness::new();
    harness.group.mark_deleted(harness.now);
    let delayed = harness.join(joining("a"));
    assert_eq!(delayed.take(), rejection(ResponseError::CoordinatorNotAvailable, ""));
}
