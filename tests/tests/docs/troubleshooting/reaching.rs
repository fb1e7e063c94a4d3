//! Programs that do not find their cluster.

use std::sync::Mutex;
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::{ClientConfig, ClientContext};
use workshop::{Choice, DataDirectory, Host, HostOptions, NodeChange, Order};
use workshop_tests::{ClosedPort, eventually};

use super::librdkafka::TURN;

/// Keeps what librdkafka logs.
#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl ClientContext for Log {
    fn log(&self, _: RDKafkaLogLevel, _: &str, message: &str) {
        self.0.lock().expect("no one panics here").push(message.to_owned());
    }
}

impl ConsumerContext for Log {}

fn consumer(address: &str) -> BaseConsumer<Log> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address).set("group.id", "first");
    config.create_with_context(Log::default()).expect("the settings are valid")
}

/// Nothing in these errors names the address. The log does.
pub(super) async fn a_client_on_a_wrong_port() -> String {
    let port = ClosedPort::new();
    let consumer = consumer(&port.address());
    consumer.subscribe(&["airports"]).expect("subscribing asks no broker");
    let logged = || {
        let lines = consumer.context().0.lock().expect("no one panics here");
        let reason = format!("Connect to ipv4#{} failed: Connection refused", port.address());
        lines.iter().any(|line| line.contains(&reason))
    };
    let mut printed: Vec<String> = Vec::new();
    eventually("both errors come, and the log names the address", || {
        if let Some(Err(error)) = consumer.poll(TURN) {
            let line = error.to_string();
            if !printed.contains(&line) {
                printed.push(line);
            }
        }
        (printed.len() == 2 && logged()).then_some(())
    });
    // Which comes first is a race between librdkafka's threads.
    printed.sort_unstable_by_key(|line| line.contains("AllBrokersDown"));
    printed.join("\n")
}

pub(super) async fn a_request_without_a_cluster() -> String {
    let port = ClosedPort::new();
    let asked = consumer(&port.address()).fetch_metadata(None, Duration::from_millis(100));
    asked.expect_err("no one listens").to_string()
}

pub(super) async fn an_example_on_a_wrong_address() -> String {
    let port = ClosedPort::new();
    let directory = tempfile::tempdir().expect("the system has a temporary directory");
    let choice = Choice {
        bootstrap_servers: Some(port.address()),
        data: DataDirectory::at(directory.path()),
        wire: false,
    };
    choice.cluster().await.expect_err("no one listens").to_string()
}

pub(super) async fn an_address_with_a_scheme() -> String {
    helpers::client_config("kafka://127.0.0.1:9092").expect_err("it is no address").to_string()
}

pub(super) async fn a_second_cluster_on_the_same_directory() -> String {
    let directory = tempfile::tempdir().expect("the system has a temporary directory");
    let data = DataDirectory::at(directory.path().join(".workshop"));
    let options = HostOptions { nodes: 1, ..HostOptions::default() };
    let host = Host::start(&data, &options).await.expect("the first one starts");
    let second = Host::start(&data, &options).await.expect_err("the directory is in use");
    host.shutdown().await.expect("it ends in order");
    second.to_string()
}

pub(super) async fn an_order_to_a_cluster_that_does_not_run() -> String {
    let directory = tempfile::tempdir().expect("the system has a temporary directory");
    let data = DataDirectory::at(directory.path().join(".workshop"));
    let order = Order::Node { id: 2, change: NodeChange::Kill };
    data.order(&order).await.expect_err("nothing runs").to_string()
}
