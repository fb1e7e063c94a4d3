//! Tests what the README promises, on an embedded cluster.

#![cfg(unix)]

mod service;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use embedded_kafka::{ApiKey, Cluster, ResponseError, TopicAtStart};
use rdkafka::ClientConfig;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{FutureProducer, FutureRecord};
use service::{LIMIT, Service, eventually};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

async fn cluster() -> Cluster {
    let topics = [TopicAtStart::new("orders").partitions(4), TopicAtStart::new("dead-letters")];
    // A short session, so that the group does not wait long for a killed member.
    let builder = Cluster::builder().set("group.min.session.timeout.ms", "1000");
    topics.into_iter().fold(builder, |builder, topic| builder.topic(topic)).start().await.unwrap()
}

fn start(cluster: &Cluster, metrics: &str) -> Service {
    Service::start(env!("CARGO_BIN_EXE_my-consumer"), &[], &variables(cluster, metrics))
}

fn variables<'a>(cluster: &'a Cluster, metrics: &'a str) -> [(&'static str, &'a str); 6] {
    [
        ("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers()),
        ("TOPIC", "orders"),
        ("GROUP", "billing"),
        ("DEAD_LETTER_TOPIC", "dead-letters"),
        ("METRICS_ADDRESS", metrics),
        (
            "KAFKA_CONSUMER_SETTINGS",
            "session.timeout.ms=3000; heartbeat.interval.ms=200; statistics.interval.ms=100",
        ),
    ]
}

fn producer(cluster: &Cluster) -> FutureProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers()).set("linger.ms", "0");
    config.create().unwrap()
}

async fn send(producer: &FutureProducer, key: &str, value: Option<&str>) {
    let record = FutureRecord { payload: value, ..FutureRecord::to("orders").key(key) };
    producer.send(record, LIMIT).await.unwrap();
}

/// Sends orders with the ids 1, 2, 3, … continuously.
struct Load {
    is_over: Arc<AtomicBool>,
    sent: JoinHandle<usize>,
}

impl Load {
    fn start(cluster: &Cluster) -> Load {
        let (producer, is_over) = (producer(cluster), Arc::new(AtomicBool::new(false)));
        let over = Arc::clone(&is_over);
        let sent = tokio::spawn(async move {
            let mut sent = 0;
            while !over.load(Ordering::Relaxed) {
                sent += 1;
                let order = format!(r#"{{"id": {sent}, "cents": 990}}"#);
                send(&producer, &sent.to_string(), Some(&order)).await;
                sleep(Duration::from_millis(1)).await;
            }
            sent
        });
        Load { is_over, sent }
    }

    async fn stop(self) -> usize {
        self.is_over.store(true, Ordering::Relaxed);
        self.sent.await.unwrap()
    }
}

fn distinct<'a>(lines: impl IntoIterator<Item = &'a String>) -> usize {
    lines.into_iter().collect::<BTreeSet<_>>().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_loses_nothing_and_repeats_nothing() {
    let cluster = cluster().await;
    let load = Load::start(&cluster);
    let first = start(&cluster, "");
    first.printed(100).await;
    // Partitions move from the first member, which commits before it gives them back.
    let second = start(&cluster, "");
    second.printed(100).await;
    let mut processed = first.terminate().await;
    let third = start(&cluster, "");
    third.printed(100).await;
    processed.extend(second.terminate().await);
    let sent = load.stop().await;
    third.printed(sent - processed.len()).await;
    processed.extend(third.terminate().await);
    assert_eq!((distinct(&processed), processed.len()), (sent, sent), "processed once, sent");
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_killed_loses_nothing() {
    let cluster = cluster().await;
    let load = Load::start(&cluster);
    let (first, second) = (start(&cluster, ""), start(&cluster, ""));
    first.printed(100).await;
    second.printed(100).await;
    let mut processed = first.kill();
    let third = start(&cluster, "");
    third.printed(100).await;
    let sent = load.stop().await;
    eventually("all orders", || {
        let (second, third) = (second.lines(), third.lines());
        distinct(processed.iter().chain(&second).chain(&third)) == sent
    })
    .await;
    processed.extend(second.terminate().await);
    processed.extend(third.terminate().await);
    println!("{sent} sent, {} repeated", processed.len() - sent);
    assert_eq!(distinct(&processed), sent);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_order_goes_to_the_dead_letters_and_the_lag_goes_to_zero() {
    let cluster = cluster().await;
    let producer = producer(&cluster);
    for (key, value) in [
        ("1", Some(r#"{"id": 1, "cents": 990}"#)),
        ("2", Some("2 is late today")),
        ("3", None),
        ("4", Some(r#"{"id": 4, "cents": 990}"#)),
    ] {
        send(&producer, key, value).await;
    }
    let address = free_address();
    let service = start(&cluster, &address);
    service.printed(2).await;
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.bootstrap_servers());
    config.set("group.id", "a-person").set("auto.offset.reset", "earliest");
    let person: StreamConsumer = config.create().unwrap();
    person.subscribe(&["dead-letters"]).unwrap();
    let letter = timeout(LIMIT, person.recv()).await.unwrap().unwrap();
    assert_eq!(letter.payload(), Some(b"2 is late today".as_slice()));
    assert_eq!(letter.key(), Some(b"2".as_slice()));
    let headers = letter.headers().unwrap();
    assert_eq!(headers.get(0).value, Some(b"orders".as_slice()));
    let error = String::from_utf8_lossy(headers.get(3).value.unwrap());
    assert!(error.contains("line 1"), "{error}");
    drop(letter);
    drop(person);
    eventually("a lag of 0 in all partitions", || {
        let page = page(&address);
        let lags: Vec<&str> =
            page.lines().filter(|line| line.starts_with("kafka_consumer_lag{")).collect();
        !lags.is_empty()
            && lags.iter().all(|line| line.ends_with(" 0"))
            && page.contains("\ndead_letters_total 1\n")
            && page.contains("\nrecords_processed_total 3\n")
    })
    .await;
    service.terminate().await;
    cluster.shutdown().await;
}

/// The program cannot write to stdout, so every order fails, without being the cause.
#[tokio::test(flavor = "multi_thread")]
async fn trouble_elsewhere_ends_it_and_the_next_one_begins_with_the_same_record() {
    let cluster = cluster().await;
    send(&producer(&cluster), "1", Some(r#"{"id": 1, "cents": 990}"#)).await;
    let mut mute = Command::new(env!("CARGO_BIN_EXE_my-consumer"));
    mute.env_clear()
        .env("RUST_LOG", "error,rdkafka::client=off")
        .envs(variables(&cluster, ""))
        .stdout(Stdio::piped());
    let mut mute = mute.spawn().unwrap();
    drop(mute.stdout.take());
    eventually("the end", || mute.try_wait().unwrap().is_some()).await;
    assert!(!mute.wait().unwrap().success());
    let service = start(&cluster, "");
    service.printed(1).await;
    assert_eq!(service.terminate().await, ["order 1 of 990 cents"]);
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_away_is_waited_for_and_does_not_hold_up_the_end() {
    let cluster = cluster().await;
    let producer = producer(&cluster);
    let service = start(&cluster, "");
    send(&producer, "1", Some(r#"{"id": 1, "cents": 990}"#)).await;
    service.printed(1).await;
    let node = cluster.nodes()[0].id;
    cluster.kill_node(node).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    cluster.start_node(node).await.unwrap();
    send(&producer, "2", Some(r#"{"id": 2, "cents": 990}"#)).await;
    service.printed(2).await;
    cluster.kill_node(node).await.unwrap();
    let begun = Instant::now();
    service.terminate().await;
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_missing_and_a_group_that_is_denied_end_it() {
    let empty = Cluster::builder().start().await.unwrap();
    let mut service = start(&empty, "");
    assert!(!service.ended().await);
    empty.shutdown().await;
    let cluster = cluster().await;
    cluster.fail_next(ApiKey::JoinGroup, ResponseError::GroupAuthorizationFailed, 1).unwrap();
    let mut service = start(&cluster, "");
    assert!(!service.ended().await);
    cluster.shutdown().await;
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Returns the page that Prometheus reads, empty while there is none.
fn page(address: &str) -> String {
    let mut page = String::new();
    if let Ok(mut stream) = TcpStream::connect(address) {
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let request = "GET /metrics HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let _ = stream.read_to_string(&mut page);
    }
    page
}
