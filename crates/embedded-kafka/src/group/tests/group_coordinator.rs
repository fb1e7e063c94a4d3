//! All groups together: the log, restarts, the timer, and requests that really wait.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::memory_log::*;
use super::*;
use crate::group::group_coordinator::GroupCoordinator;
use crate::group::load_groups::LogEntry;
use crate::group::messages::Leaving;
use crate::metadata::names::partition_of;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn join(groups: &GroupCoordinator, request: JoinRequest, now: Timestamp) -> JoinReply {
    runtime().block_on(groups.join(GROUP, &NoTopics, request, now).answer())
}

/// Returns groups with one member `a` in a stable group.
fn with_member(log: &Arc<MemoryLog>) -> GroupCoordinator {
    let groups = groups(log);
    join(&groups, joining("a"), 0).unwrap();
    let synced = groups.sync(GROUP, &NoTopics, &syncing("a", 1, &[("a", "0,1")]), 0);
    runtime().block_on(synced.answer()).unwrap();
    groups
}

#[test]
fn a_group_belongs_to_the_partition_that_kafka_says() {
    // Printed by Apache Kafka's Utils.abs(group.hashCode()) % 50; the last hash is Java's
    // smallest number.
    let expected = [
        ("east-coast-dpt", 13),
        ("", 0),
        ("g", 3),
        ("größe", 7),
        ("🛫 group", 21),
        ("polygenelubricants", 0),
    ];
    for (group, partition) in expected {
        assert_eq!(partition_of(group, 50), partition, "{group}");
    }
}

#[test]
fn a_new_group_is_written_at_once() {
    let log = Arc::default();
    let groups = groups(&log);
    let request = JoinRequest { requires_member_id: true, ..joining("a") };
    assert_eq!(Some(join(&groups, request, 5)), rejection(ResponseError::MemberIdRequired, "a"));
    let value = GroupMetadataValue::decode(log.records()[0].1.as_ref().unwrap()).unwrap();
    assert_eq!((value.generation, value.protocol_type.as_str()), (0, ""));
    assert_eq!(value.current_state_timestamp, 5);
    assert_eq!(restarted(&log, 10).list()[0].state, "Empty");
}

#[test]
fn requests_that_no_group_could_accept_are_rejected() {
    let groups = groups(&Arc::default());
    let hasty = JoinRequest { session_timeout_ms: 5_999, ..joining("a") };
    assert_eq!(Some(join(&groups, hasty, 0)), rejection(ResponseError::InvalidSessionTimeout, ""));
    let lazy = JoinRequest { session_timeout_ms: 1_800_001, ..joining("a") };
    assert_eq!(Some(join(&groups, lazy, 0)), rejection(ResponseError::InvalidSessionTimeout, ""));
    let unknown = rejection(ResponseError::UnknownMemberId, "a");
    assert_eq!(Some(join(&groups, rejoining("a"), 0)), unknown);
    let nameless = runtime().block_on(groups.join("", &NoTopics, joining("a"), 0).answer());
    assert_eq!(Some(nameless), rejection(ResponseError::InvalidGroupId, ""));
    assert_eq!(groups.list(), []);
}

#[test]
fn a_group_that_does_not_exist_has_no_members() {
    let groups = groups(&Arc::default());
    let unknown = ResponseError::UnknownMemberId;
    assert_eq!(groups.heartbeat(GROUP, "a", None, 1, 0), Err(unknown));
    let synced =
        runtime().block_on(groups.sync(GROUP, &NoTopics, &syncing("a", 1, &[]), 0).answer());
    assert_eq!(synced, Err(unknown));
    let member =
        Leaving { member_id: "a".into(), instance_id: None, reason: "not provided".into() };
    assert_eq!(groups.leave(GROUP, &[member], 0), Ok(vec![Err(unknown)]));
    assert_eq!(groups.delete(GROUP, 0), Err(ResponseError::GroupIdNotFound));
    assert_eq!(groups.describe(GROUP).state, "Dead");
    assert_eq!(groups.fetch_offsets(GROUP, None, false), []);
    let asked = [("airports".to_owned(), vec![0])];
    let nothing = [("airports".to_owned(), vec![(0, Ok(None))])];
    assert_eq!(groups.fetch_offsets(GROUP, Some(&asked), false), nothing);
}

#[test]
fn a_request_that_waits_is_woken_by_another() {
    let log = Arc::default();
    let groups = with_member(&log);
    let new = groups.join(GROUP, &NoTopics, joining("b"), 0);
    let old = groups.join(GROUP, &NoTopics, rejoining("a"), 0);
    let (new, old) = runtime().block_on(async { tokio::join!(new.answer(), old.answer()) });
    assert_eq!((new.unwrap().generation, old.unwrap().generation), (2, 2));
}

#[test]
fn a_request_that_waits_is_woken_by_the_timer() {
    let log = Arc::default();
    let groups = with_member(&log);
    let new = groups.join(GROUP, &NoTopics, joining("b"), 0);
    let joined = runtime().block_on(async {
        tokio::join!(new.answer(), async {
            tokio::task::yield_now().await;
            groups.tick(i64::from(SESSION_MS));
        })
    });
    assert_eq!(joined.0.unwrap().members.len(), 1);
}

#[test]
fn a_stable_group_continues_after_a_restart() {
    let log = Arc::default();
    let before = with_member(&log).describe(GROUP);
    let groups = restarted(&log, 100_000);
    assert_eq!(groups.describe(GROUP), before);
    assert_eq!(groups.heartbeat(GROUP, "a", None, 1, 100_001), Ok(()));
    let synced =
        runtime().block_on(groups.sync(GROUP, &NoTopics, &syncing("a", 1, &[]), 100_001).answer());
    assert_eq!(synced.unwrap().assignment, "0,1");
    groups.tick(100_001 + i64::from(SESSION_MS));
    assert_eq!(groups.describe(GROUP).state, "Empty");
}

#[test]
fn a_member_can_join_again_after_a_restart() {
    let log = Arc::default();
    drop(with_member(&log));
    let groups = restarted(&log, 100_000);
    assert_eq!(join(&groups, rejoining("a"), 100_000).unwrap().generation, 2);
}

#[test]
fn a_static_member_is_known_after_a_restart() {
    let log = Arc::default();
    let groups = groups(&log);
    join(&groups, starting("gate-1", "a"), 0).unwrap();
    let synced = groups.sync(GROUP, &NoTopics, &syncing("a", 1, &[("a", "0,1")]), 0);
    runtime().block_on(synced.answer()).unwrap();
    let groups = restarted(&log, 100_000);
    let joined = join(&groups, starting("gate-1", "a2"), 100_000).unwrap();
    assert_eq!((joined.generation, joined.skip_assignment), (1, true));
}

#[test]
fn a_member_that_was_silent_over_the_restart_has_a_full_session() {
    let log = Arc::default();
    drop(with_member(&log));
    let groups = restarted(&log, 100_000);
    groups.tick(100_000 + i64::from(SESSION_MS) - 1);
    assert_eq!(groups.describe(GROUP).members.len(), 1);
    groups.tick(100_000 + i64::from(SESSION_MS));
    assert_eq!(groups.describe(GROUP).members.len(), 0);
}

#[test]
fn committed_offsets_survive_a_restart() {
    let log = Arc::default();
    let first = groups(&log);
    let offsets = vec![offset("airports", 0, 5), offset("flights", 2, 9)];
    assert_eq!(first.commit(GROUP, &on_its_own(), offsets, 0), Ok(vec![Ok(()), Ok(())]));
    first.commit(GROUP, &on_its_own(), vec![offset("airports", 0, 6)], 0).unwrap();
    let second = restarted(&log, 1);
    assert_eq!(fetched(&second), [("airports".into(), 0, 6), ("flights".into(), 2, 9)]);
    let kept = second.fetch_offsets(GROUP, Some(&[("airports".into(), vec![0, 1])]), false);
    let expected = offset("airports", 0, 6).committed;
    assert_eq!(kept, [("airports".into(), vec![(0, Ok(Some(expected))), (1, Ok(None))])]);
    assert_eq!(second.list()[0].state, "Empty");
}

#[test]
fn metadata_that_is_too_long_is_rejected_alone() {
    let log = Arc::default();
    let groups = groups(&log);
    let mut long = offset("airports", 0, 5);
    long.committed.metadata = "x".repeat(4_097);
    let answers = groups.commit(GROUP, &on_its_own(), vec![long, offset("airports", 1, 5)], 0);
    assert_eq!(answers, Ok(vec![Err(ResponseError::OffsetMetadataTooLarge), Ok(())]));
    assert_eq!(fetched(&groups), [("airports".into(), 1, 5)]);
}

#[test]
fn offsets_that_cannot_be_written_are_not_committed() {
    let log: Arc<MemoryLog> = Arc::default();
    let groups = groups(&log);
    groups.commit(GROUP, &on_its_own(), vec![offset("airports", 0, 5)], 0).unwrap();
    *log.failure.lock() = Some(ResponseError::NotCoordinator);
    let answer = groups.commit(GROUP, &on_its_own(), vec![offset("airports", 0, 6)], 0);
    assert_eq!(answer, Err(ResponseError::NotCoordinator));
    assert_eq!(fetched(&groups), [("airports".into(), 0, 5)]);
    assert_eq!(groups.delete(GROUP, 0), Err(ResponseError::NotCoordinator));
    assert_eq!(fetched(&groups), [("airports".into(), 0, 5)]);
}

#[test]
fn a_member_cannot_commit_to_an_unknown_group() {
    let groups = groups(&Arc::default());
    let member = Commit { generation: 1, member_id: "a".into(), ..on_its_own() };
    let offsets = || vec![offset("airports", 0, 5)];
    let answer = groups.commit(GROUP, &member, offsets(), 0);
    assert_eq!(answer, Err(ResponseError::GroupIdNotFound));
    let older = Commit { understands_unknown_group: false, ..member };
    let answer = groups.commit(GROUP, &older, offsets(), 0);
    assert_eq!(answer, Err(ResponseError::IllegalGeneration));
    assert_eq!(groups.list(), []);
}

#[test]
fn a_deleted_group_leaves_only_tombstones() {
    let log = Arc::default();
    let groups = with_member(&log);
    let member = Commit { generation: 1, member_id: "a".into(), ..on_its_own() };
    groups.commit(GROUP, &member, vec![offset("airports", 0, 5)], 0).unwrap();
    assert_eq!(groups.delete(GROUP, 0), Err(ResponseError::NonEmptyGroup));
    groups.tick(i64::from(SESSION_MS));
    assert_eq!(groups.delete(GROUP, 0), Ok(()));
    assert_eq!(log.compacted(), BTreeMap::new());
    assert_eq!(groups.list(), []);
    assert_eq!(restarted(&log, 0).list(), []);
}

#[test]
fn offsets_of_topics_that_members_read_cannot_be_deleted() {
    let log = Arc::default();
    let groups = with_member(&log);
    let member = Commit { generation: 1, member_id: "a".into(), ..on_its_own() };
    let offsets = vec![offset("airports", 0, 5), offset("flights", 0, 9)];
    groups.commit(GROUP, &member, offsets, 0).unwrap();
    let partitions = [("airports".to_owned(), 0), ("flights".to_owned(), 0)];
    let answers = groups.delete_offsets(GROUP, &partitions, 0);
    assert_eq!(answers, Ok(vec![Err(ResponseError::GroupSubscribedToTopic), Ok(())]));
    assert_eq!(fetched(&groups), [("airports".into(), 0, 5)]);
    assert_eq!(fetched(&restarted(&log, 0)), [("airports".into(), 0, 5)]);
}

#[test]
fn deleting_a_topic_deletes_its_committed_offsets() {
    let log = Arc::default();
    let groups = groups(&log);
    let offsets = vec![offset("airports", 0, 5), offset("airports", 1, 6), offset("flights", 0, 9)];
    groups.commit(GROUP, &on_its_own(), offsets, 0).unwrap();
    groups.delete_offsets_of_topics(&["airports"], 0);
    assert_eq!(fetched(&groups), [("flights".into(), 0, 9)]);
    assert_eq!(fetched(&restarted(&log, 0)), [("flights".into(), 0, 9)]);
}

fn committed_to_two_topics(log: &Arc<MemoryLog>) -> GroupCoordinator {
    let groups = groups(log);
    let offsets = vec![offset("airports", 0, 5), offset("flights", 0, 9)];
    groups.commit(GROUP, &on_its_own(), offsets, 0).unwrap();
    groups
}

#[test]
fn a_topic_deleted_while_its_groups_are_not_loaded_takes_their_offsets_too() {
    let log = Arc::default();
    let groups = committed_to_two_topics(&log);
    let moves = groups.moves();
    groups.unload(&[0], 0);
    groups.delete_offsets_of_topics(&["airports"], 0);
    log.replay(&groups, log.len());
    // The same while they are being read.
    groups.delete_offsets_of_topics(&["gates"], 0);
    groups.finish_loading(|_| true, 0);
    assert_eq!(fetched(&groups), [("flights".into(), 0, 9)]);
    assert_eq!(fetched(&restarted(&log, 0)), [("flights".into(), 0, 9)]);
    assert_eq!(groups.moves(), moves + 2, "unloaded, and loaded again");
}

#[test]
fn offsets_of_topics_that_are_not_there_are_deleted() {
    let log = Arc::default();
    let groups = committed_to_two_topics(&log);
    groups.delete_offsets_of_unknown_topics(|topic| topic == "flights", 0);
    assert_eq!(fetched(&groups), [("flights".into(), 0, 9)]);
    assert_eq!(fetched(&restarted(&log, 0)), [("flights".into(), 0, 9)]);
}

#[test]
fn a_group_without_members_and_offsets_is_deleted_in_time() {
    let log = Arc::default();
    let groups = with_member(&log);
    groups.tick(i64::from(SESSION_MS));
    let retention = i64::from(Settings::default().empty_group_retention_ms);
    groups.tick(i64::from(SESSION_MS) + retention - 1);
    assert_eq!(groups.list().len(), 1);
    groups.tick(i64::from(SESSION_MS) + retention);
    assert_eq!(groups.list(), []);
    assert_eq!(log.compacted(), BTreeMap::new());
}

#[test]
fn a_group_with_offsets_is_not_deleted() {
    let log = Arc::default();
    let groups = groups(&log);
    groups.commit(GROUP, &on_its_own(), vec![offset("airports", 0, 5)], 0).unwrap();
    groups.tick(i64::MAX / 2);
    assert_eq!(fetched(&groups), [("airports".into(), 0, 5)]);
}

#[test]
fn records_that_cannot_be_read_are_left_out() {
    let log = Arc::default();
    let first = groups(&log);
    first.commit(GROUP, &on_its_own(), vec![offset("airports", 0, 5)], 0).unwrap();
    let (key, _) = log.records()[0].clone();
    let second = groups(&log);
    let entries = [(&[0, 3, 1][..], Some(&[1][..])), (&[], None), (&key, Some(&[0, 4, 1]))];
    for (position, (key, value)) in (0..).zip(entries) {
        second.replay(0, LogEntry::Record { position, producer_id: None, key, value });
    }
    second.finish_loading(|_| true, 0);
    assert_eq!(second.list(), []);
}

#[test]
fn events_are_sent() {
    let log: Arc<MemoryLog> = Arc::default();
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = events.clone();
    let settings = Settings { initial_rebalance_delay_ms: 0, ..Settings::default() };
    let groups =
        GroupCoordinator::new(log, settings, Box::new(move |event| heard.lock().push(event)));
    join(&groups, joining("a"), 0).unwrap();
    groups.tick(i64::from(SESSION_MS));
    let events = events.lock();
    assert!(matches!(events[0], GroupEvent::MemberJoined { .. }), "{events:?}");
    assert!(matches!(events[1], GroupEvent::Rebalancing { .. }), "{events:?}");
    assert!(matches!(events[2], GroupEvent::MemberExpired { .. }), "{events:?}");
}
