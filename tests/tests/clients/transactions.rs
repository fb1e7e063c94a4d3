//! Transactions as librdkafka sees them: what is committed, what is aborted, who is fenced, and
//! what readers of both kinds get to see.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use workshop_tests::transactions::transactional_id;
use workshop_tests::{DEADLINE, TestCluster, eventually};

const TURN: Duration = Duration::from_millis(20);

/// A transactional producer that has its id.
fn producer(cluster: &TestCluster, id: &str, settings: &[(&str, &str)]) -> BaseProducer {
    let mut config = cluster.client_config(&[("transactional.id", id), ("linger.ms", "0")]);
    for (name, value) in settings {
        config.set(*name, *value);
    }
    let producer: BaseProducer = config.create().expect("the settings are valid");
    producer.init_transactions(DEADLINE).expect("the producer is initialized");
    producer
}

fn send(producer: &BaseProducer, topic: &str, partition: i32, value: &str) {
    let record = BaseRecord::<(), str>::to(topic).partition(partition).payload(value);
    producer.send(record).map_err(|(error, _)| error).expect("the queue has room");
}

/// A consumer of partition 0 from the beginning.
fn reader(cluster: &TestCluster, topic: &str, isolation: &str) -> BaseConsumer {
    let settings = [("isolation.level", isolation), ("enable.partition.eof", "true")];
    let consumer = cluster.consumer(&cluster.group_name(), &settings);
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning).expect("a valid offset");
    consumer.assign(&list).expect("assigned");
    consumer
}

/// The values up to the end of the partition, as far as the reader may see it.
fn values(cluster: &TestCluster, topic: &str, isolation: &str) -> Vec<String> {
    let consumer = reader(cluster, topic, isolation);
    let (start, mut values) = (Instant::now(), Vec::new());
    loop {
        assert!(start.elapsed() < DEADLINE, "the partition has no end");
        match consumer.poll(TURN) {
            None => {}
            Some(Ok(message)) => values.push(text(message.payload())),
            Some(Err(KafkaError::PartitionEOF(_))) => return values,
            Some(Err(error)) => panic!("{error}"),
        }
    }
}

fn text(payload: Option<&[u8]>) -> String {
    String::from_utf8(payload.expect("a value").to_vec()).expect("a text")
}

/// Waits until a reader gets to see exactly `expected`.
fn expect_values(cluster: &TestCluster, topic: &str, isolation: &str, expected: &[&str]) {
    eventually("the reader sees what it should", || {
        (values(cluster, topic, isolation) == expected).then_some(())
    });
}

fn is_fenced(result: Result<(), KafkaError>) -> bool {
    match result {
        Err(KafkaError::Transaction(error)) => error.is_fatal(),
        _ => false,
    }
}

#[tokio::test]
async fn what_is_committed_is_read_and_what_is_aborted_is_not() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(2);
    let producer = producer(&cluster, &transactional_id(), &[]);
    for (round, commit) in [true, false, true].into_iter().enumerate() {
        producer.begin_transaction().expect("begun");
        for number in 0..3 {
            send(&producer, &topic, 0, &format!("{round}-{number}"));
            send(&producer, &topic, 1, "elsewhere");
        }
        if commit {
            producer.commit_transaction(DEADLINE).expect("committed");
        } else {
            workshop_tests::flush(&producer);
            producer.abort_transaction(DEADLINE).expect("aborted");
        }
    }
    let committed = ["0-0", "0-1", "0-2", "2-0", "2-1", "2-2"];
    expect_values(&cluster, &topic, "read_committed", &committed);
    let all = ["0-0", "0-1", "0-2", "1-0", "1-1", "1-2", "2-0", "2-1", "2-2"];
    expect_values(&cluster, &topic, "read_uncommitted", &all);
    // Each transaction ended with a marker, which takes an offset of its own.
    let consumer = reader(&cluster, &topic, "read_uncommitted");
    assert_eq!(consumer.fetch_watermarks(&topic, 0, DEADLINE).expect("an answer"), (0, 12));
}

#[tokio::test]
async fn an_open_transaction_holds_readers_back() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let (open, other) = (
        producer(&cluster, &transactional_id(), &[]),
        producer(&cluster, &transactional_id(), &[]),
    );
    open.begin_transaction().expect("begun");
    send(&open, &topic, 0, "open");
    workshop_tests::flush(&open);
    other.begin_transaction().expect("begun");
    send(&other, &topic, 0, "committed behind it");
    other.commit_transaction(DEADLINE).expect("committed");
    expect_values(&cluster, &topic, "read_uncommitted", &["open", "committed behind it"]);
    assert!(values(&cluster, &topic, "read_committed").is_empty());
    // A reader that waits at the end gets both as soon as the first one ends.
    let waiting = reader(&cluster, &topic, "read_committed");
    eventually("the reader is at the end", || {
        matches!(waiting.poll(TURN), Some(Err(KafkaError::PartitionEOF(_)))).then_some(())
    });
    open.commit_transaction(DEADLINE).expect("committed");
    for expected in ["open", "committed behind it"] {
        let value = eventually("a record arrives", || match waiting.poll(TURN) {
            Some(Ok(message)) => Some(text(message.payload())),
            _ => None,
        });
        assert_eq!(value, expected);
    }
}

#[tokio::test]
async fn a_second_producer_fences_the_first() {
    let cluster = TestCluster::start().await;
    let (topic, id) = (cluster.create_topic(1), transactional_id());
    let zombie = producer(&cluster, &id, &[]);
    zombie.begin_transaction().expect("begun");
    send(&zombie, &topic, 0, "zombie");
    workshop_tests::flush(&zombie);
    let successor = producer(&cluster, &id, &[]);
    successor.begin_transaction().expect("begun");
    send(&successor, &topic, 0, "successor");
    successor.commit_transaction(DEADLINE).expect("committed");
    assert!(is_fenced(zombie.commit_transaction(DEADLINE)));
    let (code, _) = zombie.client().fatal_error().expect("fatal");
    assert_eq!(code, RDKafkaErrorCode::Fenced);
    expect_values(&cluster, &topic, "read_committed", &["successor"]);
    expect_values(&cluster, &topic, "read_uncommitted", &["zombie", "successor"]);
}

#[tokio::test]
async fn a_transaction_that_takes_too_long_is_aborted() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let slow = producer(
        &cluster,
        &transactional_id(),
        &[("transaction.timeout.ms", "1000"), ("message.timeout.ms", "1000")],
    );
    slow.begin_transaction().expect("begun");
    send(&slow, &topic, 0, "late");
    workshop_tests::flush(&slow);
    let prompt = producer(&cluster, &transactional_id(), &[]);
    prompt.begin_transaction().expect("begun");
    send(&prompt, &topic, 0, "in time");
    prompt.commit_transaction(DEADLINE).expect("committed");
    expect_values(&cluster, &topic, "read_committed", &["in time"]);
    assert!(is_fenced(slow.commit_transaction(DEADLINE)));
}

#[tokio::test]
async fn offsets_are_committed_with_the_transaction_or_not_at_all() {
    let cluster = TestCluster::start().await;
    let (input, output) = (cluster.create_topic(1), cluster.create_topic(1));
    let group = cluster.group_name();
    let source = cluster.producer(&[]);
    for value in ["a", "b", "c"] {
        let record = rdkafka::producer::FutureRecord::<(), str>::to(&input).payload(value);
        source.send(record, DEADLINE).await.map_err(|(error, _)| error).expect("delivered");
    }
    let consumer = cluster.consumer(&group, &[("isolation.level", "read_committed")]);
    consumer.subscribe(&[&input]).expect("subscribed");
    let producer = producer(&cluster, &transactional_id(), &[]);
    for (commit, next) in [(false, Offset::Invalid), (true, Offset::Offset(1))] {
        let message = eventually("a record arrives", || consumer.poll(TURN)).expect("a record");
        assert_eq!(text(message.payload()), "a");
        producer.begin_transaction().expect("begun");
        send(&producer, &output, 0, if commit { "A" } else { "nothing" });
        let position = consumer.position().expect("a position");
        let metadata = consumer.group_metadata().expect("a member has metadata");
        producer.send_offsets_to_transaction(&position, &metadata, DEADLINE).expect("sent");
        if commit {
            producer.commit_transaction(DEADLINE).expect("committed");
        } else {
            workshop_tests::flush(&producer);
            producer.abort_transaction(DEADLINE).expect("aborted");
            consumer.seek(&input, 0, Offset::Beginning, DEADLINE).expect("back to the start");
        }
        let committed = consumer.committed(DEADLINE).expect("an answer");
        assert_eq!(committed.elements()[0].offset(), next);
    }
    expect_values(&cluster, &output, "read_committed", &["A"]);
    expect_values(&cluster, &output, "read_uncommitted", &["nothing", "A"]);
}
