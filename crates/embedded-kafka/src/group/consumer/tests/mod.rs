//! Groups of the consumer protocol, heartbeat by heartbeat, with the time passed in.

mod classic;
mod invariants;

use std::cell::RefCell;
use std::sync::Arc;

use kafka_protocol::ResponseError;

use crate::group::tests::memory_log::{
    GROUP, MemoryLog, NoTopics, groups, offset, on_its_own, restarted,
};
use crate::group::{Commit, GroupCoordinator, Leaving};

use super::*;
use crate::rejection::Rejection;

const SESSION_MS: i64 = 45_000;
const REBALANCE_MS: i32 = 60_000;

/// The topics of a test.
#[derive(Default)]
struct Made(RefCell<BTreeMap<String, i32>>);

impl Made {
    fn of(topics: &[(&str, i32)]) -> Self {
        Self(RefCell::new(topics.iter().map(|(name, count)| ((*name).into(), *count)).collect()))
    }

    fn create(&self, name: &str, partitions: i32) {
        self.0.borrow_mut().insert(name.into(), partitions);
    }
}

impl Topics for Made {
    fn find(&self, name: &str) -> Option<(Uuid, i32)> {
        self.0.borrow().get(name).map(|partitions| (id_of(name), *partitions))
    }

    fn name(&self, id: Uuid) -> Option<String> {
        self.0.borrow().keys().find(|name| id_of(name) == id).cloned()
    }

    fn matching(&self, is_match: &dyn Fn(&str) -> bool) -> BTreeSet<String> {
        self.0.borrow().keys().filter(|name| is_match(name)).cloned().collect()
    }
}

fn id_of(name: &str) -> Uuid {
    name.bytes().fold(Uuid::nil(), |id, byte| {
        Uuid::from_u128(id.as_u128().wrapping_mul(257).wrapping_add(u128::from(byte)))
    })
}

fn parts(topic: &str, partitions: &[i32]) -> Partitions {
    [(id_of(topic), partitions.iter().copied().collect())].into()
}

/// A group over a log in memory, with a clock that only the test moves.
struct Harness {
    log: Arc<MemoryLog>,
    groups: GroupCoordinator,
    topics: Made,
    now: Timestamp,
}

impl Harness {
    fn new(topics: &[(&str, i32)]) -> Self {
        let log = Arc::new(MemoryLog::default());
        let groups = groups(&log);
        Self { log, groups, topics: Made::of(topics), now: 1_000 }
    }

    fn send(&self, beat: &ConsumerHeartbeat) -> Result<HeartbeatReply, Rejection> {
        beat.validate()?;
        self.groups.consumer_heartbeat(GROUP, beat, &self.topics, self.now)
    }

    fn join(&self, member: &str) -> HeartbeatReply {
        self.send(&joining(member)).unwrap()
    }

    fn beat(&self, member: &str, epoch: i32) -> HeartbeatReply {
        self.send(&beating(member, epoch)).unwrap()
    }

    fn error(&self, beat: &ConsumerHeartbeat) -> ResponseError {
        self.send(beat).unwrap_err().code
    }

    fn pass(&mut self, ms: i64) {
        self.now += ms;
        self.groups.tick(self.now);
    }

    fn described(&self) -> DescribedConsumerGroup {
        self.groups.describe_consumer_group(GROUP).unwrap()
    }

    fn state(&self) -> &'static str {
        self.described().state
    }

    fn restart(&mut self) {
        self.groups = restarted(&self.log, self.now);
    }
}

fn joining(member: &str) -> ConsumerHeartbeat {
    ConsumerHeartbeat {
        member_id: member.into(),
        client_id: "rdkafka".into(),
        client_host: "/127.0.0.1".into(),
        rebalance_timeout_ms: Some(REBALANCE_MS),
        topics: Some(["flights".to_owned()].into()),
        owned: Some(Partitions::new()),
        ..ConsumerHeartbeat::default()
    }
}

fn beating(member: &str, epoch: i32) -> ConsumerHeartbeat {
    ConsumerHeartbeat {
        member_id: member.into(),
        epoch,
        client_id: "rdkafka".into(),
        client_host: "/127.0.0.1".into(),
        ..ConsumerHeartbeat::default()
    }
}

fn owning(member: &str, epoch: i32, owned: Partitions) -> ConsumerHeartbeat {
    ConsumerHeartbeat { owned: Some(owned), ..beating(member, epoch) }
}

fn starting(instance: &str, member: &str) -> ConsumerHeartbeat {
    ConsumerHeartbeat { instance_id: Some(instance.into()), ..joining(member) }
}

/// Returns two members that share six partitions, in epoch 3.
fn shared() -> Harness {
    let harness = Harness::new(&[("flights", 6)]);
    harness.join("a");
    harness.join("b");
    harness.beat("a", 2);
    harness.send(&owning("a", 2, parts("flights", &[0, 1, 2]))).unwrap();
    let response = harness.beat("b", 3);
    assert_eq!(response.assignment, Some(parts("flights", &[3, 4, 5])));
    assert_eq!(harness.state(), "Stable");
    harness
}

#[test]
fn the_first_member_gets_all_at_once() {
    let harness = Harness::new(&[("flights", 6)]);
    let response = harness.join("a");
    assert_eq!(
        (response.epoch, response.assignment),
        (2, Some(parts("flights", &[0, 1, 2, 3, 4, 5])))
    );
    assert_eq!(harness.beat("a", 2).assignment, None);
    assert_eq!(harness.state(), "Stable");
}

#[test]
fn a_partition_is_revoked_before_another_member_gets_it() {
    let harness = Harness::new(&[("flights", 6)]);
    harness.join("a");
    let joined = harness.join("b");
    assert_eq!((joined.epoch, joined.assignment), (3, Some(Partitions::new())));
    let response = harness.beat("a", 2);
    assert_eq!((response.epoch, response.assignment), (2, Some(parts("flights", &[0, 1, 2]))));
    assert_eq!(harness.beat("b", 3).assignment, None);
    assert_eq!(harness.state(), "Reconciling");
    // It reports that it still owns the partitions to revoke.
    harness.send(&owning("a", 2, parts("flights", &[0, 1, 2, 3]))).unwrap();
    assert_eq!(harness.beat("b", 3).assignment, None);
    let response = harness.send(&owning("a", 2, parts("flights", &[0, 1, 2]))).unwrap();
    assert_eq!((response.epoch, response.assignment), (3, None));
    assert_eq!(harness.beat("b", 3).assignment, Some(parts("flights", &[3, 4, 5])));
    assert_eq!(harness.state(), "Stable");
}

#[test]
fn partitions_of_a_member_that_leaves_are_free_at_once() {
    let harness = shared();
    let response = harness.beat("b", LEAVES);
    assert_eq!((response.epoch, response.interval_ms), (-1, 0));
    assert_eq!(harness.state(), "Assigning");
    let response = harness.beat("a", 3);
    assert_eq!(
        (response.epoch, response.assignment),
        (4, Some(parts("flights", &[0, 1, 2, 3, 4, 5])))
    );
    assert_eq!(harness.error(&beating("b", LEAVES)), ResponseError::UnknownMemberId);
}

#[test]
fn a_member_that_missed_the_last_response_may_continue() {
    let harness = shared();
    let subset = owning("a", 2, parts("flights", &[0]));
    assert_eq!(harness.send(&subset).unwrap().epoch, 3);
    let rows = [
        beating("a", 2),
        owning("a", 2, parts("flights", &[0, 1, 2, 3])),
        owning("a", 1, Partitions::new()),
        beating("a", 4),
    ];
    for fenced in rows {
        assert_eq!(harness.error(&fenced), ResponseError::FencedMemberEpoch, "{fenced:?}");
    }
    let response = harness.join("a");
    assert_eq!((response.epoch, response.assignment), (3, Some(parts("flights", &[0, 1, 2]))));
}

#[test]
fn a_member_is_removed_when_its_session_expires() {
    let mut harness = shared();
    harness.pass(SESSION_MS - 1);
    harness.beat("a", 3);
    harness.pass(1);
    assert_eq!(harness.error(&beating("b", 3)), ResponseError::UnknownMemberId);
    assert_eq!(harness.beat("a", 3).assignment, Some(parts("flights", &[0, 1, 2, 3, 4, 5])));
}

#[test]
fn a_member_that_does_not_revoke_in_time_is_removed() {
    let mut harness = Harness::new(&[("flights", 2)]);
    harness.join("a");
    harness.join("b");
    harness.beat("a", 2);
    for _ in 0..REBALANCE_MS / 20_000 {
        harness.beat("a", 2);
        harness.beat("b", 3);
        harness.pass(20_000);
    }
    assert_eq!(harness.error(&beating("a", 2)), ResponseError::UnknownMemberId);
    assert_eq!(harness.beat("b", 3).assignment, Some(parts("flights", &[0, 1])));
}

#[test]
fn a_static_member_that_restarts_disturbs_no_other_member() {
    let mut harness = Harness::new(&[("flights", 2)]);
    harness.send(&starting("gate-1", "a")).unwrap();
    assert_eq!(harness.error(&starting("gate-1", "b")), ResponseError::UnreleasedInstanceId);
    let leaving = |member: &str, epoch| ConsumerHeartbeat {
        instance_id: Some("gate-1".into()),
        ..beating(member, epoch)
    };
    assert_eq!(harness.error(&leaving("b", 2)), ResponseError::FencedInstanceId);
    assert_eq!(harness.send(&leaving("a", LEAVES_FOR_A_WHILE)).unwrap().epoch, -2);
    harness.pass(SESSION_MS / 2);
    let response = harness.send(&starting("gate-1", "b")).unwrap();
    assert_eq!((response.epoch, response.assignment), (2, Some(parts("flights", &[0, 1]))));
    assert_eq!(harness.error(&beating("a", 2)), ResponseError::UnknownMemberId);
    // A member that is away for longer than its session is removed.
    harness.send(&leaving("b", LEAVES_FOR_A_WHILE)).unwrap();
    harness.pass(SESSION_MS);
    assert_eq!(harness.state(), "Empty");
}

#[test]
fn invalid_requests_are_rejected_as_kafka_does() {
    let harness = Harness::new(&[("flights", 2)]);
    let joins = || joining("a");
    let rows = [
        (ConsumerHeartbeat { member_id: String::new(), ..joins() }, "MemberId can't be empty."),
        (
            ConsumerHeartbeat { rebalance_timeout_ms: None, ..joins() },
            "RebalanceTimeoutMs must be provided in first request.",
        ),
        (
            ConsumerHeartbeat { owned: None, ..joins() },
            "TopicPartitions must be empty when (re-)joining.",
        ),
        (beating("a", LEAVES_FOR_A_WHILE), "InstanceId can't be null."),
        (beating("a", -3), "MemberEpoch is invalid."),
    ];
    for (beat, message) in rows {
        let rejected = harness.send(&beat).unwrap_err();
        assert_eq!((rejected.code, &*rejected.message), (ResponseError::InvalidRequest, message));
    }
    let unknown = ConsumerHeartbeat { assignor: Some("sticky".into()), ..joins() };
    let rejected = harness.send(&unknown).unwrap_err();
    assert_eq!(rejected.code, ResponseError::UnsupportedAssignor);
    assert!(rejected.message.ends_with("Supported assignors: uniform, range."));
    let broken = ConsumerHeartbeat { regex: Some("[".into()), ..joins() };
    assert_eq!(harness.error(&broken), ResponseError::InvalidRegularExpression);
    assert_eq!(harness.error(&beating("a", 1)), ResponseError::GroupIdNotFound);
}

#[test]
fn a_groups_own_settings_apply_to_its_members() {
    let mut harness = Harness::new(&[("flights", 6)]);
    let own = |all: &crate::group::Settings| crate::group::Settings {
        consumer_session_timeout_ms: 6_000,
        consumer_heartbeat_interval_ms: 100,
        consumer_assignment_interval_ms: 5_000,
        ..all.clone()
    };
    harness.groups.configure(GROUP, Some(own));
    assert_eq!(harness.join("a").interval_ms, 100);
    let first = harness.described();
    harness.join("b");
    let waiting = harness.described();
    assert_eq!((waiting.state, waiting.epoch), ("Assigning", first.epoch + 1));
    assert_eq!(waiting.assignment_epoch, first.epoch);
    harness.pass(5_000);
    let answer = harness.beat("a", first.epoch);
    assert_eq!(answer.assignment, Some(parts("flights", &[0, 1, 2])));
    // A member without a heartbeat for the group's session timeout is removed.
    harness.pass(1_000);
    assert_eq!(harness.described().members.len(), 1);
}

#[test]
fn a_full_group_takes_no_more_members() {
    let harness = Harness::new(&[("flights", 2)]);
    let settings =
        crate::group::Settings { consumer_group_max_size: 1, ..crate::group::Settings::default() };
    let groups = GroupCoordinator::new(harness.log.clone(), settings, Box::new(|_| {}));
    let send =
        |beat: &ConsumerHeartbeat| groups.consumer_heartbeat(GROUP, beat, &harness.topics, 0);
    send(&joining("a")).unwrap();
    assert_eq!(send(&joining("b")).unwrap_err().code, ResponseError::GroupMaxSizeReached);
    assert!(send(&joining("a")).is_ok());
}

#[test]
fn more_partitions_and_new_topics_are_assigned() {
    let mut harness = Harness::new(&[("flights", 1)]);
    harness.join("a");
    harness.topics.create("flights", 2);
    let response = harness.beat("a", 2);
    assert_eq!((response.epoch, response.assignment), (3, Some(parts("flights", &[0, 1]))));
    let matching = ConsumerHeartbeat { regex: Some("gates-.*".into()), ..joining("a") };
    let epoch = harness.send(&matching).unwrap().epoch;
    harness.topics.create("gates-1", 1);
    harness.topics.create("more-gates-1", 1);
    harness.pass(1_000);
    let response = harness.beat("a", epoch).assignment.unwrap();
    assert_eq!(
        response,
        [parts("flights", &[0, 1]), parts("gates-1", &[0])].into_iter().flatten().collect()
    );
}

#[test]
fn only_a_member_of_the_epoch_commits_and_fetches() {
    let harness = shared();
    let commit = |member: &str, epoch, understands| {
        let commit = Commit {
            generation: epoch,
            member_id: member.into(),
            instance_id: None,
            understands_unknown_group: understands,
        };
        let offsets = vec![offset("flights", 0, 7)];
        harness.groups.commit(GROUP, &commit, offsets, harness.now).map(|_| ())
    };
    assert_eq!(commit("a", 3, true), Ok(()));
    assert_eq!(commit("a", 3, false), Err(ResponseError::UnsupportedVersion));
    assert_eq!(commit("a", 2, true), Err(ResponseError::StaleMemberEpoch));
    assert_eq!(commit("c", 3, true), Err(ResponseError::UnknownMemberId));
    assert_eq!(commit("", -1, true), Err(ResponseError::UnknownMemberId));
    let fetch = |id: Option<&str>, epoch| {
        let fetching = FetchingMember { id: id.map(str::to_owned), epoch };
        harness.groups.check_fetch(GROUP, &fetching)
    };
    assert_eq!(fetch(Some("a"), 3), Ok(()));
    assert_eq!(fetch(Some("a"), 2), Err(ResponseError::StaleMemberEpoch));
    assert_eq!(fetch(Some("c"), 3), Err(ResponseError::UnknownMemberId));
    assert_eq!(fetch(None, -1), Ok(()));
}

#[test]
fn a_transaction_of_a_member_that_is_behind_commits_nothing() {
    let harness = shared();
    let producer = crate::log::Producer { id: 7, epoch: 0 };
    let commit = |member: &str, epoch| {
        let commit = Commit {
            generation: epoch,
            member_id: member.into(),
            instance_id: None,
            understands_unknown_group: false,
        };
        let offsets = vec![offset("flights", 0, 7)];
        harness.groups.commit_pending(GROUP, producer, &commit, offsets, harness.now).map(|_| ())
    };
    assert_eq!(commit("a", 3), Ok(()));
    assert_eq!(commit("a", 2), Err(ResponseError::IllegalGeneration));
    assert_eq!(commit("x", 3), Err(ResponseError::UnknownMemberId));
    assert_eq!(commit("", -1), Ok(()), "a client that names no member is trusted");
}

#[test]
fn a_restart_finds_the_group_as_it_was() {
    let mut harness = shared();
    harness.join("c");
    harness.beat("a", 3);
    let before = harness.described();
    assert_eq!(before.state, "Reconciling");
    harness.restart();
    assert_eq!(harness.described(), before);
    // It continues where it was, and the session of a member that does not come back expires.
    harness.send(&owning("a", 3, parts("flights", &[0, 1]))).unwrap();
    assert!(harness.beat("c", 4).assignment.is_some());
    harness.pass(SESSION_MS - 1);
    harness.beat("c", 4);
    harness.pass(1);
    assert_eq!(harness.described().members.len(), 1);
}

#[test]
fn a_failed_write_changes_nothing() {
    let harness = shared();
    let before = harness.described();
    *harness.log.failure.lock() = Some(ResponseError::CoordinatorNotAvailable);
    assert_eq!(harness.error(&joining("c")), ResponseError::CoordinatorNotAvailable);
    assert_eq!(harness.error(&beating("b", LEAVES)), ResponseError::CoordinatorNotAvailable);
    assert_eq!(harness.described(), before);
    // A heartbeat that changes nothing writes nothing.
    assert_eq!(harness.beat("a", 3).epoch, 3);
}

#[test]
fn a_deleted_group_leaves_no_record() {
    let mut harness = shared();
    let matching = ConsumerHeartbeat { regex: Some("x.*".into()), ..joining("b") };
    harness.send(&matching).unwrap();
    assert_eq!(harness.groups.delete(GROUP, harness.now), Err(ResponseError::NonEmptyGroup));
    harness.beat("a", LEAVES);
    harness.beat("b", LEAVES);
    assert_eq!(harness.groups.delete(GROUP, harness.now), Ok(()));
    assert!(harness.log.compacted().is_empty());
    harness.restart();
    assert!(harness.groups.list().is_empty());
}

#[test]
fn an_empty_group_changes_its_protocol_and_keeps_its_offsets() {
    let mut harness = Harness::new(&[("flights", 2)]);
    let offsets = vec![offset("flights", 0, 7)];
    harness.groups.commit(GROUP, &on_its_own(), offsets, harness.now).unwrap();
    harness.join("a");
    let listed = || harness.groups.list().remove(0);
    assert!(listed().is_consumer_group);
    harness.beat("a", LEAVES);
    assert_eq!((listed().is_consumer_group, listed().state), (true, "Empty"));
    let joining_classic = || crate::group::JoinRequest {
        protocol_type: "connect".into(),
        ..crate::group::tests::joining("m")
    };
    let _response = harness.groups.join(GROUP, &NoTopics, joining_classic(), harness.now);
    assert!(!listed().is_consumer_group);
    assert_eq!(harness.error(&joining("a")), ResponseError::GroupIdNotFound);
    harness.restart();
    assert!(!harness.groups.list().remove(0).is_consumer_group);
    let kept = crate::group::tests::memory_log::fetched(&harness.groups);
    assert_eq!(kept, [("flights".to_owned(), 0, 7)]);
}

#[test]
fn only_a_consumer_joins_members_of_the_consumer_protocol() {
    let harness = shared();
    let before = harness.described();
    let worker = crate::group::JoinRequest {
        protocol_type: "connect".into(),
        ..crate::group::tests::joining("m")
    };
    let rejected = harness.groups.join(GROUP, &NoTopics, worker, harness.now);
    let answer = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let rejected = answer.block_on(rejected.answer()).unwrap_err();
    assert_eq!(rejected.error, ResponseError::InconsistentGroupProtocol);
    assert_eq!(harness.described(), before);
    assert_eq!(harness.groups.describe(GROUP).state, "Dead");
}

#[test]
fn an_administrator_removes_members() {
    let harness = shared();
    let leaving = |id: &str| Leaving {
        member_id: id.into(),
        instance_id: None,
        reason: "not provided".into(),
    };
    let answers = harness.groups.leave(GROUP, &[leaving("a"), leaving("x")], harness.now);
    assert_eq!(answers, Ok(vec![Ok(()), Err(ResponseError::UnknownMemberId)]));
    assert_eq!(harness.error(&beating("a", 3)), ResponseError::UnknownMemberId);
}
