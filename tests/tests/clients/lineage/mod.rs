//! Messages with their lineage against a cluster of three nodes: what is written, what comes again
//! after a failure, and what is carried along.
//!
//! The cluster is known by its bootstrap servers alone. What is logged is in lineage_events.rs, and
//! the exchange with Python in lineage_python.rs.

mod batches;
mod limits;
mod processors;
mod records;

use std::convert::Infallible;

use ::lineage::Error;
use ::lineage::{Consumer, ConsumerBuilder, Message, Producer};
use rdkafka::consumer::Consumer as _;
use rdkafka::{Offset, TopicPartitionList};
use workshop_tests::{DEADLINE, TestCluster};

async fn producer(cluster: &TestCluster) -> Producer {
    let producer = Producer::new("departures", cluster.bootstrap_servers(), &[]).await;
    producer.expect("the cluster answers")
}

fn consumer(cluster: &TestCluster, topics: &[&str], group: &str) -> ConsumerBuilder {
    Consumer::builder("boards", cluster.bootstrap_servers(), topics, group)
        .timeout_ms(3000)
        .set("session.timeout.ms", "6000")
}

fn numbered(numbers: std::ops::Range<u32>) -> Vec<Message<u32>> {
    numbers.map(|number| Message::new(format!("WS{}", number % 10), number)).collect()
}

fn numbers_of(messages: &[Message<u32>]) -> Vec<u32> {
    messages.iter().map(|message| message.payload).collect()
}

/// One batch that is processed well.
async fn batch(consumer: &mut Consumer) -> Vec<u32> {
    let mut numbers = Vec::new();
    let read = consumer
        .process_batch(async |messages: Vec<Message<u32>>| {
            numbers = numbers_of(&messages);
            Ok::<(), Infallible>(())
        })
        .await;
    assert_eq!(read.expect("the batch is processed"), numbers.len());
    numbers
}

/// One batch that fails; what it was.
async fn failing_batch(consumer: &mut Consumer) -> Vec<u32> {
    let mut numbers = Vec::new();
    let failed = consumer
        .process_batch(async |messages: Vec<Message<u32>>| {
            numbers = numbers_of(&messages);
            Err("the database is away")
        })
        .await;
    let error = failed.expect_err("the handler fails");
    assert!(matches!(error, Error::Handler { .. }), "{error}");
    assert!(error.to_string().ends_with("will come again: the database is away"), "{error}");
    numbers
}

fn committed(cluster: &TestCluster, group: &str, topic: &str, partition: i32) -> Option<i64> {
    let asking = cluster.consumer(group, &[]);
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, partition);
    let list = asking.committed_offsets(list, DEADLINE).expect("the group can be asked");
    match list.elements()[0].offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}
