//! What the end-to-end tests share: a cluster to talk to, names no one else uses, and waiting.
//!
//! A test knows its cluster by its bootstrap servers alone. With `KAFKA_BOOTSTRAP_SERVERS` set that
//! is the cluster named there, Apache Kafka for example; without it each test starts an embedded
//! cluster of its own. What a test expects is what Apache Kafka answers.
//!
//! The crate `wire-client` sends single requests at any version and builds the common ones.
//! [`examples`] runs the examples, and [`chapters`] knows what the pages of docs/ must show.

pub mod chapters;
mod cluster;
mod conformance;
pub mod disturbed;
pub mod examples;
mod hosted;
pub mod imports;
mod java_schemas;
pub mod members;
pub mod model;
pub mod reader;
pub mod reading_member;
pub mod transactions;
pub mod your_project;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use tokio::net::TcpSocket;

pub use cluster::TestCluster;
pub use conformance::{assert_as_recorded, assert_as_recorded_while_nodes_stop};
pub use hosted::HostedCluster;
pub use java_schemas::JavaSchemas;
pub use wire_client::{batch, configs, errors, group, raw, requests};

/// How long a condition may take to come true before a test gives up. Much longer than any takes,
/// on a machine with other work too.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Asks `check` again and again until it answers, and returns the answer.
///
/// # Panics
/// When nothing came within [`DEADLINE`]; `what` says what was waited for.
pub fn eventually<T>(what: &str, check: impl FnMut() -> Option<T>) -> T {
    eventually_within(DEADLINE, what, check)
}

/// As [`eventually`], for what takes longer than most: the only place where a test sleeps while it
/// waits.
///
/// # Panics
/// When nothing came within `limit`.
pub fn eventually_within<T>(
    limit: Duration,
    what: &str,
    mut check: impl FnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = check() {
            return answer;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A port that refuses every connection, and that no one else gets while this is there.
pub struct ClosedPort(TcpSocket);

impl ClosedPort {
    /// Takes a port without listening on it.
    ///
    /// # Panics
    /// When the system has none left.
    #[expect(clippy::new_without_default, reason = "it takes a port")]
    pub fn new() -> ClosedPort {
        let socket = TcpSocket::new_v4().expect("the system has sockets");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port is free");
        ClosedPort(socket)
    }

    /// `127.0.0.1:port`.
    ///
    /// # Panics
    /// Never: the socket has a port.
    pub fn address(&self) -> String {
        self.0.local_addr().expect("the socket is bound").to_string()
    }
}

/// Waits until every record that was sent is delivered.
///
/// A flush of a `BaseProducer` polls to the end of a step of up to 100 ms, whatever comes
/// meanwhile. One step is as short as it can be here, since many tests flush after each record.
///
/// # Panics
/// When a record is not delivered within [`DEADLINE`].
pub fn flush<C: ProducerContext>(producer: &BaseProducer<C>) {
    let start = Instant::now();
    while let Err(error) = producer.flush(Duration::from_millis(1)) {
        let is_time = matches!(error, KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut));
        assert!(is_time && start.elapsed() < DEADLINE, "not everything is delivered: {error}");
    }
}
