//! What nodes answer while others are down, dead, or behind: raw requests, one at a time.

use std::time::{Duration, Instant};

use embedded_kafka::{ApiKey, Cluster, NodeError, ResponseError};
use kafka_protocol::messages::{
    DescribeTopicPartitionsRequest, ElectLeadersRequest, IncrementalAlterConfigsRequest,
    OffsetForLeaderEpochRequest, describe_topic_partitions_request::TopicRequest,
    incremental_alter_configs_request, offset_for_leader_epoch_request,
};
use workshop_tests::batch::Batch;
use workshop_tests::disturbed::Disturbed;
use workshop_tests::errors::{
    ELECTION_NOT_NEEDED, ELIGIBLE_LEADERS_NOT_AVAILABLE, LEADER_NOT_AVAILABLE, NOT_ENOUGH_REPLICAS,
    NOT_LEADER_OR_FOLLOWER, PREFERRED_LEADER_NOT_AVAILABLE, REQUEST_TIMED_OUT,
};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{
    fetch, list_offsets, metadata, produce, produced, text, topic_name,
};
use workshop_tests::{TestCluster, eventually};

use super::failover_clients::{PREFERRED, UNCLEAN};

#[tokio::test(flavor = "multi_thread")]
async fn records_that_only_a_dead_leader_had_are_lost_and_their_offsets_used_again() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[]);
    assert_eq!(cluster.append(1, &topic, -1, &["safe"]), (0, 0));
    for follower in [2, 3] {
        cluster.switchboard.pause_replication(follower).await.unwrap();
    }
    assert_eq!(cluster.append(1, &topic, 1, &["lost", "lost, too"]), (0, 1));
    assert_eq!(cluster.high_watermark(1, &topic), 1, "no one else has them");
    cluster.switchboard.kill_node(1).await.unwrap();
    let led = cluster.wait_for_leader(&topic, 2);
    assert!(led.leader_epoch > 0);
    assert_eq!(cluster.high_watermark(2, &topic), 1);
    cluster.switchboard.resume_replication(3).await.unwrap();
    assert_eq!(cluster.append(2, &topic, -1, &["another"]), (0, 1));

    // A consumer that had read in epoch 0 learns how much of it is left (KIP-320).
    let partition = offset_for_leader_epoch_request::OffsetForLeaderPartition::default()
        .with_partition(0)
        .with_current_leader_epoch(led.leader_epoch)
        .with_leader_epoch(0);
    let asked = offset_for_leader_epoch_request::OffsetForLeaderTopic::default()
        .with_topic(topic_name(&topic))
        .with_partitions(vec![partition]);
    let request = OffsetForLeaderEpochRequest::default()
        .with_replica_id((-2).into())
        .with_topics(vec![asked]);
    let answer = cluster.node(2).call(4, &request);
    let end = &answer.topics[0].partitions[0];
    assert_eq!((end.error_code, end.leader_epoch, end.end_offset), (0, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn acks_all_waits_for_a_follower_until_it_leaves_the_isr() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[("min.insync.replicas", "2")]);
    cluster.switchboard.pause_replication(3).await.unwrap();
    let started = Instant::now();
    assert_eq!(cluster.append(1, &topic, -1, &["one"]), (0, 0));
    assert!(started.elapsed() >= Duration::from_millis(150), "{:?}", started.elapsed());
    cluster.wait_for_in_sync(&topic, &[1, 2]);
    assert_eq!(cluster.append(1, &topic, -1, &["two"]), (0, 1));
    cluster.switchboard.resume_replication(3).await.unwrap();
    cluster.wait_for_in_sync(&topic, &[1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_few_in_sync_refuse_acks_all_and_hide_what_acks_1_wrote() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[("min.insync.replicas", "2")]);
    for follower in [2, 3] {
        cluster.switchboard.stop_node(follower).await.unwrap();
    }
    cluster.wait_for_in_sync(&topic, &[1]);
    assert_eq!(cluster.append(1, &topic, -1, &["refused"]).0, NOT_ENOUGH_REPLICAS);
    assert_eq!(cluster.append(1, &topic, 1, &["hidden"]), (0, 0));
    assert_eq!(cluster.high_watermark(1, &topic), 0);
    cluster.switchboard.start_node(2).await.unwrap();
    assert_eq!(cluster.high_watermark(1, &topic), 1);
    assert_eq!(cluster.append(1, &topic, -1, &["taken"]), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_waits_for_too_few_times_out_with_its_records_written() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2], &[("min.insync.replicas", "2")]);
    cluster.switchboard.pause_replication(2).await.unwrap();
    assert_eq!(cluster.append(1, &topic, -1, &["unsure"]).0, REQUEST_TIMED_OUT);
    assert_eq!(cluster.high_watermark(1, &topic), 0);
    cluster.switchboard.resume_replication(2).await.unwrap();
    assert_eq!(cluster.high_watermark(1, &topic), 1, "it was written all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_waits_at_a_leader_that_hands_over_is_sent_elsewhere() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[]);
    cluster.switchboard.pause_replication(2).await.unwrap();
    cluster.switchboard.pause_replication(3).await.unwrap();
    let mut client = cluster.node(1);
    let request = produce(&topic, 0, -1, Batch::of(&["cut"]).encode());
    let sent = client.send(9, &request).unwrap();
    eventually("the record is written", || {
        let answer = cluster.node(1).call(9, &produce(&topic, 0, 1, Batch::of(&["x"]).encode()));
        (produced(&answer).base_offset > 0).then_some(())
    });
    cluster.switchboard.stop_node(1).await.unwrap();
    // The answer is sent before the connection is closed, or not at all.
    if let Ok(answer) = client.receive::<kafka_protocol::messages::ProduceRequest>(9, sent) {
        assert_eq!(produced(&answer).error_code, NOT_LEADER_OR_FOLLOWER);
    }
    cluster.wait_for_leader(&topic, 2);
    assert_eq!(cluster.high_watermark(2, &topic), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_whose_nodes_are_all_gone_is_offline_until_one_in_sync_is_back() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[2, 3], &[]);
    assert_eq!(cluster.append(2, &topic, -1, &["kept"]), (0, 0));
    cluster.switchboard.kill_node(3).await.unwrap();
    cluster.wait_for_in_sync(&topic, &[2]);
    assert_eq!(cluster.append(2, &topic, -1, &["kept, too"]), (0, 1));
    cluster.switchboard.kill_node(2).await.unwrap();
    let offline = cluster.wait_for_leader(&topic, -1);
    assert_eq!(offline.error_code, LEADER_NOT_AVAILABLE);
    assert_eq!((offline.isr_nodes.len(), offline.offline_replicas.len()), (0, 2));
    assert_eq!(cluster.append(1, &topic, 1, &["nowhere"]).0, NOT_LEADER_OR_FOLLOWER);

    // As Apache Kafka 4.3 shows it, the last one in sync may be elected again, and led last.
    let asked = TopicRequest::default().with_name(topic_name(&topic));
    let request = DescribeTopicPartitionsRequest::default()
        .with_topics(vec![asked])
        .with_response_partition_limit(10);
    let described = cluster.node(1).call(0, &request);
    let partition = &described.topics[0].partitions[0];
    assert_eq!(partition.eligible_leader_replicas.as_deref(), Some(&[2.into()][..]));
    assert_eq!(partition.last_known_elr.as_deref(), Some(&[2.into()][..]));

    cluster.switchboard.start_node(3).await.unwrap();
    assert_eq!(cluster.partition(&topic).leader_id, -1, "node 3 lacks what was acknowledged");
    cluster.switchboard.start_node(2).await.unwrap();
    cluster.wait_for_leader(&topic, 2);
    assert_eq!(cluster.high_watermark(2, &topic), 2);
    cluster.wait_for_in_sync(&topic, &[2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unclean_election_brings_a_partition_back_without_what_was_acknowledged() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[2, 3], &[]);
    cluster.switchboard.kill_node(3).await.unwrap();
    cluster.wait_for_in_sync(&topic, &[2]);
    assert_eq!(cluster.append(2, &topic, -1, &["acknowledged"]), (0, 0));
    cluster.switchboard.kill_node(2).await.unwrap();
    cluster.wait_for_leader(&topic, -1);
    cluster.switchboard.start_node(3).await.unwrap();
    let setting = incremental_alter_configs_request::AlterableConfig::default()
        .with_name(text("unclean.leader.election.enable"))
        .with_value(Some(text("true")));
    let resource = incremental_alter_configs_request::AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text(&topic))
        .with_configs(vec![setting]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    assert_eq!(cluster.node(1).call(1, &request).responses[0].error_code, 0);
    cluster.wait_for_leader(&topic, 3);
    assert_eq!(cluster.high_watermark(3, &topic), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preferred_leader_takes_over_when_it_is_asked_to() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2], &[]);
    assert_eq!(cluster.elect(PREFERRED, &topic), ELECTION_NOT_NEEDED);
    cluster.switchboard.stop_node(1).await.expect("it runs");
    assert_eq!(cluster.partition(&topic).leader_id, 2);
    assert_eq!(cluster.elect(PREFERRED, &topic), PREFERRED_LEADER_NOT_AVAILABLE);
    cluster.switchboard.start_node(1).await.expect("it is down");
    let before = cluster.partition(&topic).leader_epoch;
    assert_eq!(cluster.elect(PREFERRED, &topic), 0);
    let led = cluster.partition(&topic);
    assert_eq!((led.leader_id.0, led.leader_epoch), (1, before + 1));
    assert_eq!(cluster.elect(PREFERRED, "no-such-topic"), 3);
    // A request for all returns only those that needed it.
    let all = ElectLeadersRequest::default().with_topic_partitions(None);
    let results = cluster.node(1).call(2, &all).replica_election_results;
    assert!(!results.is_empty() && results.iter().all(|it| it.partition_result.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unclean_election_is_possible_for_a_partition_without_a_leader() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[2, 3], &[]);
    assert_eq!(cluster.elect(UNCLEAN, &topic), ELECTION_NOT_NEEDED);
    cluster.switchboard.kill_node(3).await.expect("it runs");
    cluster.wait_for_in_sync(&topic, &[2]);
    cluster.append(2, &topic, -1, &["acknowledged, and lost"]);
    cluster.switchboard.kill_node(2).await.expect("it runs");
    cluster.wait_for_leader(&topic, -1);
    assert_eq!(cluster.elect(UNCLEAN, &topic), ELIGIBLE_LEADERS_NOT_AVAILABLE);
    cluster.switchboard.start_node(3).await.expect("it is down");
    assert_eq!(cluster.elect(UNCLEAN, &topic), 0);
    assert_eq!((cluster.partition(&topic).leader_id.0, cluster.high_watermark(3, &topic)), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_down_is_not_listed_and_comes_back_where_it_was() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[2, 1], &[]);
    let listed = |cluster: &Disturbed| {
        let brokers = cluster.metadata(&topic).brokers;
        let mut ids: Vec<i32> = brokers.iter().map(|it| it.node_id.0).collect();
        ids.sort_unstable();
        ids
    };
    let mut connected = cluster.node(2);
    cluster.switchboard.stop_node(2).await.unwrap();
    assert!(connected.try_call(12, &metadata(&[])).is_err(), "the connection is closed");
    eventually("no one listens", || RawClient::try_connect(&cluster.address(2)).err());
    assert_eq!(listed(&cluster), [1, 3]);
    assert_eq!(cluster.partition(&topic).leader_id, 1, "it has handed over");
    cluster.switchboard.start_node(2).await.unwrap();
    assert_eq!(listed(&cluster), [1, 2, 3]);
    assert_eq!(cluster.node(2).call(12, &metadata(&[&topic])).topics[0].error_code, 0);
    cluster.wait_for_in_sync(&topic, &[1, 2]);
    assert_eq!(cluster.partition(&topic).leader_id, 1, "who leads goes on leading");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_serves_what_it_has() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2], &[]);
    cluster.append(1, &topic, -1, &["both have it"]);
    cluster.switchboard.pause_replication(2).await.unwrap();
    cluster.append(1, &topic, 1, &["one has it"]);
    cluster.wait_for_in_sync(&topic, &[1]);
    let read = |node: i32, offset| {
        let answer = cluster.node(node).call(11, &fetch(&topic, 0, offset));
        let partition = answer.responses[0].partitions[0].clone();
        (partition.error_code, partition.high_watermark)
    };
    assert_eq!(read(1, 0), (0, 2));
    assert_eq!(read(2, 0), (0, 1));
    assert_eq!(read(2, 2).0, 1, "OFFSET_OUT_OF_RANGE");
    assert_eq!(read(3, 0).0, NOT_LEADER_OR_FOLLOWER);
    cluster.switchboard.resume_replication(2).await.unwrap();
    assert_eq!(read(2, 0), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_topics_go_to_the_nodes_that_run() {
    let cluster = Disturbed::start().await;
    cluster.switchboard.stop_node(3).await.unwrap();
    let partitions_of = |factor| {
        let topic = cluster.clients.topic_name();
        let request = workshop_tests::requests::create_topic(&topic, 6, factor, &[]);
        assert_eq!(cluster.node(1).call(7, &request).topics[0].error_code, 0);
        cluster.metadata(&topic).topics[0].partitions.clone()
    };
    for partition in partitions_of(2) {
        assert!(!partition.replica_nodes.contains(&3.into()), "{partition:?}");
    }
    // With as many replicas as nodes the one that is down gets its part, and is not in sync.
    for partition in partitions_of(3) {
        assert_eq!((partition.replica_nodes.len(), partition.isr_nodes.len()), (3, 2));
        assert_eq!(partition.offline_replicas, [3]);
        assert_ne!(partition.leader_id, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn epochs_do_not_go_back_when_the_cluster_starts_again() {
    let data = tempfile::tempdir().unwrap();
    let start = || Cluster::builder().nodes(2).data_dir(data.path()).start();
    let epoch = |cluster: &Cluster, topic: &str| {
        let mut client = RawClient::connect(&cluster.nodes()[0].address.to_string());
        client.call(12, &metadata(&[topic])).topics[0].partitions[0].leader_epoch
    };
    let cluster = start().await.unwrap();
    let clients = TestCluster::at(cluster.bootstrap_servers());
    let topic = clients.create_topic_with(1, 2, &[]);
    assert_eq!(epoch(&cluster, &topic), 0);
    for _ in 0..3 {
        for node in [2, 1] {
            cluster.stop_node(node).await.unwrap();
            cluster.start_node(node).await.unwrap();
        }
    }
    let before = epoch(&cluster, &topic);
    assert!(before > 1, "{before}");
    cluster.shutdown().await;
    let cluster = start().await.unwrap();
    let after = epoch(&cluster, &topic);
    assert!(after > before, "{after} after {before}");
    drop(cluster);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_requests_of_an_api_are_answered_with_an_error() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1], &[]);
    let error = ResponseError::NotEnoughReplicas;
    cluster.switchboard.fail_next(ApiKey::Produce, error, 2).unwrap();
    assert_eq!(cluster.append(1, &topic, 1, &["no"]).0, NOT_ENOUGH_REPLICAS);
    assert_eq!(cluster.append(1, &topic, 1, &["no"]).0, NOT_ENOUGH_REPLICAS);
    assert_eq!(cluster.append(1, &topic, 1, &["yes"]), (0, 0));
    let refused = cluster.switchboard.fail_next(ApiKey::ApiVersions, error, 1);
    assert!(matches!(refused, Err(NodeError::NoErrorResponse { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_answer_is_lost_has_taken_effect() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1], &[]);
    cluster.switchboard.drop_response(ApiKey::Produce);
    let request = produce(&topic, 0, 1, Batch::of(&["there"]).encode());
    assert!(cluster.node(1).try_call(9, &request).is_err());
    assert_eq!(cluster.high_watermark(1, &topic), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_delayed_answers_late_and_the_others_do_not() {
    let cluster = Disturbed::start().await;
    let delay = Duration::from_secs(2);
    cluster.switchboard.delay(2, delay).unwrap();
    let elapsed = |node| {
        let mut client = cluster.node(node);
        let started = Instant::now();
        client.call(12, &metadata(&[]));
        started.elapsed()
    };
    assert!(elapsed(2) >= delay);
    assert!(elapsed(1) < delay);
    cluster.switchboard.delay(2, Duration::ZERO).unwrap();
    assert!(elapsed(2) < delay);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_stopped_and_started_only_once() {
    let cluster = Disturbed::start().await;
    let switchboard = &cluster.switchboard;
    assert!(matches!(switchboard.kill_node(4).await, Err(NodeError::NoSuchNode { node: 4 })));
    assert!(matches!(switchboard.start_node(1).await, Err(NodeError::WrongState { .. })));
    switchboard.kill_node(1).await.unwrap();
    assert!(matches!(switchboard.stop_node(1).await, Err(NodeError::WrongState { .. })));
    // It is back before anybody has missed it.
    switchboard.start_node(1).await.unwrap();
    let topic = cluster.topic_on(&[1], &[]);
    assert_eq!(cluster.node(1).call(5, &list_offsets(&topic, 0, -1)).topics.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_node_does_not_respond_and_is_fenced_in_time() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2], &[]);
    let asked = |cluster: &Disturbed| {
        let mut client = cluster.node(1);
        std::thread::spawn(move || client.call(12, &metadata(&[])).brokers.len())
    };
    cluster.switchboard.pause_node(1).await.unwrap();
    let waiting = asked(&cluster);
    let mut node = cluster.node(2);
    let led = eventually("another leads", || {
        let answer = node.call(12, &metadata(&[&topic]));
        Some(answer.topics[0].partitions[0].clone()).filter(|it| it.leader_id == 2)
    });
    assert_eq!(led.isr_nodes, [2]);
    assert!(!waiting.is_finished(), "no one has answered");
    let refused = cluster.switchboard.stop_node(1).await;
    assert!(matches!(refused, Err(NodeError::WrongState { state: "paused", .. })), "{refused:?}");
    cluster.switchboard.resume_node(1).await.unwrap();
    assert_eq!(waiting.join().unwrap(), 3, "what was asked meanwhile is answered");
    cluster.wait_for_in_sync(&topic, &[1, 2]);
    assert_eq!(cluster.append(1, &topic, 1, &["stale"]).0, NOT_LEADER_OR_FOLLOWER);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_pause_moves_no_leader() {
    let builder = Cluster::builder().nodes(2).failover_delay(Duration::from_secs(600));
    let cluster = builder.start().await.unwrap();
    let clients = TestCluster::at(cluster.bootstrap_servers());
    let topic = clients.create_topic_with(1, 2, &[]);
    let partition =
        || clients.connect().call(12, &metadata(&[&topic])).topics[0].partitions[0].clone();
    let before = partition();
    for node in [1, 2] {
        cluster.pause_node(node).await.unwrap();
        cluster.resume_node(node).await.unwrap();
    }
    assert_eq!(partition(), before);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leader_sends_a_reader_to_the_replica_in_its_rack() {
    let builder = Cluster::builder().nodes(3).racks(["a", "b", "c"]);
    let switchboard = builder.start().await.unwrap();
    let clients = TestCluster::at(switchboard.bootstrap_servers());
    let cluster = Disturbed { switchboard, clients };
    let topic = cluster.topic_on(&[1, 2], &[]);
    let brokers = cluster.metadata(&topic).brokers;
    assert!(
        brokers
            .iter()
            .all(|it| it.rack.as_deref() == Some(["a", "b", "c"][it.node_id.0 as usize - 1]))
    );
    cluster.append(1, &topic, -1, &["one"]);
    let read = |node: i32, rack: &str, offset| {
        let request = fetch(&topic, 0, offset).with_rack_id(text(rack));
        let answer = cluster.node(node).call(11, &request);
        let partition = answer.responses[0].partitions[0].clone();
        let bytes = partition.records.map_or(0, |records| records.len());
        (partition.error_code, partition.preferred_read_replica.0, bytes > 0)
    };
    assert_eq!(read(1, "b", 0), (0, 2, false), "told to go elsewhere");
    assert_eq!(read(2, "b", 0), (0, -1, true), "there it is");
    for rack in ["", "a", "c", "unknown"] {
        assert_eq!(read(1, rack, 0), (0, -1, true), "{rack:?} has no follower");
    }
    assert_eq!(read(1, "b", 7), (1, -1, false), "no replica has the offset");
    cluster.switchboard.stop_node(2).await.unwrap();
    assert_eq!(read(1, "b", 0), (0, -1, true), "the follower is gone");
}
