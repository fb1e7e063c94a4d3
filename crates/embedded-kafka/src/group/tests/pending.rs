//! Offsets that transactions commit: the checks, the time from which they count, and a restart.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::OffsetToCommit;
use super::memory_log::*;
use super::*;
use crate::group::group_coordinator::GroupCoordinator;
use crate::log::Producer;
use crate::metadata::names::partition_of;

const PRODUCER: Producer = Producer { id: 7_000, epoch: 0 };
const OTHER: Producer = Producer { id: 7_001, epoch: 0 };

fn commit_pending(groups: &GroupCoordinator, producer: Producer, offsets: Vec<OffsetToCommit>) {
    let expected = vec![Ok(()); offsets.len()];
    assert_eq!(groups.commit_pending(GROUP, producer, &on_its_own(), offsets, 0), Ok(expected));
}

fn commit(groups: &GroupCoordinator, offsets: Vec<OffsetToCommit>) {
    groups.commit(GROUP, &on_its_own(), offsets, 0).unwrap();
}

/// Ends the transaction: writes the marker, and then informs the groups.
fn end(log: &MemoryLog, groups: &GroupCoordinator, producer: Producer, commit: bool) {
    log.append_marker(GROUP, producer.id, commit);
    groups.complete_pending(producer.id, partition_of(GROUP, 50), commit, 0);
}

/// Returns the response for a partition of `airports` to a consumer that requires stable offsets.
fn stable(groups: &GroupCoordinator, partition: i32) -> Result<Option<i64>, ResponseError> {
    let asked = [("airports".to_owned(), vec![partition])];
    let (_, mut partitions) = groups.fetch_offsets(GROUP, Some(&asked), true).remove(0);
    partitions.remove(0).1.map(|committed| committed.map(|committed| committed.offset))
}

const UNSTABLE: Result<Option<i64>, ResponseError> = Err(ResponseError::UnstableOffsetCommit);

#[test]
fn pending_offsets_count_once_the_transaction_is_committed() {
    let log = Arc::default();
    let groups = groups(&log);
    commit(&groups, vec![offset("airports", 0, 5)]);
    commit_pending(&groups, PRODUCER, vec![offset("airports", 0, 6), offset("airports", 1, 9)]);
    assert_eq!(fetched(&groups), [("airports".into(), 0, 5)]);
    assert_eq!([stable(&groups, 0), stable(&groups, 1)], [UNSTABLE, UNSTABLE]);
    assert_eq!(stable(&groups, 2), Ok(None));
    end(&log, &groups, PRODUCER, true);
    assert_eq!(fetched(&groups), [("airports".into(), 0, 6), ("airports".into(), 1, 9)]);
    assert_eq!([stable(&groups, 0), stable(&groups, 1)], [Ok(Some(6)), Ok(Some(9))]);
}

#[test]
fn pending_offsets_vanish_when_the_transaction_is_aborted() {
    let log = Arc::default();
    let groups = groups(&log);
    commit(&groups, vec![offset("airports", 0, 5)]);
    commit_pending(&groups, PRODUCER, vec![offset("airports", 0, 6), offset("airports", 1, 9)]);
    end(&log, &groups, PRODUCER, false);
    assert_eq!(fetched(&groups), [("airports".into(), 0, 5)]);
    assert_eq!([stable(&groups, 0), stable(&groups, 1)], [Ok(Some(5)), Ok(None)]);
}

#[test]
fn a_list_of_all_offsets_leaves_out_what_is_only_pending() {
    let groups = groups(&Arc::default());
    commit_pending(&groups, PRODUCER, vec![offset("airports", 0, 6), offset("airports", 1, 6)]);
    assert_eq!(groups.fetch_offsets(GROUP, None, true), []);
    commit(&groups, vec![offset("airports", 1, 5)]);
    let unstable = (1, Err(ResponseError::UnstableOffsetCommit));
    assert_eq!(groups.fetch_offsets(GROUP, None, true), [("airports".into(), vec![unstable])]);
}

#[test]
fn of_a_plain_and_a_transactional_commit_the_later_one_in_the_log_counts() {
    let log = Arc::default();
    let groups = groups(&log);
    commit_pending(&groups, PRODUCER, vec![offset("airports", 0, 6)]);
    commit(&groups, vec![offset("airports", 0, 20), offset("airports", 1, 11)]);
    commit_pending(&groups, PRODUCER, vec![offset("airports", 1, 9)]);
    end(&log, &groups, PRODUCER, true);
    let expected = [("airports".into(), 0, 20), ("airports".into(), 1, 9)];
    assert_eq!(fetched(&groups), expected);
    assert_eq!(fetched(&restarted(&log, 1)), expected);
}

#[test]
fn a_transaction_may_commit_a_partition_again() {
    let log = Arc::default();
    let groups = groups(&log);
    commit_pending(&groups, PRODUCER, vec![offset("airports", 0, 6)]);
    commit_pending(&groups, PRODUCER, vec![offset("airports", 0, 7)]);
    end(&log, &groups, PRODUCER, true);
    assert_eq!(fetched(&groups), [("airports".into(), 0, 7)]);
}

#[test]
fn a_marker_ends_the_transaction_of_its_producer_in_its_partition_alone() {
    let log: Arc<MemoryLog> = Arc::default();
    let groups = groups(&log);
    commit_pending(&groups, PRODUCER, vec![offset("airports", 0, 6)]);
    commit_pending(&groups, OTHER, vec![offset("airports", 0, 7), offset("airports", 1, 7)]);
    groups.complete_pending(PRODUCER.id, partition_of(GROUP, 50) + 1, true, 0);
    assert_eq!(fetched(&groups), []);
    end(&log, &groups, OTHER, false);
    assert_eq!([stable(&groups, 0), stable(&groups, 1)], [UNSTABLE, Ok(None)]);
    end(&log, &groups, PRODUCER, true);
    assert_eq!([stable(&groups, 0), stable(&groups, 1)], [Ok(Some(6)), Ok(None)]);
}

#[test]
fn a_restart_keeps_what_is_pending_until_the_marker() {
    let log = Arc::default();
    commit_pending(&groups(&log), PRODUCER, vec![offset("airports", 0, 6)]);
    let groups = restarted(&log, 1);
    assert_eq!(stable(&groups, 0), UNSTABLE);
    assert_eq!(groups.list()[0].state, "Empty");
    end(&log, &groups, PRODUCER, true);
    assert_eq!(stable(&groups, 0), Ok(Some(6)));
}

#[test]
fn a_marker_that_was_written_before_the_restart_counts() {
    for (commit, expected) in [(true, Ok(Some(6))), (false, Ok(None))] {
        let log: Arc<MemoryLog> = Arc::default();
        commit_pending(&groups(&log), PRODUCER, vec![offset("airports", 0, 6)]);
        // The process ends before it informs the groups.
        log.append_marker(GROUP, PRODUCER.id, commit);
        let groups = restarted(&log, 1);
        assert_eq!(stable(&groups, 0), expected);
        // The transaction's coordinator writes the marker again, because it cannot know.
        end(&log, &groups, PRODUCER, commit);
        assert_eq!(stable(&groups, 0), expected);
    }
}

#[test]
fn offsets_stay_pending_through_other_records_of_the_group() {
    let log = Arc::default();
    let groups = groups(&log);
    commit_pending(&groups, PRODUCER, vec![offset("airports", 0, 6)]);
    let joined = groups.join(GROUP, &NoTopics, joining("a"), 0);
    drop(joined);
    let groups = restarted(&log, 1);
    assert_eq!(stable(&groups, 0), UNSTABLE);
    end(&log, &groups, PRODUCER, true);
    assert_eq!(stable(&groups, 0), Ok(Some(6)));
}

#[test]
fn a_pending_offset_can_be_deleted() {
    let log = Arc::default();
    let groups = groups(&log);
    commit_pending(&groups, PRODUCER, vec![offset("airports", 0, 6), offset("airports", 1, 6)]);
    let deleted = groups.delete_offsets(GROUP, &[("airports".into(), 0)], 0);
    assert_eq!(deleted, Ok(vec![Ok(())]));
    assert_eq!([stable(&groups, 0), stable(&groups, 1)], [Ok(None), UNSTABLE]);
    end(&log, &groups, PRODUCER, true);
    let expected = [("airports".into(), 1, 6)];
    assert_eq!(fetched(&groups), expected);
    assert_eq!(fetched(&restarted(&log, 1)), expected);
}

#[test]
fn a_group_is_deleted_with_what_is_pending() {
    let log = Arc::default();
    let groups = groups(&log);
    commit(&groups, vec![offset("airports", 1, 5)]);
    commit_pending(&groups, PRODUCER, vec![offset("airports", 0, 6), offset("airports", 1, 6)]);
    assert_eq!(groups.delete(GROUP, 0), Ok(()));
    assert_eq!(log.compacted(), BTreeMap::new());
    end(&log, &groups, PRODUCER, true);
    assert_eq!((groups.list(), stable(&groups, 0)), (vec![], Ok(None)));
    assert_eq!(restarted(&log, 1).list(), []);
}

#[test]
fn deleting_a_topic_deletes_what_is_pending_for_it() {
    let log = Arc::default();
    let groups = groups(&log);
    commit_pending(&groups, PRODUCER, vec![offset("airports", 0, 6), offset("flights", 0, 9)]);
    groups.delete_offsets_of_topics(&["airports"], 0);
    assert_eq!(stable(&groups, 0), Ok(None));
    end(&log, &groups, PRODUCER, true);
    let expected = [("flights".into(), 0, 9)];
    assert_eq!(fetched(&groups), expected);
    assert_eq!(fetched(&restarted(&log, 1)), expected);
}

#[test]
fn a_group_is_not_deleted_while_a_transaction_is_open() {
    let log = Arc::default();
    let groups = groups(&log);
    commit_pending(&groups, PRODUCER, vec![offset("airports", 0, 6)]);
    groups.tick(i64::MAX / 2);
    assert_eq!(stable(&groups, 0), UNSTABLE);
    end(&log, &groups, PRODUCER, false);
    groups.tick(i64::MAX / 2);
    assert_eq!(groups.list(), []);
}

#[test]
fn offsets_that_cannot_be_written_are_not_pending() {
    let log: Arc<MemoryLog> = Arc::default();
    let groups = groups(&log);
    *log.failure.lock() = Some(ResponseError::InvalidProducerEpoch);
    let offsets = vec![offset("airports", 0, 6)];
    let answer = groups.commit_pending(GROUP, PRODUCER, &on_its_own(), offsets, 0);
    assert_eq!(answer, Err(ResponseError::InvalidProducerEpoch));
    assert_eq!(stable(&groups, 0), Ok(None));
}

#[test]
fn metadata_that_is_too_long_is_rejected_alone() {
    let groups = groups(&Arc::default());
    let mut long = offset("airports", 0, 5);
    long.committed.metadata = "x".repeat(4_097);
    let offsets = vec![long.clone(), offset("airports", 1, 5)];
    let answers = groups.commit_pending(GROUP, PRODUCER, &on_its_own(), offsets, 0);
    assert_eq!(answers, Ok(vec![Err(ResponseError::OffsetMetadataTooLarge), Ok(())]));
    assert_eq!([stable(&groups, 0), stable(&groups, 1)], [Ok(None), UNSTABLE]);
    let answers = groups.commit_pending(GROUP, OTHER, &on_its_own(), vec![long], 0);
    assert_eq!(answers, Ok(vec![Err(ResponseError::OffsetMetadataTooLarge)]));
}

#[test]
fn an_unknown_group_is_created_for_consumers_with_explicit_partitions() {
    let groups = groups(&Arc::default());
    let offsets = || vec![offset("airports", 0, 6)];
    let member = Commit { generation: 5, member_id: "a".into(), ..on_its_own() };
    // The version of TxnOffsetCommit decides nothing.
    let member = Commit { understands_unknown_group: false, ..member };
    let answer = groups.commit_pending(GROUP, PRODUCER, &member, offsets(), 0);
    assert_eq!(answer, Err(ResponseError::IllegalGeneration));
    assert_eq!(groups.list(), []);
    let answer = groups.commit_pending("", PRODUCER, &on_its_own(), offsets(), 0);
    assert_eq!(answer, Err(ResponseError::InvalidGroupId));
    commit_pending(&groups, PRODUCER, offsets());
    assert_eq!(groups.list()[0].state, "Empty");
}

/// Returns a group's response to a transactional commit.
fn check(harness: &Harness, generation: i32, member: &str, instance: Option<&str>) -> i16 {
    let commit = Commit {
        generation,
        member_id: member.into(),
        instance_id: instance.map(str::to_owned),
        understands_unknown_group: false,
    };
    harness.group.check_pending_commit(&commit).err().map_or(0, |error| error.code())
}

#[test]
fn a_group_without_members_takes_no_generation() {
    let harness = Harness::new();
    assert_eq!(check(&harness, -1, "", None), 0);
    assert_eq!(check(&harness, -1, "a", None), 0);
    assert_eq!(check(&harness, -1, "", Some("gate-1")), 0);
    assert_eq!(check(&harness, 5, "a", None), 25);
    assert_eq!(check(&harness, 0, "", None), 25);
}

#[test]
fn a_member_is_checked_and_a_client_that_claims_to_be_none_is_trusted() {
    let harness = Harness::stable(&["a"]);
    assert_eq!(check(&harness, 1, "a", None), 0);
    assert_eq!(check(&harness, 2, "a", None), 22);
    assert_eq!(check(&harness, 1, "b", None), 25);
    assert_eq!(check(&harness, -1, "a", None), 22);
    assert_eq!(check(&harness, -1, "", Some("gate-1")), 25);
    assert_eq!(check(&harness, -1, "", None), 0);
}

#[test]
fn a_rebalance_does_not_keep_a_transaction_from_committing() {
    let mut harness = Harness::new();
    accepted(&harness.join(joining("a")));
    assert_eq!(harness.group.state, State::CompletingRebalance);
    assert_eq!(check(&harness, 1, "a", None), 0);
    assert_eq!(check(&harness, -1, "", None), 0);
    let mut harness = Harness::stable(&["a", "b"]);
    harness.join(rejoining("a"));
    assert_eq!(harness.group.state, State::PreparingRebalance);
    assert_eq!(check(&harness, 1, "b", None), 0);
}

#[test]
fn a_static_member_that_was_replaced_is_fenced() {
    let mut harness = Harness::new();
    accepted(&harness.join(starting("gate-1", "a")));
    harness.sync_all(&["a"]);
    accepted(&harness.join(starting("gate-1", "a2")));
    assert_eq!(check(&harness, 1, "a", Some("gate-1")), 82);
    assert_eq!(check(&harness, 1, "a2", Some("gate-1")), 0);
    assert_eq!(check(&harness, 1, "a", None), 25);
    assert_eq!(check(&harness, 1, "a2", Some("gate-2")), 25);
}

#[test]
fn a_client_must_look_for_a_deleted_group_again() {
    let mut harness = Harness::new();
    harness.group.mark_deleted(harness.now);
    assert_eq!(check(&harness, -1, "", None), ResponseError::CoordinatorNotAvailable.code());
}
