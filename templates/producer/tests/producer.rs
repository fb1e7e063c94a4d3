//! Tests what the README promises, on an embedded cluster.

#![cfg(unix)]

mod service;

use std::io::Write;

use embedded_kafka::{Cluster, TopicAtStart};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use service::{LIMIT, Service};

const PARTITIONS: i32 = 3;

async fn cluster() -> Cluster {
    let topic = TopicAtStart::new("orders").partitions(PARTITIONS);
    Cluster::builder().topic(topic).start().await.unwrap()
}

fn start(cluster: &Cluster) -> Service {
    let variables = [("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers()), ("TOPIC", "orders")];
    Service::start(env!("CARGO_BIN_EXE_my-producer"), &[], &variables)
}

/// Starts the program, and a thread that writes these orders to its stdin.
fn feed(cluster: &Cluster, first: usize, last: usize) -> Service {
    let mut service = start(cluster);
    let mut stdin = service.child.stdin.take().unwrap();
    std::thread::spawn(move || {
        for id in first..=last {
            if writeln!(stdin, r#"{{"id": {id}, "cents": 990}}"#).is_err() {
                break;
            }
        }
    });
    service
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

/// Returns the confirmed keys.
fn confirmed(lines: &[String]) -> Vec<usize> {
    lines.iter().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_delivers_and_confirms_what_was_read() {
    let cluster = cluster().await;
    let service = feed(&cluster, 1, 10_000_000);
    service.printed(2_000).await;
    let confirmed = confirmed(&service.terminate().await);
    let expected: Vec<usize> = (1..=confirmed.len()).collect();
    assert_eq!(confirmed, expected, "all that was read, in its order");
    let keys = keys(&cluster);
    assert!(keys.iter().all(|keys| keys.is_sorted()), "each partition is in order");
    let mut all = keys.concat();
    all.sort_unstable();
    assert_eq!(all, expected, "what is in the topic is what was confirmed");
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_the_next_one_goes_on_where_the_first_was_confirmed() {
    let cluster = cluster().await;
    let service = feed(&cluster, 1, 10_000_000);
    service.printed(2_000).await;
    let confirmed_before = confirmed(&service.kill());
    let next = confirmed_before.len() + 1;
    let last = next + 2_000;
    let mut service = feed(&cluster, next, last);
    assert!(service.ended().await, "stdin has ended");
    assert_eq!(confirmed(&service.rest()), (next..=last).collect::<Vec<_>>());
    let mut all = keys(&cluster).concat();
    let sent = all.len();
    all.sort_unstable();
    all.dedup();
    assert!(sent - all.len() <= 1_000, "{} were sent twice", sent - all.len());
    // The killed program may have sent more than it confirmed.
    assert_eq!(all[..last], (1..=last).collect::<Vec<_>>());
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_no_order_is_left_out_and_makes_the_end_an_error() {
    let cluster = cluster().await;
    let mut service = start(&cluster);
    let mut stdin = service.child.stdin.take().unwrap();
    stdin.write_all(b"{\"id\": 1}\n2 is late today\n{\"id\": 3}\n").unwrap();
    drop(stdin);
    assert!(!service.ended().await);
    assert_eq!(confirmed(&service.rest()), [1, 3]);
    cluster.shutdown().await;
}
