//! A cluster that is killed (SIGKILL) or shut down, and started again on its data directory: what
//! was acknowledged is there, what was not sent is not.
//!
//! The cluster runs in a child process, `cluster-host`. A power failure is another matter: as in
//! Kafka, what is acknowledged has been written, not synced to the disk.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, ProducerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use workshop_tests::model::Seeded;
use workshop_tests::{HostedCluster, TestCluster, eventually};

const HOST: &str = env!("CARGO_BIN_EXE_cluster-host");
const PARTITIONS: i32 = 3;

/// What the cluster acknowledged: partition and offset of each record, by its number.
#[derive(Debug, Clone, Default)]
struct Acknowledged(Arc<Mutex<HashMap<u64, (i32, i64)>>>);

impl Acknowledged {
    fn count(&self) -> usize {
        self.0.lock().expect("no test panics while it holds the lock").len()
    }
}

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = Box<u64>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<u64>) {
        let message = result.as_ref().unwrap_or_else(|(error, _)| panic!("lost: {error}"));
        let place = (message.partition(), message.offset());
        let before =
            self.0.lock().expect("no test panics while it holds the lock").insert(*number, place);
        assert_eq!(before, None, "a record is acknowledged once");
    }
}

/// A producer that never gives up, and numbers its records.
struct Writer {
    topic: String,
    producer: BaseProducer<Acknowledged>,
    acknowledged: Acknowledged,
    sent: u64,
}

impl Writer {
    fn new(cluster: &TestCluster, topic: &str, settings: &[(&str, &str)]) -> Writer {
        let acknowledged = Acknowledged::default();
        let mut config = cluster.client_config(&[
            ("acks", "all"),
            ("linger.ms", "1"),
            ("queue.buffering.max.messages", "300"),
            ("reconnect.backoff.ms", "5"),
            ("reconnect.backoff.max.ms", "20"),
            ("retry.backoff.ms", "5"),
        ]);
        for (name, value) in settings {
            config.set(*name, *value);
        }
        let producer = config.create_with_context(acknowledged.clone()).expect("a producer");
        Writer { topic: topic.into(), producer, acknowledged, sent: 0 }
    }

    /// Keeps sending until `count` more records are acknowledged.
    fn write_until_acknowledged(&mut self, count: usize) {
        let goal = self.acknowledged.count() + count;
        eventually("records are acknowledged", || {
            while self.try_send() {}
            self.producer.poll(Duration::from_millis(1));
            (self.acknowledged.count() >= goal).then_some(())
        });
    }

    /// Sends the next record; false where the queue is full.
    fn try_send(&mut self) -> bool {
        let payload = value(self.sent);
        let record = BaseRecord::with_opaque_to(&self.topic, Box::new(self.sent))
            .partition(self.sent as i32 % PARTITIONS)
            .key("")
            .payload(&payload);
        let is_sent = self.producer.send(record).is_ok();
        self.sent += u64::from(is_sent);
        is_sent
    }

    /// Waits until everything that was sent is acknowledged.
    fn finish(self) -> (u64, BTreeMap<u64, (i32, i64)>) {
        workshop_tests::flush(&self.producer);
        let acknowledged =
            self.acknowledged.0.lock().expect("no test panics while it holds the lock").clone();
        (self.sent, acknowledged.into_iter().collect())
    }
}

/// The value of a record: its number, and enough to fill segments of 1 MiB.
fn value(number: u64) -> String {
    format!("{number}-{}", "x".repeat(1_000 + number as usize % 1_000))
}

fn number(value: &[u8]) -> u64 {
    let text = std::str::from_utf8(value).expect("the test's records are text");
    let number = text.split('-').next().and_then(|it| it.parse().ok()).expect("a number");
    assert_eq!(text, self::value(number), "the record is as it was sent");
    number
}

/// Number and offset of every record, by partition.
fn read_all(cluster: &TestCluster, topic: &str) -> BTreeMap<i32, Vec<(u64, i64)>> {
    let settings = [("enable.partition.eof", "true")];
    let consumer: BaseConsumer = cluster.consumer("reader", &settings);
    let mut assignment = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        assignment.add_partition_offset(topic, partition, Offset::Beginning).expect("valid");
    }
    consumer.assign(&assignment).expect("assigned");
    let mut records = BTreeMap::<i32, Vec<(u64, i64)>>::new();
    let mut ended = 0;
    eventually("every partition is read to its end", || {
        while let Some(message) = consumer.poll(Duration::from_millis(10)) {
            match message {
                Ok(message) => {
                    let number = number(message.payload().expect("a value"));
                    records
                        .entry(message.partition())
                        .or_default()
                        .push((number, message.offset()));
                }
                Err(rdkafka::error::KafkaError::PartitionEOF(_)) => ended += 1,
                Err(error) => panic!("{error}"),
            }
        }
        (ended == PARTITIONS).then_some(())
    });
    records
}

/// Each record that was sent is there once, in order, at the offset that was acknowledged.
fn assert_exactly_what_was_sent(
    cluster: &TestCluster,
    topic: &str,
    sent: u64,
    acknowledged: &BTreeMap<u64, (i32, i64)>,
) {
    assert_eq!(acknowledged.len() as u64, sent);
    let records = read_all(cluster, topic);
    for partition in 0..PARTITIONS {
        let expected = acknowledged.iter().filter(|(_, place)| place.0 == partition);
        let expected: Vec<_> = expected.map(|(number, place)| (*number, place.1)).collect();
        let numbers: Vec<u64> =
            (0..sent).filter(|it| *it as i32 % PARTITIONS == partition).collect();
        let found = &records[&partition];
        assert_eq!(found.iter().map(|it| it.0).collect::<Vec<_>>(), numbers);
        assert_eq!(*found, expected);
    }
}

#[test]
fn an_idempotent_producer_loses_and_doubles_nothing_while_the_cluster_is_killed() {
    let mut cluster = HostedCluster::start_new(HOST, 3);
    let configs = [("segment.bytes", "1048576")];
    let topic = cluster.client().create_topic_with(PARTITIONS, 3, &configs);
    let mut writer = Writer::new(cluster.client(), &topic, &[("enable.idempotence", "true")]);
    let mut seeded = Seeded(4);
    for _ in 0..6 {
        writer.write_until_acknowledged(100 + seeded.below(1_000) as usize);
        cluster.kill();
        cluster.start();
    }
    writer.write_until_acknowledged(100);
    let (sent, acknowledged) = writer.finish();
    assert_exactly_what_was_sent(cluster.client(), &topic, sent, &acknowledged);
    cluster.kill();
    cluster.start();
    assert_exactly_what_was_sent(cluster.client(), &topic, sent, &acknowledged);
}

#[test]
fn an_idempotent_producer_loses_and_doubles_nothing_across_clean_restarts() {
    let mut cluster = HostedCluster::start_new(HOST, 3);
    let configs = [("segment.bytes", "1048576")];
    let topic = cluster.client().create_topic_with(PARTITIONS, 3, &configs);
    let mut writer = Writer::new(cluster.client(), &topic, &[("enable.idempotence", "true")]);
    let mut seeded = Seeded(5);
    for _ in 0..3 {
        writer.write_until_acknowledged(100 + seeded.below(1_000) as usize);
        cluster.shutdown();
        cluster.start();
    }
    writer.write_until_acknowledged(100);
    let (sent, acknowledged) = writer.finish();
    assert_exactly_what_was_sent(cluster.client(), &topic, sent, &acknowledged);
}

#[test]
fn without_idempotence_every_acknowledged_record_is_where_it_was_acknowledged() {
    let mut cluster = HostedCluster::start_new(HOST, 1);
    let topic = cluster.client().create_topic_with(PARTITIONS, 1, &[]);
    let settings = [("acks", "1"), ("enable.idempotence", "false")];
    let mut writer = Writer::new(cluster.client(), &topic, &settings);
    let mut seeded = Seeded(6);
    for _ in 0..3 {
        writer.write_until_acknowledged(100 + seeded.below(500) as usize);
        cluster.kill();
        cluster.start();
    }
    let (sent, acknowledged) = writer.finish();
    let records = read_all(cluster.client(), &topic);
    for (number, (partition, offset)) in &acknowledged {
        assert!(records[partition].contains(&(*number, *offset)), "{number} at {offset}");
    }
    // A retry may double a record, but nothing is there that was never sent.
    assert!(records.values().flatten().all(|(number, _)| *number < sent));
}

/// Reads `count` records as a member of the group; returns their numbers.
fn poll_numbers(consumer: &BaseConsumer, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    eventually("the group reads on", || {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(10)) {
            numbers.push(number(message.payload().expect("a value")));
            consumer.store_offset_from_message(&message).expect("it is the only member");
        }
        (numbers.len() >= count).then_some(())
    });
    numbers
}

#[test]
fn a_member_that_lives_through_a_kill_goes_on_where_it_was() {
    let mut cluster = HostedCluster::start_new(HOST, 3);
    let topic = cluster.client().create_topic(PARTITIONS);
    let mut writer = Writer::new(cluster.client(), &topic, &[("enable.idempotence", "true")]);
    let settings = [("reconnect.backoff.ms", "5"), ("reconnect.backoff.max.ms", "20")];
    let consumer = cluster.client().consumer("goes-on", &settings);
    consumer.subscribe(&[&topic]).expect("subscribed");
    let mut read = Vec::new();
    for _ in 0..3 {
        writer.write_until_acknowledged(30);
        read.extend(poll_numbers(&consumer, 30));
        consumer.commit_consumer_state(CommitMode::Sync).expect("committed");
        cluster.kill();
        cluster.start();
    }
    let (sent, _) = writer.finish();
    read.extend(poll_numbers(&consumer, sent as usize - read.len()));
    read.sort_unstable();
    assert_eq!(read, (0..sent).collect::<Vec<_>>(), "each record is read once");
}
