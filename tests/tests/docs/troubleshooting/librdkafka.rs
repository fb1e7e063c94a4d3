//! What the scenes ask of librdkafka: clients without any helper, as a first program has them.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord};
use workshop_tests::{TestCluster, eventually};

/// How long a poll waits for a message or an error.
pub(super) const TURN: Duration = Duration::from_millis(10);

/// How long a request may take in a scene where it is answered.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// Polls until an error comes.
pub(super) fn next_error(consumer: &BaseConsumer) -> KafkaError {
    eventually("the consumer reports an error", || consumer.poll(TURN)?.err())
}

/// Polls until a record comes, and returns its offset.
pub(super) fn next_offset(consumer: &BaseConsumer) -> i64 {
    use rdkafka::Message;
    eventually("a record comes", || Some(consumer.poll(TURN)?.ok()?.offset()))
}

/// Sends records to partition 0 and waits until they are stored.
pub(super) async fn write(cluster: &TestCluster, topic: &str, values: &[&str]) {
    let producer = cluster.producer(&[]);
    for value in values {
        let record = FutureRecord::<(), str>::to(topic).payload(value).partition(0);
        producer.send(record, LIMIT).await.expect("the record is stored");
    }
}

/// Sends one record and returns why it did not arrive.
pub(super) async fn failed_send(producer: &FutureProducer, topic: &str, value: &str) -> KafkaError {
    let record = FutureRecord::<(), str>::to(topic).payload(value);
    let (error, _) = producer.send(record, LIMIT).await.expect_err("it cannot arrive");
    error
}

/// A member that has its partitions.
pub(super) fn member(cluster: &TestCluster, group: &str, topic: &str) -> BaseConsumer {
    let consumer = cluster.consumer(group, &[]);
    consumer.subscribe(&[topic]).expect("subscribed");
    eventually("the member has its partitions", || {
        let _ = consumer.poll(TURN);
        (consumer.assignment().ok()?.count() > 0).then_some(())
    });
    consumer
}
