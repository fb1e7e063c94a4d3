//! Tests what the README promises, on an embedded cluster.

#![cfg(unix)]

mod service;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use embedded_kafka::{Cluster, TopicAtStart};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use service::{LIMIT, Service, eventually};
use tokio::time::sleep;

const PARTITIONS: i32 = 4;

async fn cluster() -> Cluster {
    let topics = ["orders", "invoices", "dead-letters"];
    // A short session, so that the group does not wait long for a killed member.
    let builder = Cluster::builder().set("group.min.session.timeout.ms", "1000");
    let topics = topics.map(|name| TopicAtStart::new(name).partitions(PARTITIONS));
    topics.into_iter().fold(builder, |builder, topic| builder.topic(topic)).start().await.unwrap()
}

fn start(cluster: &Cluster, transactional_id: &str) -> Service {
    let variables = [
        ("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers()),
        ("INPUT_TOPIC", "orders"),
        ("OUTPUT_TOPIC", "invoices"),
        ("DEAD_LETTER_TOPIC", "dead-letters"),
        ("GROUP", "billing"),
        ("TRANSACTIONAL_ID", transactional_id),
        ("KAFKA_CONSUMER_SETTINGS", "session.timeout.ms=3000; heartbeat.interval.ms=200"),
    ];
    Service::start(env!("CARGO_BIN_EXE_my-transactional-worker"), &[], &variables)
}

/// Sends records with the keys 1, 2, 3, … until `is_over`. Every 500th is not an order. Returns how
/// many it sent.
async fn load(servers: String, is_over: Arc<AtomicBool>) -> u64 {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers).set("linger.ms", "0");
    let (producer, mut sent): (FutureProducer, u64) = (config.create().unwrap(), 0);
    while !is_over.load(Ordering::Relaxed) {
        sent += 1;
        let order = match sent % 500 {
            0 => "late today".to_owned(),
            _ => format!(r#"{{"id": {sent}, "cents": 990}}"#),
        };
        let key = sent.to_string();
        producer.send(FutureRecord::to("orders").key(&key).payload(&order), LIMIT).await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    sent
}

/// Returns the keys of the committed records of a topic, sorted.
fn committed(cluster: &Cluster, topic: &str) -> Vec<u64> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers()).set("group.id", "audit");
    let consumer: BaseConsumer = config.set("enable.partition.eof", "true").create().unwrap();
    let mut all = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        all.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&all).unwrap();
    let (mut keys, mut ends) = (Vec::new(), 0);
    while ends < PARTITIONS {
        match consumer.poll(LIMIT).expect("the cluster responds") {
            Ok(message) => {
                keys.push(std::str::from_utf8(message.key().unwrap()).unwrap().parse().unwrap());
            }
            Err(KafkaError::PartitionEOF(_)) => ends += 1,
            Err(error) => panic!("{error}"),
        }
    }
    keys.sort_unstable();
    keys
}

/// Waits until this many more invoices are committed.
async fn more(cluster: &Cluster, count: usize) {
    let before = committed(cluster, "invoices").len();
    eventually("invoices", || committed(cluster, "invoices").len() >= before + count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_rebalances_and_sigterm_leave_each_order_counted_once() {
    let cluster = cluster().await;
    let is_over = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(load(cluster.bootstrap_servers().to_owned(), Arc::clone(&is_over)));
    let first = start(&cluster, "worker-0");
    more(&cluster, 50).await;
    let second = start(&cluster, "worker-1");
    more(&cluster, 200).await;
    first.kill();
    let first = start(&cluster, "worker-0");
    more(&cluster, 200).await;
    second.terminate().await;
    more(&cluster, 200).await;
    first.kill();
    let first = start(&cluster, "worker-0");
    is_over.store(true, Ordering::Relaxed);
    let sent = load.await.unwrap();
    let (late, orders): (Vec<u64>, Vec<u64>) = (1..=sent).partition(|id| id % 500 == 0);
    eventually("all invoices", || committed(&cluster, "invoices").len() >= orders.len()).await;
    eventually("all dead letters", || committed(&cluster, "dead-letters").len() >= late.len())
        .await;
    first.terminate().await;
    assert_eq!(committed(&cluster, "invoices"), orders);
    assert_eq!(committed(&cluster, "dead-letters"), late);
    println!("{} invoices and {} dead letters, each once", orders.len(), late.len());
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_one_with_the_same_id_fences_the_first() {
    let cluster = cluster().await;
    let is_over = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(load(cluster.bootstrap_servers().to_owned(), Arc::clone(&is_over)));
    let mut first = start(&cluster, "worker-0");
    more(&cluster, 50).await;
    let second = start(&cluster, "worker-0");
    assert!(!first.ended().await, "it is fenced");
    more(&cluster, 50).await;
    is_over.store(true, Ordering::Relaxed);
    load.await.unwrap();
    second.terminate().await;
    cluster.shutdown().await;
}
