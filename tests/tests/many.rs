//! Many partitions and many connections, with few file descriptors.

use std::collections::BTreeMap;

use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ApiVersionsRequest, BrokerId, CreateTopicsRequest, ListOffsetsRequest, ProduceRequest,
};
use workshop_tests::batch::Batch;
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{create_topic, metadata, topic_name};
use workshop_tests::{HostedCluster, TestCluster, eventually};

const PARTITIONS: i32 = 10_000;
const CONNECTIONS: usize = 5_000;

/// Far fewer than there are partitions, and what most systems allow a program that does not ask.
const DESCRIPTORS: usize = 1_024;

/// For each node its partitions of a topic, once they all have a leader.
fn led_partitions(cluster: &TestCluster, topic: &str) -> BTreeMap<String, Vec<i32>> {
    eventually("every partition has a leader", || {
        let answer = cluster.connect().call(12, &metadata(&[topic]));
        let brokers = answer.brokers.iter();
        let addresses: BTreeMap<BrokerId, String> =
            brokers.map(|it| (it.node_id, format!("{}:{}", &*it.host, it.port))).collect();
        let mut led = BTreeMap::<String, Vec<i32>>::new();
        for partition in &answer.topics[0].partitions {
            let address = addresses.get(&partition.leader_id)?;
            led.entry(address.clone()).or_default().push(partition.partition_index);
        }
        (led.values().map(Vec::len).sum::<usize>() == PARTITIONS as usize).then_some(led)
    })
}

/// Appends a batch to every partition, at each leader in one request.
fn produce_to_all(cluster: &TestCluster, topic: &str) {
    let batch = Batch::of(&["EHAM"]).encode();
    for (address, partitions) in led_partitions(cluster, topic) {
        let data = partitions.iter().map(|index| {
            PartitionProduceData::default().with_index(*index).with_records(Some(batch.clone()))
        });
        let data = TopicProduceData::default()
            .with_name(topic_name(topic))
            .with_partition_data(data.collect());
        let request = ProduceRequest::default()
            .with_acks(-1)
            .with_timeout_ms(60_000)
            .with_topic_data(vec![data]);
        let answer = RawClient::connect(&address).call(9, &request);
        let answered = &answer.responses[0].partition_responses;
        assert_eq!(answered.len(), partitions.len());
        let refused = answered.iter().find(|it| it.error_code != 0);
        assert!(refused.is_none(), "{refused:?}");
    }
}

/// The end of every partition.
fn ends(cluster: &TestCluster, topic: &str) -> BTreeMap<i32, i64> {
    let mut ends = BTreeMap::new();
    for (address, partitions) in led_partitions(cluster, topic) {
        let asked = partitions
            .iter()
            .map(|it| ListOffsetsPartition::default().with_partition_index(*it).with_timestamp(-1));
        let asked = ListOffsetsTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(asked.collect());
        let request =
            ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![asked]);
        let answer = RawClient::connect(&address).call(5, &request);
        let answered = answer.topics[0].partitions.iter();
        ends.extend(answered.map(|it| (it.partition_index, it.offset)));
    }
    ends
}

#[cfg(unix)]
#[test]
fn ten_thousand_partitions_need_a_tenth_of_the_descriptors() {
    let mut cluster = HostedCluster::new(env!("CARGO_BIN_EXE_cluster-host"), 3);
    cluster.try_start_with_descriptors(DESCRIPTORS).expect("it starts");
    let request: CreateTopicsRequest = create_topic("flights", PARTITIONS, 3, &[]);
    let created = cluster.client().connect().call(7, &request);
    assert_eq!(created.topics[0].error_code, 0, "{:?}", created.topics[0].error_message);
    let everywhere =
        |end: i64| -> BTreeMap<i32, i64> { (0..PARTITIONS).map(|it| (it, end)).collect() };
    produce_to_all(cluster.client(), "flights");
    assert_eq!(ends(cluster.client(), "flights"), everywhere(1));
    cluster.shutdown();
    cluster.try_start_with_descriptors(DESCRIPTORS).expect("it starts again");
    produce_to_all(cluster.client(), "flights");
    assert_eq!(ends(cluster.client(), "flights"), everywhere(2));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_takes_five_thousand_connections_where_its_process_may_have_them() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    // Each connection has two ends in this process.
    let needed = 2 * CONNECTIONS as u64 + DESCRIPTORS as u64;
    let allowed = getrlimit(Resource::Nofile).maximum;
    if allowed.is_some_and(|allowed| allowed < needed) {
        return println!("skipped: `ulimit -H -n` is {allowed:?}, and {needed} are needed");
    }
    let low = Rlimit { current: Some(DESCRIPTORS as u64), maximum: allowed };
    setrlimit(Resource::Nofile, low).unwrap();
    let cluster = embedded_kafka::Cluster::builder().nodes(3).start().await.unwrap();
    let clients = TestCluster::at(cluster.bootstrap_servers());
    let addresses = clients.addresses();
    let mut connections: Vec<RawClient> =
        addresses.iter().cycle().take(CONNECTIONS).map(|it| RawClient::connect(it)).collect();
    for round in 0..2 {
        for client in &mut connections {
            let answer = client.call(0, &ApiVersionsRequest::default());
            assert_eq!(answer.error_code, 0, "round {round}");
        }
    }
    // Nor do the logs want for a descriptor.
    let topic = clients.create_topic(50);
    for partition in 0..50 {
        let mut leader = clients.connect_to_leader(&topic, partition);
        let records = Batch::of(&["EHAM"]).encode();
        let answer =
            leader.call(9, &workshop_tests::requests::produce(&topic, partition, -1, records));
        assert_eq!(workshop_tests::requests::produced(&answer).error_code, 0);
    }
}
