//! Records that do not arrive.

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, FutureProducer, FutureRecord, Producer};
use workshop_tests::{ClosedPort, TestCluster};

use super::librdkafka::{LIMIT, failed_send};

/// The settings of a client that reaches no one.
fn nowhere(port: &ClosedPort, name: &str, value: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", port.address()).set(name, value);
    config
}

pub(super) async fn a_delivery_that_times_out() -> String {
    let port = ClosedPort::new();
    let created = nowhere(&port, "message.timeout.ms", "100").create();
    let producer: FutureProducer = created.expect("the settings are valid");
    failed_send(&producer, "airports", "AMS").await.to_string()
}

pub(super) async fn a_full_queue() -> String {
    let port = ClosedPort::new();
    let created = nowhere(&port, "queue.buffering.max.messages", "1").create();
    let producer: BaseProducer = created.expect("the settings are valid");
    let record = || BaseRecord::<(), str>::to("airports").payload("AMS");
    producer.send(record()).expect("there is room for one");
    let (error, _) = producer.send(record()).expect_err("there is no room for two");
    error.to_string()
}

pub(super) async fn a_record_that_is_too_large() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    let topic = cluster.create_topic_with(1, 1, &[("max.message.bytes", "1000")]);
    let large = "x".repeat(2_000_000);
    let by_client = failed_send(&cluster.producer(&[]), &topic, &large).await.to_string();
    let by_broker = failed_send(&cluster.producer(&[]), &topic, &large[..2_000]).await;
    assert_eq!(by_client, by_broker.to_string(), "the client and the broker say the same");
    by_client
}

/// librdkafka retries until `message.timeout.ms`, and then its report no longer names the cause.
pub(super) async fn too_few_replicas_in_sync() -> String {
    let embedded = embedded_kafka::Cluster::builder().nodes(2).start().await;
    let embedded = embedded.expect("the cluster starts");
    let cluster = TestCluster::at(embedded.bootstrap_servers());
    let topic = cluster.create_topic_with(1, 2, &[("min.insync.replicas", "2")]);
    embedded.stop_node(2).await.expect("it shuts down in order");
    let [impatient, without_retries] = [("message.timeout.ms", "300"), ("retries", "0")];
    let mut lines = Vec::new();
    for setting in [without_retries, impatient] {
        let error = failed_send(&cluster.producer(&[setting]), &topic, "AMS").await;
        lines.push(format!("{}={}: {error}", setting.0, setting.1));
    }
    lines.join("\n")
}

/// The program ends before the producer's linger time is over.
pub(super) async fn a_forgotten_flush() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    let topic = cluster.create_topic_with(1, 1, &[]);
    let producer = cluster.producer(&[("linger.ms", "60000")]);
    let record = FutureRecord::<(), str>::to(&topic).payload("AMS");
    let queued = producer.send_result(record).map_err(|(error, _)| error);
    let report = queued.expect("send only queues, and succeeds");
    drop(producer);
    let (error, _) = report.await.expect("there is a report").expect_err("it was thrown away");
    error.to_string()
}

pub(super) async fn a_transactional_id_in_two_programs() -> String {
    let cluster = TestCluster::start_with_nodes(1).await;
    let topic = cluster.create_topic_with(1, 1, &[]);
    let start = || {
        let producer = cluster.producer(&[("transactional.id", "billing")]);
        producer.init_transactions(LIMIT).expect("it has its epoch");
        producer
    };
    let first = start();
    first.begin_transaction().expect("it begins");
    let record = FutureRecord::<(), str>::to(&topic).payload("AMS");
    first.send(record, LIMIT).await.expect("it is stored");
    let _second = start();
    first.commit_transaction(LIMIT).expect_err("the second one has fenced it").to_string()
}
