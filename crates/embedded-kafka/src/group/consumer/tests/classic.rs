//! Classic members next to members of the consumer protocol: a group's upgrade and downgrade.

use super::*;
use crate::group::messages::{JoinReply, SyncReply};
use crate::group::subscription::{decode_assignment, encode_assignment};
use crate::group::{JoinRequest, Protocol, SyncRequest};

/// Returns a subscription to the topic, with the member's owned partitions of it (version 1).
fn subscription(owned: &[i32]) -> bytes::Bytes {
    let owned = BTreeMap::from([("flights".to_owned(), owned.iter().copied().collect())]);
    let owned = encode_assignment(0, &owned);
    let topics = crate::group::subscription::testing::subscription(&["flights"]);
    // Its list of owned partitions is empty; that of the assignment has a version and data around
    // it.
    [&topics[..topics.len() - 4], &owned[2..owned.len() - 4]].concat().into()
}

fn request(member: &str, owned: &[i32]) -> JoinRequest {
    let protocol = Protocol { name: "cooperative-sticky".into(), metadata: subscription(owned) };
    let joining = crate::group::tests::joining(member);
    JoinRequest { member_id: member.into(), protocols: vec![protocol], ..joining }
}

impl Harness {
    fn answer<T>(&self, waiting: crate::group::group_coordinator::DelayedResponse<T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(waiting.answer())
    }

    fn join_classic(&self, member: &str, owned: &[i32]) -> JoinReply {
        let request = request(member, owned);
        self.answer(self.groups.join(GROUP, &self.topics, request, self.now))
    }

    fn sync(&self, member: &str, generation: i32, assigned: &[i32]) -> SyncReply {
        let assigned = BTreeMap::from([("flights".to_owned(), assigned.iter().copied().collect())]);
        let request = SyncRequest {
            member_id: member.into(),
            instance_id: None,
            generation,
            protocol_type: None,
            protocol_name: None,
            assignments: [(member.to_owned(), encode_assignment(1, &assigned))].into(),
        };
        self.answer(self.groups.sync(GROUP, &self.topics, &request, self.now))
    }

    fn classic_beat(&self, generation: i32) -> Result<(), ResponseError> {
        self.groups.heartbeat(GROUP, "m", None, generation, self.now)
    }

    fn synced(&self, generation: i32) -> Vec<i32> {
        let synced = self.sync("m", generation, &[]).unwrap();
        let assigned = decode_assignment(&synced.assignment).unwrap();
        assigned.into_values().flatten().collect()
    }
}

/// Returns a group of the classic member `m` with all four partitions, and then `a` of the consumer
/// protocol.
fn upgraded() -> Harness {
    let mut harness = Harness::new(&[("flights", 4)]);
    let first = request("", &[]);
    let first = JoinRequest { new_member_id: "m".into(), ..first };
    let waiting = harness.groups.join(GROUP, &harness.topics, first, harness.now);
    harness.pass(100);
    assert_eq!(harness.answer(waiting).unwrap().generation, 1);
    harness.sync("m", 1, &[0, 1, 2, 3]).unwrap();
    let answer = harness.join("a");
    assert_eq!((answer.epoch, answer.assignment), (2, Some(Partitions::new())));
    harness
}

/// Returns the same group after both have two partitions.
fn balanced() -> Harness {
    let harness = upgraded();
    harness.join_classic("m", &[0, 1, 2, 3]).unwrap();
    harness.join_classic("m", &[0, 1]).unwrap();
    assert_eq!(harness.synced(2), [0, 1]);
    assert_eq!(harness.beat("a", 2).assignment, Some(parts("flights", &[2, 3])));
    assert_eq!(harness.state(), "Stable");
    harness
}

#[test]
fn a_classic_member_is_led_to_its_target_by_joining_again() {
    let harness = upgraded();
    assert!(harness.groups.list()[0].is_consumer_group);
    let classic =
        |it: &DescribedConsumerGroup| it.members[1].is_classic && !it.members[0].is_classic;
    assert!(classic(&harness.described()));
    assert_eq!(harness.classic_beat(1), Err(ResponseError::RebalanceInProgress));
    assert_eq!(harness.sync("m", 1, &[]).unwrap_err(), ResponseError::RebalanceInProgress);
    assert_eq!(harness.join_classic("m", &[0, 1, 2, 3]).unwrap().generation, 1);
    assert_eq!(harness.synced(1), [0, 1]);
    assert_eq!(harness.classic_beat(1), Err(ResponseError::RebalanceInProgress));
    assert_eq!(harness.beat("a", 2).assignment, None);
    // It has revoked the others.
    let joined = harness.join_classic("m", &[0, 1]).unwrap();
    assert_eq!((joined.generation, joined.leader.as_str()), (2, ""));
    assert_eq!(harness.synced(2), [0, 1]);
    assert_eq!(harness.classic_beat(2), Ok(()));
    assert_eq!(harness.beat("a", 2).assignment, Some(parts("flights", &[2, 3])));
    assert_eq!(harness.classic_beat(1), Err(ResponseError::IllegalGeneration));
    assert_eq!(harness.sync("m", 9, &[]).unwrap_err(), ResponseError::IllegalGeneration);
}

#[test]
fn a_group_is_downgraded_without_members_of_the_consumer_protocol() {
    let mut harness = balanced();
    harness.beat("a", LEAVES);
    let listed = |harness: &Harness| {
        let listed = harness.groups.list().remove(0);
        (listed.is_consumer_group, listed.state)
    };
    assert_eq!(listed(&harness), (false, "PreparingRebalance"));
    assert_eq!(harness.classic_beat(2), Err(ResponseError::RebalanceInProgress));
    let joined = harness.join_classic("m", &[0, 1]).unwrap();
    assert_eq!((joined.generation, joined.leader.as_str()), (3, "m"));
    harness.sync("m", 3, &[0, 1, 2, 3]).unwrap();
    harness.restart();
    assert_eq!(listed(&harness), (false, "Stable"));
    assert_eq!(harness.classic_beat(3), Ok(()));
}

#[test]
fn a_restart_finds_both_kinds_of_members() {
    let mut harness = balanced();
    let before = harness.described();
    harness.restart();
    assert_eq!(harness.described(), before);
    assert_eq!(harness.classic_beat(2), Ok(()));
}

#[test]
fn the_group_is_downgraded_when_the_last_consumer_expires() {
    let mut harness = balanced();
    for _ in 0..9 {
        harness.pass(5_000);
        let _ = harness.classic_beat(2);
    }
    assert!(!harness.groups.list()[0].is_consumer_group);
}

#[test]
fn a_classic_member_keeps_its_own_session_timeout() {
    let mut harness = balanced();
    harness.pass(10_000);
    assert_eq!(harness.described().members.len(), 1);
    assert_eq!(harness.beat("a", 2).epoch, 3);
}

#[test]
fn a_member_that_must_join_again_does_so_in_time() {
    let mut harness = upgraded();
    for _ in 0..13 {
        harness.pass(5_000);
        let _ = harness.classic_beat(1);
        let _ = harness.send(&beating("a", 2));
    }
    // It sent heartbeats, and nothing else for its rebalance timeout.
    assert_eq!(harness.described().members.len(), 1);
}
