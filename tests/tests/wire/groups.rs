//! The classic group protocol, request by request: joining, syncing, heartbeats, leaving.

use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, JoinGroupRequest,
    LeaveGroupRequest, ListGroupsRequest, SyncGroupRequest,
};
use workshop_tests::errors::{
    FENCED_INSTANCE_ID, GROUP_ID_NOT_FOUND, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL,
    INVALID_GROUP_ID, INVALID_REQUEST, INVALID_SESSION_TIMEOUT, NON_EMPTY_GROUP, NOT_COORDINATOR,
    REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID,
};
use workshop_tests::group::{
    heartbeat, join_alone, join_request, new_member_id, subscription, sync_request,
};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{describe_group, find_coordinator, group_id, text};
use workshop_tests::{TestCluster, eventually};

async fn group() -> (TestCluster, String, RawClient) {
    let cluster = TestCluster::start().await;
    let group = cluster.group_name();
    let coordinator = cluster.connect_to_coordinator(&group);
    (cluster, group, coordinator)
}

#[tokio::test]
async fn every_node_names_the_same_coordinator_in_every_version() {
    let (cluster, group, coordinator) = group().await;
    for address in cluster.addresses() {
        let mut client = RawClient::connect(&address);
        for version in 0..=3 {
            let request = FindCoordinatorRequest::default().with_key(text(&group));
            let answer = client.call(version, &request);
            assert_eq!(answer.error_code, 0);
            let named = format!("{}:{}", answer.host.as_str(), answer.port);
            assert_eq!(named, coordinator.address());
        }
        let answer = client.call(4, &find_coordinator(&[&group, "another"]));
        let keys: Vec<_> = answer.coordinators.iter().map(|it| it.key.as_str()).collect();
        assert_eq!(keys, [group.as_str(), "another"]);
        let named = &answer.coordinators[0];
        assert_eq!(format!("{}:{}", named.host.as_str(), named.port), coordinator.address());
    }
}

#[tokio::test]
async fn a_coordinator_for_an_unknown_type_of_key_is_an_invalid_request() {
    let cluster = TestCluster::start().await;
    let request = FindCoordinatorRequest::default().with_key(text("x")).with_key_type(9);
    assert_eq!(cluster.connect().call(3, &request).error_code, INVALID_REQUEST);
}

#[tokio::test]
async fn a_node_that_does_not_coordinate_the_group_says_so() {
    let (cluster, group, coordinator) = group().await;
    let other = cluster.addresses().into_iter().find(|it| it != coordinator.address());
    let mut other = RawClient::connect(&other.expect("three nodes"));
    assert_eq!(other.call(9, &join_request(&group, "")).error_code, NOT_COORDINATOR);
    assert_eq!(other.call(4, &heartbeat(&group, "x", 1)).error_code, NOT_COORDINATOR);
    let described = other.call(5, &describe_group(&group));
    assert_eq!(described.groups[0].error_code, NOT_COORDINATOR);
}

#[tokio::test]
async fn a_new_member_is_asked_to_join_again_with_its_id() {
    let (_cluster, group, mut coordinator) = group().await;
    let member = new_member_id(&mut coordinator, &group);
    assert!(member.starts_with("raw-"), "the client id, then a random part: {member}");
    let joined = coordinator.call(9, &join_request(&group, &member));
    assert_eq!((joined.error_code, joined.generation_id), (0, 1));
    assert_eq!(joined.member_id.as_str(), member);
    assert_eq!(joined.protocol_name.as_deref(), Some("range"));
    assert_eq!(joined.members.len(), 1);
    assert_eq!(joined.members[0].metadata, subscription(&["some-topic"]));
}

#[tokio::test]
async fn before_version_4_a_member_joins_at_once() {
    let (_cluster, group, mut coordinator) = group().await;
    for version in 0..=3 {
        let mut request = join_request(&group, "");
        if version == 0 {
            // Version 0 has no timeout of its own for the rebalance.
            request.rebalance_timeout_ms = -1;
        }
        let joined = coordinator.call(version, &request);
        assert_eq!(joined.error_code, 0, "version {version}");
        assert!(joined.member_id.starts_with("raw-"));
        let leave = LeaveGroupRequest::default()
            .with_group_id(group_id(&group))
            .with_member_id(joined.member_id);
        assert_eq!(coordinator.call(version.min(2), &leave).error_code, 0);
    }
}

#[tokio::test]
async fn a_member_id_that_the_group_never_gave_is_unknown() {
    let (_cluster, group, mut coordinator) = group().await;
    let joined = coordinator.call(9, &join_request(&group, "made-up"));
    assert_eq!(joined.error_code, UNKNOWN_MEMBER_ID);
    assert_eq!(coordinator.call(4, &heartbeat(&group, "made-up", 1)).error_code, UNKNOWN_MEMBER_ID);
}

#[tokio::test]
async fn sessions_outside_of_the_limits_and_empty_names_are_refused() {
    let (_cluster, group, mut coordinator) = group().await;
    for timeout in [5_999, 1_800_001, 0, -1] {
        let request = join_request(&group, "").with_session_timeout_ms(timeout);
        let error = coordinator.call(9, &request).error_code;
        assert_eq!(error, INVALID_SESSION_TIMEOUT, "{timeout} ms");
    }
    assert_eq!(coordinator.call(9, &join_request("", "")).error_code, INVALID_GROUP_ID);
    let without = join_request(&group, "").with_protocols(vec![]);
    assert_eq!(coordinator.call(9, &without).error_code, INCONSISTENT_GROUP_PROTOCOL);
}

#[tokio::test]
async fn a_member_without_a_common_assignor_cannot_join() {
    let (_cluster, group, mut coordinator) = group().await;
    join_alone(&mut coordinator, &group);
    let other = JoinGroupRequestProtocol::default()
        .with_name(text("something-else"))
        .with_metadata(subscription(&[]));
    let request = join_request(&group, "").with_protocols(vec![other]);
    assert_eq!(coordinator.call(9, &request).error_code, INCONSISTENT_GROUP_PROTOCOL);
    let request = join_request(&group, "").with_protocol_type(text("connect"));
    assert_eq!(coordinator.call(9, &request).error_code, INCONSISTENT_GROUP_PROTOCOL);
}

#[tokio::test]
async fn the_leaders_assignment_reaches_every_member() {
    let (cluster, group, mut first) = group().await;
    let (leader, _) = join_alone(&mut first, &group);
    let mut second = cluster.connect_to_coordinator(&group);
    let follower = new_member_id(&mut second, &group);
    let waiting = second.send(9, &join_request(&group, &follower)).expect("sent");
    eventually("the first member learns of the rebalance", || {
        let error = first.call(4, &heartbeat(&group, &leader, 1)).error_code;
        (error == REBALANCE_IN_PROGRESS).then_some(())
    });
    let led = first.call(9, &join_request(&group, &leader));
    let followed = second.receive::<JoinGroupRequest>(9, waiting).expect("joined");
    assert_eq!((led.generation_id, followed.generation_id), (2, 2));
    assert_eq!((led.leader.as_str(), followed.leader.as_str()), (&*leader, &*leader));
    assert_eq!((led.members.len(), followed.members.len()), (2, 0), "only the leader sees all");
    let waiting = second.send(5, &sync_request(&group, &followed, &[])).expect("sent");
    let assignments = [(leader.as_str(), "mine"), (follower.as_str(), "yours")];
    let synced = first.call(5, &sync_request(&group, &led, &assignments));
    assert_eq!(synced.assignment.as_ref(), b"mine");
    let synced = second.receive::<SyncGroupRequest>(5, waiting).expect("synced");
    assert_eq!((synced.error_code, synced.assignment.as_ref()), (0, b"yours".as_slice()));
    assert_eq!(second.call(4, &heartbeat(&group, &follower, 2)).error_code, 0);
}

#[tokio::test]
async fn every_version_of_join_sync_and_heartbeat_works_together() {
    for (join, sync, beat) in [(2, 0, 0), (4, 1, 1), (5, 3, 3), (6, 4, 4), (7, 5, 4), (9, 5, 4)] {
        let (_cluster, group, mut coordinator) = group().await;
        let mut joined = coordinator.call(join, &join_request(&group, ""));
        if join >= 4 {
            joined = coordinator.call(join, &join_request(&group, &joined.member_id));
        }
        let member = joined.member_id.to_string();
        assert_eq!(joined.error_code, 0, "version {join}");
        let mut request = sync_request(&group, &joined, &[(&member, "all")]);
        if sync < 5 {
            (request.protocol_type, request.protocol_name) = (None, None);
        }
        let synced = coordinator.call(sync, &request);
        assert_eq!((synced.error_code, synced.assignment.as_ref()), (0, b"all".as_slice()));
        assert_eq!(coordinator.call(beat, &heartbeat(&group, &member, 1)).error_code, 0);
    }
}

#[tokio::test]
async fn a_wrong_generation_or_protocol_is_refused() {
    let (_cluster, group, mut coordinator) = group().await;
    let (member, generation) = join_alone(&mut coordinator, &group);
    for wrong in [generation + 1, generation - 1, -1] {
        let error = coordinator.call(4, &heartbeat(&group, &member, wrong)).error_code;
        assert_eq!(error, ILLEGAL_GENERATION, "generation {wrong}");
    }
    let sync = SyncGroupRequest::default()
        .with_group_id(group_id(&group))
        .with_member_id(text(&member))
        .with_generation_id(generation);
    let wrong = sync.clone().with_generation_id(generation + 1);
    assert_eq!(coordinator.call(4, &wrong).error_code, ILLEGAL_GENERATION);
    let named = sync.with_protocol_type(Some(text("consumer")));
    let wrong = named.clone().with_protocol_name(Some(text("roundrobin")));
    assert_eq!(coordinator.call(5, &wrong).error_code, INCONSISTENT_GROUP_PROTOCOL);
    // In a stable group a sync is answered at once with the assignment that stands.
    let again = coordinator.call(5, &named.with_protocol_name(Some(text("range"))));
    assert_eq!((again.error_code, again.assignment.as_ref()), (0, b"all of it".as_slice()));
}

fn leave(group: &str, members: &[(&str, Option<&str>)]) -> LeaveGroupRequest {
    let member = |(id, instance): &(&str, Option<&str>)| {
        MemberIdentity::default()
            .with_member_id(text(id))
            .with_group_instance_id(instance.map(text))
    };
    LeaveGroupRequest::default()
        .with_group_id(group_id(group))
        .with_members(members.iter().map(member).collect())
}

#[tokio::test]
async fn members_leave_in_a_batch_and_strangers_are_named() {
    let (_cluster, group, mut coordinator) = group().await;
    let (member, _) = join_alone(&mut coordinator, &group);
    for (version, first) in [(3, 0), (4, UNKNOWN_MEMBER_ID), (5, UNKNOWN_MEMBER_ID)] {
        let answer =
            coordinator.call(version, &leave(&group, &[(&member, None), ("made-up", None)]));
        assert_eq!(answer.error_code, 0);
        let errors: Vec<_> = answer.members.iter().map(|it| it.error_code).collect();
        assert_eq!(errors, [first, UNKNOWN_MEMBER_ID], "version {version}");
    }
    let described = coordinator.call(5, &describe_group(&group));
    assert_eq!(described.groups[0].group_state.as_str(), "Empty");
}

#[tokio::test]
async fn a_static_member_returns_without_a_rebalance_and_fences_its_former_self() {
    let (_cluster, group, mut coordinator) = group().await;
    let request = join_request(&group, "").with_group_instance_id(Some(text("one")));
    let joined = coordinator.call(9, &request);
    assert_eq!(joined.error_code, 0, "a static member needs no second join");
    let former = joined.member_id.to_string();
    let sync = sync_request(&group, &joined, &[(&former, "all")]);
    let synced = coordinator.call(5, &sync.with_group_instance_id(Some(text("one"))));
    assert_eq!(synced.error_code, 0);
    let again = coordinator.call(9, &request);
    assert_eq!((again.error_code, again.generation_id), (0, 1), "the same generation");
    assert_ne!(again.member_id.as_str(), former);
    assert!(again.skip_assignment, "the leader need not assign again (KIP-814)");
    let beat = heartbeat(&group, &former, 1).with_group_instance_id(Some(text("one")));
    assert_eq!(coordinator.call(4, &beat).error_code, FENCED_INSTANCE_ID);
    let stale = join_request(&group, &former).with_group_instance_id(Some(text("one")));
    assert_eq!(coordinator.call(9, &stale).error_code, FENCED_INSTANCE_ID);
    let left = coordinator.call(5, &leave(&group, &[(&former, Some("one"))]));
    assert_eq!(left.members[0].error_code, FENCED_INSTANCE_ID);
    // An operator removes a static member by its instance id alone.
    let left = coordinator.call(5, &leave(&group, &[("", Some("one"))]));
    assert_eq!(left.members[0].error_code, 0);
}

#[tokio::test]
async fn a_described_group_shows_its_state_members_and_assignment() {
    let (_cluster, group, mut coordinator) = group().await;
    let (member, _) = join_alone(&mut coordinator, &group);
    for version in 0..=5 {
        let answer = coordinator.call(version, &describe_group(&group));
        let described = &answer.groups[0];
        assert_eq!(described.error_code, 0);
        assert_eq!(described.group_state.as_str(), "Stable");
        assert_eq!(described.protocol_type.as_str(), "consumer");
        assert_eq!(described.protocol_data.as_str(), "range");
        assert_eq!(described.members[0].member_id.as_str(), member);
        assert_eq!(described.members[0].client_id.as_str(), "raw");
        assert_eq!(described.members[0].client_host.as_str(), "/127.0.0.1");
        assert_eq!(described.members[0].member_metadata, subscription(&["some-topic"]));
        assert_eq!(described.members[0].member_assignment.as_ref(), b"all of it");
    }
}

#[tokio::test]
async fn a_group_that_is_not_there_is_dead() {
    let (_cluster, group, mut coordinator) = group().await;
    let request = DescribeGroupsRequest::default().with_groups(vec![group_id(&group)]);
    let answer = coordinator.call(5, &request);
    assert_eq!(answer.groups[0].error_code, 0);
    assert_eq!(answer.groups[0].group_state.as_str(), "Dead");
    assert_eq!(answer.groups[0].members, []);
}

#[tokio::test]
async fn groups_are_listed_by_state_and_type() {
    let (_cluster, group, mut coordinator) = group().await;
    join_alone(&mut coordinator, &group);
    let mut listed = |version, states: &[&str], types: &[&str]| {
        let request = ListGroupsRequest::default()
            .with_states_filter(states.iter().map(|it| text(it)).collect())
            .with_types_filter(types.iter().map(|it| text(it)).collect());
        let answer = coordinator.call(version, &request);
        assert_eq!(answer.error_code, 0);
        answer.groups.into_iter().find(|it| it.group_id == group_id(&group))
    };
    for version in 0..=5 {
        let found = listed(version, &[], &[]).expect("the group is listed");
        assert_eq!(found.protocol_type.as_str(), "consumer");
        if version >= 4 {
            assert_eq!(found.group_state.as_str(), "Stable");
        }
        if version >= 5 {
            assert_eq!(found.group_type.as_str(), "classic");
        }
    }
    assert!(listed(4, &["Stable"], &[]).is_some());
    assert!(listed(4, &["stable", "Dead"], &[]).is_some(), "whatever the case");
    assert!(listed(4, &["Empty"], &[]).is_none());
    assert!(listed(5, &[], &["classic"]).is_some());
    assert!(listed(5, &[], &["Classic"]).is_some(), "whatever the case");
    assert!(listed(5, &[], &["consumer"]).is_none());
    assert!(listed(5, &["Stable"], &["consumer"]).is_none());
}

#[tokio::test]
async fn a_group_with_members_cannot_be_deleted() {
    let (_cluster, group, mut coordinator) = group().await;
    let (member, _) = join_alone(&mut coordinator, &group);
    let delete = DeleteGroupsRequest::default().with_groups_names(vec![group_id(&group)]);
    let mut error = |version: i16| coordinator.call(version, &delete).results[0].error_code;
    assert_eq!((error(0), error(2)), (NON_EMPTY_GROUP, NON_EMPTY_GROUP));
    let left = coordinator.call(5, &leave(&group, &[(&member, None)]));
    assert_eq!(left.members[0].error_code, 0);
    let mut error = |version: i16| coordinator.call(version, &delete).results[0].error_code;
    assert_eq!(error(2), 0);
    assert_eq!(error(2), GROUP_ID_NOT_FOUND, "it is gone");
}

#[tokio::test]
async fn a_silent_member_is_removed_after_its_session() {
    let (_cluster, group, mut coordinator) = group().await;
    let (member, _) = join_alone(&mut coordinator, &group);
    eventually("the session of 6 s ends", || {
        let state = coordinator.call(5, &describe_group(&group)).groups[0].group_state.clone();
        (state.as_str() == "Empty").then_some(())
    });
    assert_eq!(coordinator.call(4, &heartbeat(&group, &member, 1)).error_code, UNKNOWN_MEMBER_ID);
}
