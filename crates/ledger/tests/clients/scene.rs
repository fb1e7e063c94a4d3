//! A cluster with a ledger, and clients for it.

use std::time::{Duration, Instant};

use embedded_kafka::{Cluster, TopicAtStart};
use ledger::{Ledger, Sheet};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::util::Timeout;

pub(crate) const TOPIC: &str = "orders";

/// How long a client may take for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Scene {
    pub(crate) cluster: Cluster,
    pub(crate) ledger: Ledger,
}

impl Scene {
    /// Starts three nodes and a topic of one partition on two of them.
    pub(crate) async fn new() -> Self {
        let topic = TopicAtStart::new(TOPIC).partitions(1).replicas(2);
        let cluster = Cluster::builder().nodes(3).topic(topic).start().await.unwrap();
        let ledger = Ledger::watch(&cluster);
        Self { cluster, ledger }
    }

    /// Starts a node that compacts its topics at once.
    pub(crate) async fn compacting() -> Self {
        let at_once = Duration::from_millis(50);
        let cluster = Cluster::builder().log_cleaner_backoff(at_once).start().await.unwrap();
        let ledger = Ledger::watch(&cluster);
        Self { cluster, ledger }
    }

    pub(crate) fn config(&self, settings: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.cluster.bootstrap_servers());
        config.set("allow.auto.create.topics", "false");
        for (name, value) in settings {
            config.set(*name, *value);
        }
        config
    }

    pub(crate) fn producer(&self, settings: &[(&str, &str)]) -> FutureProducer {
        self.config(settings).create().unwrap()
    }

    /// Reads so many records of the topic in a group, and commits them.
    pub(crate) fn read(&self, group: &str, isolation: &str, count: usize) {
        let settings = [
            ("group.id", group),
            ("auto.offset.reset", "earliest"),
            ("enable.auto.commit", "false"),
            ("isolation.level", isolation),
        ];
        let consumer: BaseConsumer = self.config(&settings).create().unwrap();
        consumer.subscribe(&[TOPIC]).unwrap();
        let begin = Instant::now();
        let mut read = 0;
        while read < count {
            assert!(begin.elapsed() < LIMIT, "{read} of {count} records came in time");
            if let Some(record) = consumer.poll(Duration::from_millis(100)) {
                record.unwrap();
                read += 1;
            }
        }
        consumer.commit_consumer_state(rdkafka::consumer::CommitMode::Sync).unwrap();
    }

    /// Counts the records in the log of a topic's partition 0.
    pub(crate) async fn records(&self, topic: &str) -> usize {
        let (mut count, mut next) = (0, 0);
        // A read ends at the end of a segment at the latest.
        loop {
            let batches = self.cluster.read_log(topic, 0, next).await.unwrap();
            let Some(last) = batches.last() else { return count };
            next = last.last_offset + 1;
            count += batches.iter().map(|batch| batch.records.len()).sum::<usize>();
        }
    }

    pub(crate) async fn sheet(&self) -> Sheet {
        self.ledger.settle(&self.cluster).await;
        self.ledger.sheet(&self.cluster).await.unwrap()
    }
}

/// Sends records to partition 0 of the topic, all before the first response, and waits for the
/// responses.
pub(crate) async fn send(producer: &FutureProducer, values: &[String]) -> Vec<KafkaError> {
    send_to(TOPIC, producer, values).await
}

/// Sends records to partition 0 of a topic, all before the first response, and waits for the
/// responses.
pub(crate) async fn send_to(
    topic: &str,
    producer: &FutureProducer,
    values: &[String],
) -> Vec<KafkaError> {
    let sent: Vec<_> = values
        .iter()
        .map(|value| {
            let headers = OwnedHeaders::new();
            let record = FutureRecord::to(topic).partition(0).key("k").payload(value);
            producer.send_result(record.headers(headers)).map_err(|(error, _)| error).unwrap()
        })
        .collect();
    let mut errors = Vec::new();
    for delivery in sent {
        if let Err((error, _)) = delivery.await.expect("the producer lives") {
            errors.push(error);
        }
    }
    errors
}

/// Returns values that differ.
pub(crate) fn values(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("order {number}")).collect()
}

pub(crate) fn flush(producer: &FutureProducer) {
    producer.flush(Timeout::After(LIMIT)).unwrap();
}
