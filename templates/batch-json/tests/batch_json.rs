//! Tests what the README promises, on an embedded cluster.

#![cfg(unix)]

mod service;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use embedded_kafka::{Cluster, TopicAtStart};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use service::{LIMIT, Service, eventually};

const PARTITIONS: i32 = 3;
/// With a slow cluster and a small queue, sending this many takes seconds.
const LINES: usize = 10_000;
const SMALL: &str = "queue.buffering.max.messages=100; linger.ms=0";

async fn cluster() -> Cluster {
    let topic = TopicAtStart::new("orders").partitions(PARTITIONS);
    Cluster::builder().topic(topic).start().await.unwrap()
}

fn write(directory: &Path) -> PathBuf {
    let mut lines = String::new();
    for id in 1..=LINES {
        writeln!(lines, r#"{{"id": {id}, "cents": 990}}"#).unwrap();
    }
    let path = directory.join("orders.jsonl");
    std::fs::write(&path, lines).unwrap();
    path
}

fn start(cluster: &Cluster, input: &Path, settings: &str) -> Service {
    let variables = [
        ("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers()),
        ("INPUT", input.to_str().unwrap()),
        ("TOPIC", "orders"),
        ("KAFKA_PRODUCER_SETTINGS", settings),
    ];
    Service::start(env!("CARGO_BIN_EXE_my-batch-json"), &[], &variables)
}

/// Returns the saved progress: up to which line the file is sent.
fn sent(input: &Path) -> usize {
    let saved = std::fs::read_to_string(input.with_extension("jsonl.sent")).unwrap_or_default();
    saved.parse().unwrap_or(0)
}

/// Returns the keys in the topic for each partition, in order.
fn keys(cluster: &Cluster) -> Vec<Vec<usize>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers()).set("group.id", "audit");
    let consumer: BaseConsumer = config.set("enable.partition.eof", "true").create().unwrap();
    let mut all = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        all.add_partition_offset("orders", partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&all).unwrap();
    let (mut keys, mut ends) = (vec![Vec::new(); PARTITIONS as usize], 0);
    while ends < PARTITIONS {
        match consumer.poll(LIMIT).expect("the cluster responds") {
            Ok(message) => {
                let key = std::str::from_utf8(message.key().unwrap()).unwrap().parse().unwrap();
                keys[message.partition() as usize].push(key);
            }
            Err(KafkaError::PartitionEOF(_)) => ends += 1,
            Err(error) => panic!("{error}"),
        }
    }
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sent_once_in_order_and_what_is_no_order_is_noted() {
    let (cluster, directory) = (cluster().await, tempfile::tempdir().unwrap());
    let input = write(directory.path());
    let mut lines = std::fs::read_to_string(&input).unwrap();
    lines.push_str("late today\n");
    lines.push_str(&"x".repeat(1_000_000));
    std::fs::write(&input, lines).unwrap();
    let mut job = start(&cluster, &input, "");
    assert!(!job.ended().await, "two lines were not sent");
    let keys = keys(&cluster);
    assert!(keys.iter().all(|keys| keys.is_sorted()), "each partition is in order");
    assert_eq!(keys.concat().len(), LINES);
    assert_eq!(sent(&input), LINES + 2);
    let rejected = std::fs::read_to_string(input.with_extension("jsonl.rejected")).unwrap();
    assert!(rejected.contains(&format!("{}: it is not an order", LINES + 1)), "{rejected}");
    assert!(rejected.contains(&format!("{}: it is longer", LINES + 2)), "{rejected}");
    let mut again = start(&cluster, &input, "");
    assert!(!again.ended().await, "an earlier run has rejected lines");
    std::fs::remove_file(input.with_extension("jsonl.rejected")).unwrap();
    let mut again = start(&cluster, &input, "");
    assert!(again.ended().await, "there is nothing left to send");
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_and_kill_lose_nothing_and_only_a_kill_repeats() {
    let (cluster, directory) = (cluster().await, tempfile::tempdir().unwrap());
    let input = write(directory.path());
    let node = cluster.nodes()[0].id;
    cluster.delay(node, Duration::from_millis(20)).unwrap();

    let mut job = start(&cluster, &input, SMALL);
    eventually("some progress", || sent(&input) > 0).await;
    let process = job.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
    assert!(!job.ended().await, "it was not complete");
    cluster.clear_faults();
    let after_sigterm = keys(&cluster).concat().len();
    assert_eq!(after_sigterm, sent(&input), "what is in the topic is what was saved");
    assert!(after_sigterm < LINES);

    cluster.delay(node, Duration::from_millis(20)).unwrap();
    let job = start(&cluster, &input, SMALL);
    eventually("more progress", || sent(&input) > after_sigterm).await;
    job.kill();
    cluster.clear_faults();
    let mut job = start(&cluster, &input, "");
    assert!(job.ended().await);
    let mut keys = keys(&cluster).concat();
    let in_topic = keys.len();
    keys.sort_unstable();
    keys.dedup();
    println!("{in_topic} records for {LINES} lines");
    assert_eq!(keys, (1..=LINES).collect::<Vec<_>>());
    cluster.shutdown().await;
}
