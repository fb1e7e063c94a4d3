//! What a coordinator has written is answered only when it outlives its node, and what it knows of
//! topics goes with them.

use std::time::Duration;

use embedded_kafka::{ApiKey, Cluster, ResponseError};
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{
    LeaveGroupRequest, OffsetCommitRequest, OffsetFetchRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::Request;
use workshop_tests::batch::Batch;
use workshop_tests::disturbed::Disturbed;
use workshop_tests::errors::{NOT_COORDINATOR, UNKNOWN_MEMBER_ID};
use workshop_tests::group::{heartbeat, join_request, new_member_id, sync_request};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{
    commit, create_topic, delete_topic, find_coordinator, group_id, produce, reassign, text,
};
use workshop_tests::{TestCluster, eventually};

const GROUP: &str = "east-coast-dpt";
/// `offsets.topic.num.partitions`.
const GROUP_PARTITIONS: i32 = 50;
/// Long enough for an answer that does not wait.
const A_MOMENT: Duration = Duration::from_millis(100);

/// A group with one member, whose coordinator's followers can be held up for as long as one likes.
struct Coordinated {
    cluster: Cluster,
    coordinator: RawClient,
    node: i32,
    member_id: String,
}

impl Coordinated {
    async fn start() -> (Coordinated, SyncGroupRequest) {
        let builder = Cluster::builder().nodes(3).default_replication_factor(3);
        let builder = builder.replica_lag_time_max(Duration::from_secs(600));
        let builder = builder.failover_delay(Duration::from_millis(50));
        let cluster = builder.start().await.expect("a cluster starts");
        let clients = TestCluster::at(cluster.bootstrap_servers());
        let mut coordinator = clients.connect_to_coordinator(GROUP);
        let node =
            cluster.nodes().iter().find(|it| it.address.to_string() == coordinator.address());
        let node = node.expect("it is one of the nodes").id;
        let member_id = new_member_id(&mut coordinator, GROUP);
        let joined = coordinator.call(9, &join_request(GROUP, &member_id));
        assert_eq!(joined.error_code, 0);
        let sync = sync_request(GROUP, &joined, &[(&member_id, "all of it")]);
        (Coordinated { cluster, coordinator, node, member_id }, sync)
    }

    fn followers(&self) -> impl Iterator<Item = i32> {
        let leader = self.node;
        (1..=3).filter(move |node| *node != leader)
    }

    async fn hold_up_followers(&self) {
        for node in self.followers() {
            self.cluster.pause_replication(node).await.expect("done");
        }
    }

    async fn let_followers_go_on(&self) {
        for node in self.followers() {
            self.cluster.resume_replication(node).await.expect("done");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_is_answered_when_it_is_replicated() {
    let (mut group, sync) = Coordinated::start().await;
    group.hold_up_followers().await;
    let waiting = group.coordinator.send(5, &sync).expect("sent");
    assert!(group.coordinator.is_silent(A_MOMENT));
    group.let_followers_go_on().await;
    let answer = group.coordinator.receive::<SyncGroupRequest>(5, waiting).expect("answered");
    assert_eq!((answer.error_code, &*answer.assignment), (0, &b"all of it"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_that_goes_with_its_leader_was_never_answered() {
    let (mut group, sync) = Coordinated::start().await;
    group.hold_up_followers().await;
    let waiting = group.coordinator.send(5, &sync).expect("sent");
    assert!(group.coordinator.is_silent(A_MOMENT));
    group.cluster.kill_node(group.node).await.expect("done");
    assert!(group.coordinator.receive::<SyncGroupRequest>(5, waiting).is_err());
    let clients = TestCluster::at(group.cluster.bootstrap_servers());
    let asked = heartbeat(GROUP, &group.member_id, sync.generation_id);
    eventually("the next coordinator knows no such member", || {
        let answer = ask_coordinator(&clients, 4, &asked)?;
        (answer.error_code == UNKNOWN_MEMBER_ID).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_has_left_when_that_is_replicated() {
    let (mut group, sync) = Coordinated::start().await;
    assert_eq!(group.coordinator.call(5, &sync).error_code, 0);
    group.hold_up_followers().await;
    let member = MemberIdentity::default().with_member_id(text(&group.member_id));
    let leave = LeaveGroupRequest::default().with_group_id(group_id(GROUP));
    let leave = leave.with_members(vec![member]);
    let waiting = group.coordinator.send(5, &leave).expect("sent");
    assert!(group.coordinator.is_silent(A_MOMENT));
    group.let_followers_go_on().await;
    let answer = group.coordinator.receive::<LeaveGroupRequest>(5, waiting).expect("answered");
    assert_eq!((answer.error_code, answer.members[0].error_code), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_is_reassigned_forgets_what_the_next_leader_never_had() {
    let (mut group, sync) = Coordinated::start().await;
    assert_eq!(group.coordinator.call(5, &sync).error_code, 0);
    let followers: Vec<i32> = group.followers().collect();
    let clients = TestCluster::at(group.cluster.bootstrap_servers());
    let create = create_topic("flights", 1, 3, &[]);
    assert_eq!(clients.connect_to_any().call(7, &create).topics[0].error_code, 0);
    reassign_coordinators(&clients, &[group.node, followers[0]]);
    group.cluster.kill_node(followers[1]).await.expect("done");
    group.cluster.pause_replication(followers[0]).await.expect("done");
    // It waits for the node that is down.
    reassign_coordinators(&clients, &followers);
    let commit = commit(GROUP, "flights", 0, 5, "note")
        .with_member_id(text(&group.member_id))
        .with_generation_id_or_member_epoch(sync.generation_id);
    let waiting = group.coordinator.send(8, &commit).expect("sent");
    assert!(group.coordinator.is_silent(A_MOMENT));
    group.cluster.start_node(followers[1]).await.expect("done");
    let answer = group.coordinator.receive::<OffsetCommitRequest>(8, waiting).expect("answered");
    assert_eq!(answer.topics[0].partitions[0].error_code, NOT_COORDINATOR);
    assert_eq!(committed_topics(&clients), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_of_a_topic_deleted_while_no_node_coordinates_its_readers_are_deleted_too() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[]);
    let clients = &cluster.clients;
    let mut coordinator = clients.connect_to_coordinator(GROUP);
    let answer = coordinator.call(8, &commit(GROUP, &topic, 0, 5, "note"));
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
    cluster.switchboard.kill_node(cluster.coordinator(GROUP)).await.expect("done");
    let delete = delete_topic(&topic);
    assert_eq!(cluster.any_node().call(5, &delete).responses[0].error_code, 0);
    let again = create_topic(&topic, 1, 1, &[]);
    assert_eq!(cluster.any_node().call(7, &again).topics[0].error_code, 0);
    assert_eq!(committed_topics(clients), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_expects_no_answer_gets_none_from_a_fault_either() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1], &[]);
    let failure = (ApiKey::Produce, ResponseError::NotEnoughReplicas);
    cluster.switchboard.fail_next(failure.0, failure.1, 1).expect("it can fail");
    let mut leader = cluster.node(1);
    leader.send(9, &produce(&topic, 0, 0, Batch::of(&["lost"]).encode())).expect("sent");
    assert!(leader.is_closed());
    assert_eq!(cluster.high_watermark(1, &topic), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_was_down_when_its_topic_was_deleted_knows_nothing_when_it_is_back() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[]);
    let clients = &cluster.clients;
    let mut coordinator = clients.connect_to_coordinator(GROUP);
    let answer = coordinator.call(8, &commit(GROUP, &topic, 0, 5, "note"));
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
    let node = cluster.coordinator(GROUP);
    cluster.switchboard.kill_node(node).await.expect("done");
    assert_eq!(committed_topics(clients), 1, "the next coordinator has it");
    let delete = delete_topic("__consumer_offsets");
    assert_eq!(cluster.any_node().call(5, &delete).responses[0].error_code, 0);
    cluster.switchboard.start_node(node).await.expect("done");
    let asked = OffsetFetchRequest::default().with_group_id(group_id(GROUP)).with_topics(None);
    for node in 1..=3 {
        assert_eq!(cluster.node(node).call(7, &asked).error_code, NOT_COORDINATOR, "node {node}");
    }
    assert_eq!(committed_topics(clients), 0, "and no one has it any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_after_the_topic_was_deleted_outlives_its_coordinator() {
    let cluster = Disturbed::start().await;
    let (old, new) = (cluster.topic_on(&[1, 2, 3], &[]), cluster.topic_on(&[1, 2, 3], &[]));
    let clients = &cluster.clients;
    for topic in [&old, &new] {
        let mut coordinator = clients.connect_to_coordinator(GROUP);
        let answer = coordinator.call(8, &commit(GROUP, topic, 0, 5, "note"));
        assert_eq!(answer.topics[0].partitions[0].error_code, 0);
        if *topic == old {
            let delete = delete_topic("__consumer_offsets");
            assert_eq!(cluster.any_node().call(5, &delete).responses[0].error_code, 0);
        }
    }
    let node = cluster.coordinator(GROUP);
    cluster.switchboard.kill_node(node).await.expect("done");
    assert_eq!(committed_topics(clients), 1, "what was there before is not");
    cluster.switchboard.start_node(node).await.expect("done");
    assert_eq!(committed_topics(clients), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_stays_forgotten_when_the_cluster_starts_again() {
    let data = tempfile::tempdir().expect("a directory");
    let start = || Cluster::builder().nodes(3).data_dir(data.path()).start();
    let cluster = start().await.expect("a cluster starts");
    let clients = TestCluster::at(cluster.bootstrap_servers());
    let topic = clients.create_topic(1);
    let mut coordinator = clients.connect_to_coordinator(GROUP);
    let answer = coordinator.call(8, &commit(GROUP, &topic, 0, 5, "note"));
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
    let delete = delete_topic("__consumer_offsets");
    assert_eq!(clients.connect_to_any().call(5, &delete).responses[0].error_code, 0);
    cluster.shutdown().await;
    let cluster = start().await.expect("it starts again");
    assert_eq!(committed_topics(&TestCluster::at(cluster.bootstrap_servers())), 0);
}

/// Asks for other replicas for all groups.
fn reassign_coordinators(clients: &TestCluster, nodes: &[i32]) {
    let request = reassign("__consumer_offsets", 0..GROUP_PARTITIONS, Some(nodes));
    let answer = clients.connect_to_any().call(0, &request);
    let partitions = &answer.responses[0].partitions;
    assert!(partitions.iter().all(|it| it.error_code == 0), "{partitions:?}");
}

/// For how many topics the group has committed offsets, as its next coordinator says.
fn committed_topics(clients: &TestCluster) -> usize {
    let asked = OffsetFetchRequest::default().with_group_id(group_id(GROUP)).with_topics(None);
    let answer = eventually("there is a coordinator", || {
        ask_coordinator(clients, 7, &asked).filter(|answer| answer.error_code == 0)
    });
    answer.topics.len()
}

/// Asks the node that coordinates the group now; `None` where that one does not answer.
fn ask_coordinator<R: Request>(
    clients: &TestCluster,
    version: i16,
    request: &R,
) -> Option<R::Response> {
    let found = clients.connect_to_any().try_call(4, &find_coordinator(&[GROUP])).ok()?;
    let node = &found.coordinators[0];
    let address = format!("{}:{}", node.host.as_str(), node.port);
    RawClient::try_connect(&address).ok()?.try_call(version, request).ok()
}
