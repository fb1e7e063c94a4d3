//! The parts of 25_dead_letters while the cluster does not accept what they forward, and where they
//! may not read.

#[path = "../../../examples/25_dead_letters/commit.rs"]
mod commit;
#[path = "../../../examples/25_dead_letters/departure.rs"]
#[expect(dead_code, reason = "nothing is repaired here")]
mod departure;
#[path = "../../../examples/25_dead_letters/forward.rs"]
#[expect(dead_code, reason = "the producer of the test gives up sooner")]
mod forward;
#[path = "../../../examples/25_dead_letters/redrive.rs"]
mod redrive;
#[path = "../../../examples/25_dead_letters/topics.rs"]
mod topics;
#[path = "../../../examples/25_dead_letters/undecodable.rs"]
mod undecodable;
#[path = "../../../examples/25_dead_letters/waiting.rs"]
mod waiting;
#[path = "../../../examples/25_dead_letters/worker.rs"]
#[expect(dead_code, reason = "the example prints how a record ended")]
mod worker;

use std::collections::BTreeSet;
use std::future::pending;
use std::time::{Duration, Instant};

use embedded_kafka::{ApiKey, ResponseError};
use helpers::{ConsumerBuilder, topic_metadata};
use rdkafka::producer::FutureProducer;
use workshop_tests::DEADLINE;
use workshop_tests::disturbed::Disturbed;

use departure::Board;
use topics::Topics;
use worker::Worker;

/// How long the producer tries to deliver a record. It tries some five times in that time.
const DELIVERY_LIMIT: Duration = Duration::from_secs(1);
/// How many requests fail: more than those of one record.
const FAILURES: usize = 12;

async fn departures() -> (Disturbed, Topics, FutureProducer) {
    let cluster = Disturbed::start().await;
    let topics = Topics::unique();
    topics.create(cluster.clients.bootstrap_servers()).await.expect("created");
    let limit = DELIVERY_LIMIT.as_millis().to_string();
    let producer = cluster.clients.producer(&[("message.timeout.ms", &limit)]);
    departure::publish(&producer, &topics.departures).await.expect("published");
    (cluster, topics, producer)
}

/// Has the next requests of producers fail, runs `scene`, and checks that it took longer than the
/// producer tries: then at least one record was not delivered.
async fn while_nothing_is_accepted<T>(
    cluster: &Disturbed,
    scene: impl Future<Output = anyhow::Result<T>>,
) -> T {
    let error = ResponseError::NotEnoughReplicas;
    cluster.switchboard.fail_next(ApiKey::Produce, error, FAILURES).expect("it can fail");
    let begun = Instant::now();
    let ended = tokio::time::timeout(DEADLINE, scene).await.expect("it ends");
    cluster.switchboard.clear_faults();
    assert!(begun.elapsed() > DELIVERY_LIMIT, "no delivery has failed");
    ended.expect("it survives what passes")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_and_the_redrive_survive_a_cluster_that_accepts_nothing_for_a_while() {
    let (cluster, topics, producer) = departures().await;
    let brokers = cluster.clients.bootstrap_servers();
    let builder = ConsumerBuilder::new(brokers, cluster.clients.group_name());
    let worker = Worker::start(builder, &topics, &producer).await.unwrap();
    let mut board = Board::without("BER").unwrap();
    let working = worker.work(&mut board, departure::COUNT, pending());
    let outcomes = while_nothing_is_accepted(&cluster, working).await;
    let keys: BTreeSet<&str> = outcomes.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(keys.len(), departure::COUNT, "{keys:?}");
    let letters = topic_metadata(brokers, &topics.dead_letters).await.unwrap().records();
    assert_eq!(letters, 2, "WS104 and WS106");

    let redriving = redrive::redrive(brokers, &topics, &producer);
    assert_eq!(while_nothing_is_accepted(&cluster, redriving).await, 2);
    let ended = worker.work(&mut board, 2, pending()).await;
    assert_eq!(worker.close(ended).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_parked_although_the_cluster_accepts_nothing_for_a_while() {
    let (cluster, topics, producer) = departures().await;
    let brokers = cluster.clients.bootstrap_servers();
    while_nothing_is_accepted(&cluster, undecodable::show(brokers, &topics, &producer)).await;
    assert_eq!(topic_metadata(brokers, &topics.parked).await.unwrap().records(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_may_not_read_ends_with_an_error_that_says_so() {
    let (cluster, topics, producer) = departures().await;
    let builder =
        ConsumerBuilder::new(cluster.clients.bootstrap_servers(), cluster.clients.group_name());
    let worker = Worker::start(builder, &topics, &producer).await.unwrap();
    let error = ResponseError::TopicAuthorizationFailed;
    cluster.switchboard.fail_next(ApiKey::Fetch, error, 1000).expect("it can fail");
    let mut board = Board::without("BER").unwrap();
    let working = worker.work(&mut board, departure::COUNT, pending());
    let worked = tokio::time::timeout(DEADLINE, working).await.expect("it ends");
    cluster.switchboard.clear_faults();
    let error = worker.close(worked).await.err().expect("it may not read").to_string();
    assert!(error.contains("ask for an ACL"), "{error}");
}
