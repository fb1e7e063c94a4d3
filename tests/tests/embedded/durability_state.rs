//! What a cluster knows in addition to the records, across a SIGKILL, a clean restart, and a
//! restart with another number of nodes: topics and their settings, log starts, groups, producer
//! ids.

use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::{
    CreatePartitionsRequest, DeleteGroupsRequest, DeleteRecordsRequest, DescribeConfigsRequest,
    IncrementalAlterConfigsRequest, InitProducerIdRequest, ListGroupsRequest, OffsetFetchRequest,
    ProducerId,
};
use workshop_tests::batch::{Batch, offsets};
use workshop_tests::configs::{SET, TOPIC};
use workshop_tests::errors::UNKNOWN_TOPIC_OR_PARTITION;
use workshop_tests::group::{heartbeat, join_alone};
use workshop_tests::requests::{
    create_topic, delete_topic, fetch, group_id, list_offsets, metadata, produce, produced, text,
    topic_name,
};
use workshop_tests::{HostedCluster, TestCluster, requests};

const HOST: &str = env!("CARGO_BIN_EXE_cluster-host");

const EARLIEST: i64 = -2;
const LATEST: i64 = -1;

const DOOMED: &str = "doomed";
const FLIGHTS: &str = "flights";
const GROUP: &str = "dispatch";

/// What a client can see of a cluster that a restart must not change.
#[derive(Debug, PartialEq)]
struct Seen {
    cluster_id: String,
    topic_id: String,
    partitions: usize,
    retention: String,
    log_start: i64,
    log_end: i64,
    committed: Vec<(i32, i64, String)>,
    groups: Vec<String>,
}

/// Fills a new cluster with something of everything.
fn fill(cluster: &TestCluster) {
    let mut client = cluster.connect();
    for topic in [FLIGHTS, DOOMED] {
        let request = create_topic(topic, 2, -1, &[("retention.ms", "1000000")]);
        assert_eq!(client.call(7, &request).topics[0].error_code, 0);
        for _ in 0..10 {
            write(cluster, topic, 0);
        }
    }
    let more = CreatePartitionsTopic::default()
        .with_name(topic_name(FLIGHTS))
        .with_count(5)
        .with_assignments(None);
    let request = CreatePartitionsRequest::default().with_topics(vec![more]).with_timeout_ms(5_000);
    assert_eq!(client.call(3, &request).results[0].error_code, 0);
    alter(cluster, "2000000");
    delete_records(cluster, 4);
    for (group, offset, note) in [(GROUP, 7, "gate 12"), ("forgotten", 1, "")] {
        commit(cluster, group, 0, 3, "old");
        commit(cluster, group, 0, offset, note);
        commit(cluster, group, 4, 0, "");
    }
    let names = vec![group_id("forgotten")];
    let request = DeleteGroupsRequest::default().with_groups_names(names);
    let mut coordinator = cluster.connect_to_coordinator("forgotten");
    assert_eq!(coordinator.call(2, &request).results[0].error_code, 0);
    let request = delete_topic(DOOMED);
    assert_eq!(client.call(5, &request).responses[0].error_code, 0);
}

fn write(cluster: &TestCluster, topic: &str, partition: i32) -> i64 {
    let batch = Batch::of(&["a record"]).encode();
    let mut leader = cluster.connect_to_leader(topic, partition);
    let answer = leader.call(9, &produce(topic, partition, -1, batch));
    assert_eq!(produced(&answer).error_code, 0);
    produced(&answer).base_offset
}

fn alter(cluster: &TestCluster, retention: &str) {
    let setting = AlterableConfig::default()
        .with_name(text("retention.ms"))
        .with_config_operation(SET)
        .with_value(Some(text(retention)));
    let resource = AlterConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(FLIGHTS))
        .with_configs(vec![setting]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    assert_eq!(cluster.connect().call(1, &request).responses[0].error_code, 0);
}

fn delete_records(cluster: &TestCluster, before: i64) {
    let partition = DeleteRecordsPartition::default().with_partition_index(0).with_offset(before);
    let topic = DeleteRecordsTopic::default()
        .with_name(topic_name(FLIGHTS))
        .with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(5_000);
    let answer = cluster.connect_to_leader(FLIGHTS, 0).call(2, &request);
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
}

fn commit(cluster: &TestCluster, group: &str, partition: i32, offset: i64, note: &str) {
    let request = requests::commit(group, FLIGHTS, partition, offset, note);
    let answer = cluster.connect_to_coordinator(group).call(8, &request);
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
}

fn see(cluster: &TestCluster) -> Seen {
    let mut client = cluster.connect();
    let answer = client.call(12, &metadata(&[FLIGHTS]));
    let topic = &answer.topics[0];
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text(FLIGHTS))
        .with_configuration_keys(Some(vec![text("retention.ms")]));
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let configs = &client.call(4, &request).results[0].configs;
    let mut leader = cluster.connect_to_leader(FLIGHTS, 0);
    let mut offset =
        |at| leader.call(5, &list_offsets(FLIGHTS, 0, at)).topics[0].partitions[0].offset;
    Seen {
        cluster_id: answer.cluster_id.as_ref().expect("a cluster has an id").to_string(),
        topic_id: topic.topic_id.to_string(),
        partitions: topic.partitions.len(),
        retention: configs[0].value.as_ref().expect("it has a value").to_string(),
        log_start: offset(EARLIEST),
        log_end: offset(LATEST),
        committed: committed(cluster, GROUP),
        groups: groups(cluster),
    }
}

/// Partition, offset and metadata of everything that a group has committed.
fn committed(cluster: &TestCluster, group: &str) -> Vec<(i32, i64, String)> {
    let request = OffsetFetchRequest::default().with_group_id(group_id(group)).with_topics(None);
    let answer = cluster.connect_to_coordinator(group).call(7, &request);
    let offsets = answer.topics.iter().flat_map(|topic| &topic.partitions).map(|it| {
        let metadata = it.metadata.as_ref().expect("metadata is never null").to_string();
        (it.partition_index, it.committed_offset, metadata)
    });
    offsets.collect()
}

/// The groups that any node coordinates, by name.
fn groups(cluster: &TestCluster) -> Vec<String> {
    let mut groups = Vec::new();
    for address in cluster.addresses() {
        let mut client = workshop_tests::raw::RawClient::connect(&address);
        let answer = client.call(4, &ListGroupsRequest::default());
        groups.extend(answer.groups.iter().map(|group| group.group_id.to_string()));
    }
    groups.sort();
    groups
}

fn new_producer_id(cluster: &TestCluster) -> i64 {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    cluster.connect().call(4, &request).producer_id.0
}

/// Restarts a cluster twice and compares.
fn everything_survives(stop: fn(&mut HostedCluster)) {
    let mut cluster = HostedCluster::start_new(HOST, 3);
    fill(cluster.client());
    let before = see(cluster.client());
    assert_eq!((before.partitions, before.log_start, before.log_end), (5, 4, 10));
    assert_eq!(before.committed, [(0, 7, "gate 12".into()), (4, 0, String::new())]);
    let mut producer_ids = vec![new_producer_id(cluster.client())];
    for _ in 0..2 {
        stop(&mut cluster);
        cluster.start();
        assert_eq!(see(cluster.client()), before);
        let doomed = cluster.client().connect().call(12, &metadata(&[DOOMED]));
        assert_eq!(doomed.topics[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
        let id = new_producer_id(cluster.client());
        assert!(!producer_ids.contains(&id), "{id} was assigned before");
        producer_ids.push(id);
    }
    assert_eq!(write(cluster.client(), FLIGHTS, 0), 10);
    assert_eq!(write(cluster.client(), FLIGHTS, 4), 0);
}

#[test]
fn everything_survives_a_kill() {
    everything_survives(HostedCluster::kill);
}

#[test]
fn everything_survives_a_clean_restart() {
    everything_survives(HostedCluster::shutdown);
}

#[test]
fn a_topic_that_is_created_again_after_a_kill_is_empty() {
    let mut cluster = HostedCluster::start_new(HOST, 1);
    fill(cluster.client());
    cluster.kill();
    cluster.start();
    let created = cluster.client().connect().call(7, &create_topic(DOOMED, 2, 1, &[]));
    assert_eq!(created.topics[0].error_code, 0);
    assert_eq!(write(cluster.client(), DOOMED, 0), 0);
    cluster.kill();
    cluster.start();
    assert_eq!(write(cluster.client(), DOOMED, 0), 1);
}

#[test]
fn offsets_of_a_topic_go_although_its_deletion_was_cut_short() {
    let mut cluster = HostedCluster::start_new(HOST, 3);
    let create = create_topic(FLIGHTS, 1, 3, &[]);
    assert_eq!(cluster.client().connect().call(7, &create).topics[0].error_code, 0);
    commit(cluster.client(), GROUP, 0, 5, "note");
    cluster.kill();
    // The first step of a deletion, after which the topic is gone.
    let topic = cluster.directory().join("topics").join(format!("{FLIGHTS}.json"));
    std::fs::remove_file(topic).expect("the topic is described in a file");
    for _ in 0..2 {
        cluster.start();
        assert_eq!(committed(cluster.client(), GROUP), []);
        cluster.kill();
    }
    cluster.start();
    assert_eq!(cluster.client().connect().call(7, &create).topics[0].error_code, 0);
    assert_eq!(committed(cluster.client(), GROUP), []);
}

#[test]
fn a_member_of_a_group_is_still_a_member_after_a_kill() {
    let mut cluster = HostedCluster::start_new(HOST, 3);
    let mut coordinator = cluster.client().connect_to_coordinator(GROUP);
    let (member, generation) = join_alone(&mut coordinator, GROUP);
    cluster.kill();
    cluster.start();
    let mut coordinator = cluster.client().connect_to_coordinator(GROUP);
    let answer = coordinator.call(4, &heartbeat(GROUP, &member, generation));
    assert_eq!(answer.error_code, 0);
    let answer = coordinator.call(4, &heartbeat(GROUP, &member, generation + 1));
    assert_eq!(answer.error_code, 22, "the generation is known too");
}

/// How many records each partition's leader returns from its start on.
fn readable(cluster: &TestCluster, partitions: i32) -> Vec<usize> {
    let count = |partition| {
        let mut leader = cluster.connect_to_leader(FLIGHTS, partition);
        let answer = leader.call(12, &fetch(FLIGHTS, partition, 0));
        let data = &answer.responses[0].partitions[0];
        assert_eq!(data.error_code, 0);
        let records = data.records.clone().unwrap_or_default();
        offsets(records).iter().map(|(_, count)| *count as usize).sum()
    };
    (0..partitions).map(count).collect()
}

#[test]
fn a_cluster_may_come_back_with_fewer_nodes_or_more() {
    let mut cluster = HostedCluster::start_new(HOST, 3);
    let request = create_topic(FLIGHTS, 6, 3, &[]);
    assert_eq!(cluster.client().connect().call(7, &request).topics[0].error_code, 0);
    for partition in 0..6 {
        write(cluster.client(), FLIGHTS, partition);
    }
    commit(cluster.client(), GROUP, 5, 1, "note");
    for (restarts, nodes) in [1, 5, 2, 3].into_iter().enumerate() {
        cluster.shutdown();
        cluster.start_with_nodes(nodes);
        let client = cluster.client();
        assert_eq!(client.connect().call(12, &metadata(&[])).brokers.len(), nodes);
        assert_eq!(readable(client, 6), [restarts + 1; 6], "with {nodes} nodes");
        for partition in 0..6 {
            assert_eq!(write(client, FLIGHTS, partition), restarts as i64 + 1);
        }
        let note = (5, restarts as i64 + 1, "note".into());
        assert_eq!(committed(client, GROUP), [note]);
        commit(client, GROUP, 5, restarts as i64 + 2, "note");
        let wide = create_topic(&format!("wide-{nodes}-{restarts}"), 6, nodes as i16, &[]);
        assert_eq!(client.connect().call(7, &wide).topics[0].error_code, 0);
    }
}
