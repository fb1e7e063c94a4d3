//! What the program promises, on a cluster and a registry inside the test.

#![cfg(unix)]

mod service;

use std::collections::BTreeSet;
use std::io::Write;

use embedded_kafka::{Cluster, TopicAtStart};
use embedded_registry::Registry;
use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use service::{LIMIT, Service, eventually};
use tokio::time::timeout;

async fn started() -> (Cluster, Registry) {
    let topics = [TopicAtStart::new("orders").partitions(3), TopicAtStart::new("dead-letters")];
    // A short session, so that the group does not wait long for a killed member.
    let builder = Cluster::builder().set("group.min.session.timeout.ms", "1000");
    let builder = topics.into_iter().fold(builder, |builder, topic| builder.topic(topic));
    let cluster = builder.start().await.unwrap();
    let registry = Registry::builder(cluster.bootstrap_servers()).start().await.unwrap();
    (cluster, registry)
}

fn start(cluster: &Cluster, registry: &str, what: &str) -> Service {
    let variables = [
        ("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers()),
        ("SCHEMA_REGISTRY_URL", registry),
        ("TOPIC", "orders"),
        ("GROUP", "billing"),
        ("DEAD_LETTER_TOPIC", "dead-letters"),
        ("KAFKA_CONSUMER_SETTINGS", "session.timeout.ms=3000; heartbeat.interval.ms=200"),
    ];
    Service::start(env!("CARGO_BIN_EXE_my-registry"), &[what], &variables)
}

/// Starts the writer, and a thread that writes these lines to its stdin.
fn feed(
    cluster: &Cluster,
    registry: &str,
    lines: impl Iterator<Item = String> + Send + 'static,
) -> Service {
    let mut writer = start(cluster, registry, "write");
    let mut stdin = writer.child.stdin.take().unwrap();
    std::thread::spawn(move || {
        for line in lines {
            if writeln!(stdin, "{line}").is_err() {
                break;
            }
        }
    });
    writer
}

fn order(id: usize) -> String {
    format!(r#"{{"id":{id},"cents":990,"coupon":null}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_confirmed_is_read_as_it_was_written_whoever_is_killed() {
    let (cluster, registry) = started().await;
    let url = registry.url();
    let writer = feed(&cluster, &url, (1..).map(order));
    writer.printed(50).await;
    let reader = start(&cluster, &url, "read");
    reader.printed(50).await;
    let mut confirmed = writer.kill();
    let mut read = reader.kill();
    let reader = start(&cluster, &url, "read");
    let next = confirmed.len() + 1;
    let writer = feed(&cluster, &url, (next..).map(order));
    writer.printed(50).await;
    confirmed.extend(writer.terminate().await);
    let expected: BTreeSet<String> = (1..=confirmed.len()).map(order).collect();
    eventually("all orders", || {
        let read: BTreeSet<String> = read.iter().cloned().chain(reader.lines()).collect();
        read == expected
    })
    .await;
    read.extend(reader.terminate().await);
    println!("{} confirmed, {} read", confirmed.len(), read.len());

    // The offsets are committed: the next reader reads only new records.
    let reader = start(&cluster, &url, "read");
    let new = order(confirmed.len() + 1);
    let mut writer = feed(&cluster, &url, std::iter::once(new.clone()));
    assert!(writer.ended().await);
    reader.printed(1).await;
    assert_eq!(reader.terminate().await, [new]);
    registry.shutdown().await;
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_no_avro_is_a_dead_letter_and_a_registry_that_is_away_is_not_its_fault() {
    let (cluster, registry) = started().await;
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers());
    let producer: FutureProducer = config.create().unwrap();
    let unknown_schema = [0, 0, 0, 39, 15, 2, 4, 0];
    for value in [b"late today".as_slice(), &unknown_schema] {
        let record = FutureRecord::<(), _>::to("orders").partition(0).payload(value);
        producer.send(record, LIMIT).await.unwrap();
    }
    let mut writer = feed(&cluster, &registry.url(), (1..=3).map(order));
    assert!(writer.ended().await);

    // No registry listens at this address: the program ends with an error, without dead letters.
    let no_registry = "http://127.0.0.1:9";
    let mut reader = start(&cluster, no_registry, "read");
    assert!(!reader.ended().await);

    let reader = start(&cluster, &registry.url(), "read");
    reader.printed(3).await;
    config.set("group.id", "a-person").set("auto.offset.reset", "earliest");
    let person: StreamConsumer = config.create().unwrap();
    person.subscribe(&["dead-letters"]).unwrap();
    let mut letters = BTreeSet::new();
    while letters.len() < 2 {
        let letter = timeout(LIMIT, person.recv()).await.unwrap().unwrap();
        letters.insert(letter.payload().unwrap().to_vec());
    }
    drop(person);
    let read: BTreeSet<String> = reader.terminate().await.into_iter().collect();
    assert_eq!(read, (1..=3).map(order).collect());
    assert_eq!(letters, BTreeSet::from([b"late today".to_vec(), unknown_schema.to_vec()]));
    registry.shutdown().await;
    cluster.shutdown().await;
}
