//! Heartbeats, sessions and leaving.

use super::*;
use crate::group::messages::Leaving;

fn leaving(member_id: &str, instance_id: Option<&str>) -> Leaving {
    Leaving {
        member_id: member_id.into(),
        instance_id: instance_id.map(Into::into),
        reason: "landed".into(),
    }
}

impl Harness {
    fn leave(&mut self, members: &[Leaving]) -> Vec<Result<(), ResponseError>> {
        self.step(|group, step| group.leave(members, step)).unwrap()
    }
}

#[test]
fn a_heartbeat_renews_the_session() {
    let mut harness = Harness::stable(&["a"]);
    for _ in 0..3 {
        harness.pass(SESSION_MS - 1);
        assert_eq!(harness.heartbeat("a"), Ok(()));
    }
    harness.pass(SESSION_MS);
    assert_eq!(harness.heartbeat("a"), Err(ResponseError::UnknownMemberId));
}

#[test]
fn a_heartbeat_of_another_generation_or_member_is_rejected() {
    let mut harness = Harness::stable(&["a"]);
    let old = harness.step(|group, step| group.heartbeat("a", None, 0, step));
    assert_eq!(old, Err(ResponseError::IllegalGeneration));
    assert_eq!(harness.heartbeat("b"), Err(ResponseError::UnknownMemberId));
    let unknown = harness.step(|group, step| group.heartbeat("a", Some("gate-1"), 1, step));
    assert_eq!(unknown, Err(ResponseError::UnknownMemberId));
}

#[test]
fn a_heartbeat_is_fine_while_the_assignment_is_awaited() {
    let mut harness = Harness::new();
    accepted(&harness.join(joining("a")));
    assert_eq!(harness.heartbeat("a"), Ok(()));
}

#[test]
fn an_expired_member_makes_the_others_join_again() {
    let mut harness = Harness::stable(&["a", "b"]);
    harness.pass_with_heartbeats(SESSION_MS, &["b"]);
    assert_eq!(harness.heartbeat("b"), Err(ResponseError::RebalanceInProgress));
    let joined = accepted(&harness.join(rejoining("b")));
    assert_eq!((joined.generation, joined.leader.as_str()), (2, "b"));
}

#[test]
fn a_member_that_waits_needs_no_heartbeat() {
    let mut harness = Harness::stable(&["a", "b"]);
    let delayed = harness.join(rejoining("a"));
    harness.pass_with_heartbeats(2 * SESSION_MS, &["b"]);
    assert!(harness.group.members.contains_key("a"));
    assert_eq!(delayed.take(), None);
}

#[test]
fn a_member_that_leaves_makes_the_others_join_again() {
    let mut harness = Harness::stable(&["a", "b"]);
    assert_eq!(harness.leave(&[leaving("b", None)]), [Ok(())]);
    assert_eq!(harness.heartbeat("a"), Err(ResponseError::RebalanceInProgress));
    let left = GroupEvent::MemberLeft { group: "east-coast-dpt".into(), member: "b".into() };
    assert!(harness.events.contains(&left));
}

#[test]
fn a_group_that_all_have_left_is_empty() {
    let mut harness = Harness::stable(&["a", "b"]);
    assert_eq!(harness.leave(&[leaving("a", None), leaving("b", None)]), [Ok(()), Ok(())]);
    assert_eq!((harness.group.state, harness.group.generation), (State::Empty, 2));
    assert_eq!(harness.stored.last().unwrap().members, []);
}

#[test]
fn each_member_that_leaves_has_a_result_of_its_own() {
    let mut harness = Harness::with_delay(1);
    let responses = [harness.join(starting("gate-1", "a")), harness.join(joining("b"))];
    harness.pass(1);
    harness.pass(1);
    responses.iter().for_each(|delayed| drop(accepted(delayed)));
    let answers = harness.leave(&[
        leaving("b", None),
        leaving("unknown", None),
        leaving("b2", Some("gate-1")),
        leaving("", Some("gate-2")),
        leaving("", None),
        leaving("", Some("gate-1")),
    ]);
    assert_eq!(
        answers,
        [
            Ok(()),
            Err(ResponseError::UnknownMemberId),
            Err(ResponseError::FencedInstanceId),
            Err(ResponseError::UnknownMemberId),
            Err(ResponseError::UnknownMemberId),
            Ok(()),
        ]
    );
    assert_eq!(harness.group.state, State::Empty);
}

#[test]
fn an_unused_id_can_be_returned() {
    let mut harness = Harness::new();
    harness.join(JoinRequest { requires_member_id: true, ..joining("a") });
    assert_eq!(harness.leave(&[leaving("a", None)]), [Ok(())]);
    assert!(harness.group.pending_joins.is_empty());
}

#[test]
fn a_member_that_leaves_while_others_wait_for_it_lets_them_continue() {
    let mut harness = Harness::stable(&["a", "b"]);
    let delayed = harness.join(rejoining("a"));
    assert_eq!(delayed.take(), None);
    harness.leave(&[leaving("b", None)]);
    assert_eq!(accepted(&delayed).members.len(), 1);
}

#[test]
fn a_member_that_leaves_gets_a_response_to_its_waiting_request() {
    let mut harness = Harness::stable(&["a", "b"]);
    let delayed = harness.join(rejoining("a"));
    harness.leave(&[leaving("a", None)]);
    assert_eq!(delayed.take(), rejection(ResponseError::UnknownMemberId, ""));
}

#[test]
fn the_next_timer_is_known_in_advance() {
    let mut harness = Harness::stable(&["a"]);
    let retention = harness.settings.empty_group_retention_ms;
    let due = harness.group.due(retention).unwrap();
    assert_eq!(due, harness.now + i64::from(SESSION_MS));
    harness.pass(SESSION_MS);
    assert_eq!(harness.group.due(retention), Some(harness.now + i64::from(retention)));
}
