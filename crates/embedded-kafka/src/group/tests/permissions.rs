//! Checks of who may commit, and of what may be deleted.

use super::*;
use crate::group::offset_store::CommittedOffset;

fn commit(generation: i32, member_id: &str) -> Commit {
    Commit {
        generation,
        member_id: member_id.into(),
        instance_id: None,
        understands_unknown_group: true,
    }
}

impl Harness {
    fn check(&mut self, commit: &Commit) -> Result<(), ResponseError> {
        self.step(|group, step| group.check_commit(commit, step))
    }
}

#[test]
fn a_member_commits_in_its_generation() {
    let mut harness = Harness::stable(&["a"]);
    assert_eq!(harness.check(&commit(1, "a")), Ok(()));
    assert_eq!(harness.check(&commit(0, "a")), Err(ResponseError::IllegalGeneration));
    assert_eq!(harness.check(&commit(1, "b")), Err(ResponseError::UnknownMemberId));
}

#[test]
fn a_commit_renews_the_session() {
    let mut harness = Harness::stable(&["a"]);
    harness.pass(SESSION_MS - 1);
    assert_eq!(harness.check(&commit(1, "a")), Ok(()));
    harness.pass(SESSION_MS - 1);
    assert_eq!(harness.heartbeat("a"), Ok(()));
}

#[test]
fn a_member_may_commit_until_it_joins_again() {
    let mut harness = Harness::stable(&["a", "b"]);
    harness.join(rejoining("a"));
    assert_eq!(harness.group.state, State::PreparingRebalance);
    assert_eq!(harness.check(&commit(1, "b")), Ok(()));
}

#[test]
fn a_member_without_its_assignment_may_not_commit() {
    let mut harness = Harness::new();
    accepted(&harness.join(joining("a")));
    assert_eq!(harness.check(&commit(1, "a")), Err(ResponseError::RebalanceInProgress));
}

#[test]
fn a_consumer_with_explicit_partitions_commits_only_to_a_group_without_members() {
    let mut empty = Harness::new();
    assert_eq!(empty.check(&commit(-1, "")), Ok(()));
    assert_eq!(empty.check(&commit(1, "a")), Err(ResponseError::UnknownMemberId));
    let mut stable = Harness::stable(&["a"]);
    assert_eq!(stable.check(&commit(-1, "")), Err(ResponseError::UnknownMemberId));
    assert_eq!(stable.check(&commit(-1, "a")), Err(ResponseError::IllegalGeneration));
}

#[test]
fn a_fenced_static_member_may_not_commit() {
    let mut harness = Harness::new();
    accepted(&harness.join(starting("gate-1", "a")));
    harness.sync_all(&["a"]);
    accepted(&harness.join(starting("gate-1", "a2")));
    let old = Commit { instance_id: Some("gate-1".into()), ..commit(1, "a") };
    assert_eq!(harness.check(&old), Err(ResponseError::FencedInstanceId));
}

#[test]
fn topics_that_members_read_are_known() {
    let harness = Harness::stable(&["a"]);
    assert!(harness.group.is_subscribed_to("airports"));
    assert!(!harness.group.is_subscribed_to("flights"));
    assert_eq!(harness.group.check_delete_offsets(), Ok(()));
}

#[test]
fn a_subscription_that_cannot_be_read_protects_all_topics() {
    let mut harness = Harness::new();
    let mut request = joining("a");
    request.protocols[0].metadata = Bytes::from_static(b"?");
    accepted(&harness.join(request));
    assert!(harness.group.is_subscribed_to("flights"));
}

#[test]
fn a_group_of_another_protocol_protects_its_offsets_while_it_has_members() {
    let mut harness = Harness::new();
    let request = JoinRequest { protocol_type: "connect".into(), ..joining("a") };
    accepted(&harness.join(request));
    assert_eq!(harness.group.check_delete_offsets(), Err(ResponseError::NonEmptyGroup));
}

#[test]
fn only_a_group_without_members_can_be_deleted() {
    let mut harness = Harness::stable(&["a"]);
    assert_eq!(harness.group.check_delete(), Err(ResponseError::NonEmptyGroup));
    harness.pass(SESSION_MS);
    assert_eq!(harness.group.check_delete(), Ok(()));
    harness.group.mark_deleted(harness.now);
    assert_eq!(harness.group.check_delete(), Err(ResponseError::GroupIdNotFound));
}

#[test]
fn the_limit_of_metadata_counts_as_java_does() {
    let with = |metadata: String| CommittedOffset {
        offset: 0,
        leader_epoch: -1,
        metadata,
        commit_timestamp: 0,
        expire_timestamp: -1,
    };
    assert!(with("é".repeat(4_096)).metadata_fits(4_096));
    assert!(!with("é".repeat(4_097)).metadata_fits(4_096));
    assert!(with("🛫".repeat(2_048)).metadata_fits(4_096));
    assert!(!with("🛫".repeat(2_049)).metadata_fits(4_096));
}
