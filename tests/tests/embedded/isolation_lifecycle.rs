//! Starting and stopping a cluster inside a process: in any runtime or none, next to another one,
//! and with settings that cannot be.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use embedded_kafka::{Cluster, ClusterBuilder, StartError};
use engines::free_ports;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord};
use rdkafka::{ClientConfig, Message};
use tokio::runtime::{Builder, Runtime};
use workshop_tests::batch::Batch;
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{create_topic, metadata, produce, produced};
use workshop_tests::{DEADLINE, TestCluster, eventually};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn assert_answers(cluster: &Cluster) {
    for node in cluster.nodes() {
        let mut client = RawClient::connect(&node.address.to_string());
        assert_eq!(client.call(12, &metadata(&[])).brokers.len(), cluster.nodes().len());
    }
}

fn assert_closed(addresses: &[String]) {
    for address in addresses {
        eventually("the socket is closed", || TcpStream::connect(address).is_err().then_some(()));
    }
}

fn addresses(cluster: &Cluster) -> Vec<String> {
    cluster.nodes().iter().map(|node| node.address.to_string()).collect()
}

#[tokio::test]
async fn two_clusters_in_one_process_know_nothing_of_each_other() {
    let first = Cluster::builder().nodes(2).start().await.expect("a cluster starts");
    let second = Cluster::builder().nodes(2).start().await.expect("a cluster starts");
    assert_ne!(first.cluster_id(), second.cluster_id());
    let clients = [&first, &second].map(|it| TestCluster::at(it.bootstrap_servers()));
    for (client, value) in clients.iter().zip(["first", "second"]) {
        let answer = client.connect().call(7, &create_topic("same-name", 1, 1, &[]));
        assert_eq!(answer.topics[0].error_code, 0);
        let batch = Batch::of(&[value]).encode();
        let mut leader = client.connect_to_leader("same-name", 0);
        let answer = leader.call(9, &produce("same-name", 0, -1, batch));
        assert_eq!((produced(&answer).error_code, produced(&answer).base_offset), (0, 0));
    }
    first.shutdown().await;
    assert_answers(&second);
}

#[test]
fn a_cluster_answers_while_its_callers_only_thread_is_blocked() {
    current_thread().block_on(async {
        let cluster = Cluster::builder().nodes(3).start().await.expect("a cluster starts");
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap_servers());
        // Every call blocks the only thread of the runtime: nothing is awaited.
        let producer: BaseProducer = config.create().expect("a producer");
        producer.send(BaseRecord::<(), str>::to("blocked").payload("value")).expect("queued");
        workshop_tests::flush(&producer);
        let consumer: BaseConsumer = config
            .set("group.id", "blocked")
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.offset.store", "false")
            .create()
            .expect("a consumer");
        consumer.subscribe(&["blocked"]).expect("subscribed");
        let value = eventually("the record is read", || {
            let record = consumer.poll(Duration::from_millis(50))?.expect("no error");
            record.payload().map(<[u8]>::to_vec)
        });
        assert_eq!(value, b"value");
    });
}

#[test]
fn a_cluster_dropped_within_a_runtime_closes_its_sockets() {
    for runtime in [current_thread(), Runtime::new().expect("a runtime")] {
        let addresses = runtime.block_on(async {
            let cluster = Cluster::builder().nodes(3).start().await.expect("a cluster starts");
            let addresses = addresses(&cluster);
            let mut connected = RawClient::connect(&addresses[0]);
            drop(cluster);
            assert!(connected.is_closed(), "open connections are closed too");
            addresses
        });
        assert_closed(&addresses);
    }
}

#[test]
fn a_cluster_outlives_the_runtime_it_was_started_in_and_is_dropped_outside_of_any() {
    let cluster = current_thread().block_on(Cluster::builder().nodes(3).start());
    let cluster = cluster.expect("a cluster starts");
    assert_answers(&cluster);
    let addresses = addresses(&cluster);
    drop(cluster);
    assert_closed(&addresses);
}

#[test]
fn a_cluster_dropped_while_a_thread_panics_closes_its_sockets() {
    let cluster = current_thread().block_on(Cluster::builder().start()).expect("it starts");
    let addresses = addresses(&cluster);
    let thread = std::thread::spawn(move || {
        let _cluster = cluster;
        std::panic::resume_unwind(Box::new("a test fails"));
    });
    assert!(thread.join().is_err());
    assert_closed(&addresses);
}

#[tokio::test]
async fn a_cluster_shuts_down_although_clients_wait_for_records_and_members() {
    let cluster = Cluster::builder().start().await.expect("a cluster starts");
    let client = TestCluster::at(cluster.bootstrap_servers());
    assert_eq!(client.connect().call(7, &create_topic("t", 1, 1, &[])).topics[0].error_code, 0);
    let mut waiting = client.connect();
    let fetch = workshop_tests::requests::fetch("t", 0, 0).with_max_wait_ms(600_000);
    waiting.send(12, &fetch).expect("sent");
    let consumer = client.consumer("group", &[]);
    consumer.subscribe(&["t"]).expect("subscribed");
    tokio::time::timeout(DEADLINE, cluster.shutdown()).await.expect("it does not wait for them");
    assert!(waiting.is_closed());
}

#[tokio::test]
async fn a_shut_down_cluster_gives_its_ports_back_at_once() {
    let ports = free_ports(3);
    let first = Cluster::builder().nodes(3).ports(ports.clone()).start().await;
    let first = first.expect("the ports are free");
    // A connection that the cluster closes first lingers in TIME_WAIT on its port.
    let mut connected = RawClient::connect(&first.nodes()[0].address.to_string());
    assert_eq!(connected.call(12, &metadata(&[])).brokers.len(), 3);
    first.shutdown().await;
    let second = Cluster::builder().nodes(3).ports(ports.clone()).start().await;
    let second = second.expect("the ports are free");
    assert_eq!(second.nodes().iter().map(|it| it.address.port()).collect::<Vec<_>>(), ports);
    assert_answers(&second);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("it has an address").port();
    let error = Cluster::builder().nodes(2).ports([0, port]).start().await.expect_err("taken");
    assert!(matches!(error, StartError::PortTaken { port: named } if named == port), "{error}");
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[tokio::test]
async fn a_port_asked_for_twice_is_named() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("it has an address").port();
    drop(free);
    let error = Cluster::builder().nodes(2).ports([port, port]).start().await.expect_err("twice");
    assert!(matches!(error, StartError::PortTaken { port: named } if named == port), "{error}");
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_in_words() {
    let refused: [(ClusterBuilder, &str); 8] = [
        (Cluster::builder().nodes(0), "1 to 9 nodes, not 0"),
        (Cluster::builder().nodes(10), "1 to 9 nodes, not 10"),
        (Cluster::builder().ports([0, 0]), "2 ports were given for 1 node"),
        (Cluster::builder().nodes(2).default_replication_factor(3), "3 replicas"),
        (Cluster::builder().default_replication_factor(0), "0 replicas"),
        (Cluster::builder().default_replication_factor(-1), "-1 replicas"),
        (Cluster::builder().default_partitions(0), "1 to 10000 partitions, not 0"),
        (Cluster::builder().default_partitions(-1), "1 to 10000 partitions, not -1"),
    ];
    for (builder, expected) in refused {
        let error = builder.start().await.expect_err(expected);
        assert!(matches!(error, StartError::InvalidSetting(_)), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_data_directory_that_is_a_file_is_named() {
    let file = tempfile::NamedTempFile::new().expect("the system has a temporary directory");
    let error = Cluster::builder().data_dir(file.path()).start().await.expect_err("a file");
    assert!(matches!(error, StartError::DataDirectory { .. }), "{error}");
    assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
}
