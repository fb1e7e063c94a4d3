//! The worker of 25_dead_letters while others of its group start and stop: none of them ends with
//! an error, and every departure comes to its end.

#[path = "../../../examples/25_dead_letters/commit.rs"]
#[expect(dead_code, reason = "the other scenes of the example use it")]
mod commit;
#[path = "../../../examples/25_dead_letters/departure.rs"]
#[expect(dead_code, reason = "the example has departures of its own")]
mod departure;
#[path = "../../../examples/25_dead_letters/forward.rs"]
mod forward;
#[path = "../../../examples/25_dead_letters/topics.rs"]
#[expect(dead_code, reason = "the example creates and deletes its topics")]
mod topics;
#[path = "../../../examples/25_dead_letters/worker.rs"]
#[expect(dead_code, reason = "the example prints how a record ended")]
mod worker;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use helpers::ConsumerBuilder;
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::sync::watch;
use tokio::task::JoinSet;
use workshop_tests::{DEADLINE, TestCluster};

use departure::Board;
use topics::Topics;
use worker::Worker;

const WORKERS: usize = 8;
const PARTITIONS: i32 = 6;
const DEPARTURES: usize = 120;
/// How many departures a worker brings to their end before it leaves.
const TURN: usize = 10;

/// Every tenth is no departure, and every seventh fails until it is a dead letter. More follow than
/// are counted: a worker counts what it has done at the end of its turn.
async fn publish(producer: &FutureProducer, topic: &str, over: &watch::Sender<bool>) {
    for number in (0..).take_while(|_| !*over.borrow()) {
        let flight = format!("WS{number}");
        let value = match number {
            _ if number % 10 == 0 => "late today".to_owned(),
            _ if number % 7 == 0 => format!(r#"{{"flight":"{flight}","from":"JFK","to":"BER"}}"#),
            _ => format!(r#"{{"flight":"{flight}","from":"JFK","to":"LHR"}}"#),
        };
        let record = FutureRecord::to(topic).key(&flight).payload(&value);
        producer.send(record, DEADLINE).await.expect("the departure arrives");
        // No more than they can do: who has much to read before a retry topic does not come to it.
        let pause = if number < DEPARTURES { 5 } else { 20 };
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// What all workers have brought to its end, and how often a worker has started.
#[derive(Default)]
struct Seen {
    ended: Mutex<BTreeSet<usize>>,
    starts: AtomicUsize,
}

impl Seen {
    fn ended(&self, outcomes: Vec<worker::Outcome>) -> usize {
        let mut ended = self.ended.lock().expect("no one panics while holding it");
        let numbers = outcomes.iter().filter_map(|outcome| outcome.key[2..].parse::<usize>().ok());
        ended.extend(numbers.filter(|number| *number < DEPARTURES));
        ended.len()
    }
}

/// Joins, works for a while, leaves, and joins again, until everything has come to its end.
async fn come_and_go(
    builder: impl Fn() -> ConsumerBuilder,
    topics: &Topics,
    producer: &FutureProducer,
    seen: &Seen,
    over: &watch::Sender<bool>,
) -> anyhow::Result<()> {
    let mut board = Board::without("BER")?;
    let mut told = over.subscribe();
    while !*over.borrow() {
        let worker = Worker::start(builder(), topics, producer).await?;
        seen.starts.fetch_add(1, Ordering::Relaxed);
        tokio::select! {
            outcomes = worker.work(&mut board, TURN) => {
                if seen.ended(outcomes?) == DEPARTURES {
                    over.send_replace(true);
                }
            }
            _ = told.wait_for(|over| *over) => {}
        }
        worker.close().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_worker_ends_with_an_error_while_others_come_and_go() {
    let cluster = TestCluster::start().await;
    let retry = |wait| (cluster.create_topic(PARTITIONS), Duration::from_millis(wait));
    let topics = Arc::new(Topics {
        departures: cluster.create_topic(PARTITIONS),
        retries: [retry(50), retry(100)],
        dead_letters: cluster.create_topic(1),
        parked: cluster.create_topic(1),
    });
    let (producer, group) = (cluster.producer(&[]), cluster.group_name());
    let (seen, over) = (Arc::new(Seen::default()), watch::Sender::new(false));
    let mut tasks = JoinSet::new();
    for _ in 0..WORKERS {
        let (servers, group) = (cluster.bootstrap_servers().to_owned(), group.clone());
        let (topics, producer) = (Arc::clone(&topics), producer.clone());
        let (seen, over) = (Arc::clone(&seen), over.clone());
        tasks.spawn(async move {
            let builder = || {
                ConsumerBuilder::new(&*servers, &*group)
                    .set("partition.assignment.strategy", "cooperative-sticky")
                    .set("heartbeat.interval.ms", "100")
                    .set("session.timeout.ms", "6000")
            };
            come_and_go(builder, &topics, &producer, &seen, &over).await
        });
    }
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            ended.expect("no worker panics").expect("no worker ends with an error");
        }
    };
    let publishing = publish(&producer, &topics.departures, &over);
    let all = async { tokio::join!(all, publishing) };
    if tokio::time::timeout(2 * DEADLINE, all).await.is_err() {
        let starts = seen.starts.load(Ordering::Relaxed);
        panic!("{} of {DEPARTURES} in {starts} turns", seen.ended(Vec::new()));
    }
    let starts = seen.starts.load(Ordering::Relaxed);
    assert!(starts >= 2 * WORKERS, "the workers came and went {starts} times");
}
