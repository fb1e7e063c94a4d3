//! The worker of 25_dead_letters while others of its group start and stop: none of them ends with
//! an error, every departure comes to its end, and a partition that waits is not forgotten.

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
#[path = "../../../examples/25_dead_letters/waiting.rs"]
mod waiting;
#[path = "../../../examples/25_dead_letters/worker.rs"]
#[expect(dead_code, reason = "the example prints how a record ended")]
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use helpers::{CommitOnRevoke, ConsumerBuilder, seek_back};
use kafka_protocol::messages::describe_groups_response::DescribedGroupMember;
use rdkafka::consumer::{Consumer, ConsumerContext, StreamConsumer};
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::sync::watch;
use tokio::task::JoinSet;
use workshop_tests::requests::describe_group;
use workshop_tests::{DEADLINE, TestCluster};

use departure::Board;
use topics::Topics;
use waiting::{Waiting, partition, resume};
use worker::Worker;

const WORKERS: usize = 8;
const PARTITIONS: i32 = 6;
const DEPARTURES: usize = 120;
/// How many departures a worker brings to their end before it leaves.
const TURN: usize = 10;

/// Every tenth is no departure, and every seventh fails until it is a dead letter.
async fn send(producer: &FutureProducer, topic: &str, number: usize) {
    let flight = format!("WS{number}");
    let value = match number {
        _ if number.is_multiple_of(10) => "late today".to_owned(),
        _ if number.is_multiple_of(7) => {
            format!(r#"{{"flight":"{flight}","from":"JFK","to":"BER"}}"#)
        }
        _ => format!(r#"{{"flight":"{flight}","from":"JFK","to":"LHR"}}"#),
    };
    let record = FutureRecord::to(topic).key(&flight).payload(&value);
    producer.send(record, DEADLINE).await.expect("the departure arrives");
}

/// More follow than are counted: a worker counts what it has done at the end of its turn.
async fn publish(producer: &FutureProducer, topic: &str, over: &watch::Sender<bool>) {
    for number in (0..).take_while(|_| !*over.borrow()) {
        send(producer, topic, number).await;
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
        let told = async { drop(told.wait_for(|over| *over).await) };
        let worked = worker.work(&mut board, TURN, told).await;
        if seen.ended(worker.close(worked).await?) == DEPARTURES {
            over.send_replace(true);
        }
    }
    Ok(())
}

fn create_topics(cluster: &TestCluster, partitions: i32) -> Arc<Topics> {
    let retry = |wait| (cluster.create_topic(partitions), Duration::from_millis(wait));
    Arc::new(Topics {
        departures: cluster.create_topic(partitions),
        retries: [retry(50), retry(100)],
        dead_letters: cluster.create_topic(1),
        parked: cluster.create_topic(1),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_worker_ends_with_an_error_while_others_come_and_go() {
    let cluster = TestCluster::start().await;
    let topics = create_topics(&cluster, PARTITIONS);
    let producer = forward::producer(cluster.bootstrap_servers()).expect("valid settings");
    let group = cluster.group_name();
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

/// Three workers, as a deployment runs them: one after the other stops, and is started again.
const MEMBERS: usize = 3;
const ROUNDS: usize = 2;
/// A departure each five milliseconds.
const BETWEEN: Duration = Duration::from_millis(5);

/// How often each departure came to its end, and how often each worker was started.
#[derive(Default)]
struct Ledger {
    ended: Mutex<BTreeMap<String, usize>>,
    starts: [AtomicUsize; MEMBERS],
}

impl Ledger {
    fn count(&self, outcomes: &[worker::Outcome]) {
        let mut ended = self.ended.lock().expect("no one panics while holding it");
        for outcome in outcomes {
            *ended.entry(outcome.key.clone()).or_default() += 1;
        }
    }

    /// The departures that came to their end, and how often one did again.
    fn sums(&self) -> (usize, usize) {
        let ended = self.ended.lock().expect("no one panics while holding it");
        (ended.len(), ended.values().map(|times| times - 1).sum())
    }

    fn starts(&self, member: usize) -> usize {
        self.starts[member].load(Ordering::Relaxed)
    }

    async fn wait_for(&self, what: &str, mut is_so: impl FnMut(&Ledger) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(begun.elapsed() < DEADLINE, "waited in vain: {what}, {:?}", self.sums());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Whether each worker has partitions. Which ones is up to the strategy: those of one topic, say.
fn is_stable(cluster: &TestCluster, group: &str) -> bool {
    let described = cluster.connect_to_coordinator(group).call(5, &describe_group(group));
    let group = &described.groups[0];
    let has_some = |it: &DescribedGroupMember| !it.member_assignment.is_empty();
    *group.group_state == *"Stable"
        && group.members.len() == MEMBERS
        && group.members.iter().all(has_some)
}

/// A worker that is restarted each time that `order` changes, and ends when it is `None`.
async fn restarted(
    member: usize,
    builder: impl Fn() -> ConsumerBuilder,
    (topics, producer): (&Topics, &FutureProducer),
    ledger: &Ledger,
    mut order: watch::Receiver<Option<usize>>,
) -> anyhow::Result<()> {
    let mut board = Board::without("BER")?;
    while order.borrow_and_update().is_some() {
        let worker = Worker::start(builder(), topics, producer).await?;
        ledger.starts[member].fetch_add(1, Ordering::Relaxed);
        let worked = loop {
            let stop = async { drop(order.changed().await) };
            let worked = worker.work(&mut board, 1, stop).await;
            ledger.count(worked.as_deref().unwrap_or_default());
            if worked.as_ref().map_or(true, Vec::is_empty) {
                break worked;
            }
        };
        worker.close(worked).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_of_three_workers_under_load_loses_nothing() {
    for strategy in ["range", "cooperative-sticky"] {
        let cluster = TestCluster::start().await;
        let topics = create_topics(&cluster, PARTITIONS);
        let producer = forward::producer(cluster.bootstrap_servers()).expect("valid settings");
        let group = cluster.group_name();
        let ledger = Arc::new(Ledger::default());
        let orders = [(); MEMBERS].map(|()| watch::Sender::new(Some(0)));
        let mut workers = JoinSet::new();
        for (member, order) in orders.iter().enumerate() {
            let (servers, group) = (cluster.bootstrap_servers().to_owned(), group.clone());
            let (topics, producer) = (Arc::clone(&topics), producer.clone());
            let (ledger, order) = (Arc::clone(&ledger), order.subscribe());
            workers.spawn(async move {
                let builder = || {
                    ConsumerBuilder::new(&*servers, &*group)
                        .set("partition.assignment.strategy", strategy)
                        .set("heartbeat.interval.ms", "200")
                        .set("session.timeout.ms", "6000")
                };
                restarted(member, builder, (&topics, &producer), &ledger, order).await
            });
        }
        let is_over = watch::Sender::new(false);
        let publishing = async {
            let mut sent = 0;
            while !*is_over.borrow() {
                send(&producer, &topics.departures, sent).await;
                sent += 1;
                tokio::time::sleep(BETWEEN).await;
            }
            sent
        };
        // All have partitions, and this one has been started so often. Some departures come to
        // their end then, before the next one is stopped.
        let works = async |member: usize, starts: usize| {
            let works = |ledger: &Ledger| {
                ledger.starts(member) >= starts
                    && tokio::task::block_in_place(|| is_stable(&cluster, &group))
            };
            ledger.wait_for("the worker works", works).await;
            let ended = ledger.sums().0;
            ledger.wait_for("departures end", |ledger| ledger.sums().0 > ended + 50).await;
        };
        let restarting = async {
            works(MEMBERS - 1, 1).await;
            for member in (0..MEMBERS).cycle().take(ROUNDS * MEMBERS) {
                let starts = ledger.starts(member);
                orders[member].send_modify(|order| *order = order.map(|times| times + 1));
                works(member, starts + 1).await;
            }
            is_over.send_replace(true);
        };
        let (sent, ()) = tokio::join!(publishing, restarting);
        ledger.wait_for("all have come to their end", |it| it.sums().0 == sent).await;
        orders.iter().for_each(|order| order.send_modify(|order| *order = None));
        while let Some(ended) = workers.join_next().await {
            ended.expect("no worker panics").expect("no worker ends with an error");
        }
        let (ended, repeats) = ledger.sums();
        println!("{strategy}: {sent} sent, {} lost, {repeats} repeated", sent - ended);
        assert_eq!(ended, sent);
        // A worker commits each record. A commit that meets a rebalance may fail, and then the
        // record of each partition comes again.
        assert!(repeats <= ROUNDS * MEMBERS * 3 * PARTITIONS as usize, "{repeats}");
    }
}

/// Pauses a partition in front of its record, has it revoked and assigned again, and returns the
/// member, and whether the record comes.
async fn paused_and_revoked<C: ConsumerContext + Default + 'static>(
    cluster: &TestCluster,
    topic: &str,
    wait: impl Fn(&C),
) -> (StreamConsumer<C>, bool) {
    let group = cluster.group_name();
    let builder = ConsumerBuilder::new(cluster.bootstrap_servers(), &group);
    let builder = builder.set("fetch.wait.max.ms", "100");
    let member = builder.build_with(C::default()).await.expect("it answers");
    member.subscribe(&[topic]).expect("subscribed");
    let message = member.recv().await.expect("a record");
    member.pause(&partition(topic, 0)).expect("paused");
    assert!(seek_back(&member, topic, 0, message.offset()).expect("it is this member's"));
    drop(message);
    wait(member.context());
    let moment = Duration::from_millis(500);
    let paused = tokio::time::timeout(moment, member.recv()).await;
    paused.map(|_| ()).expect_err("the partition is paused");

    let has = |partitions| member.assignment().expect("known").count() == partitions;
    member.unsubscribe();
    while !has(0) {
        let _ = tokio::time::timeout(moment, member.recv()).await;
    }
    member.subscribe(&[topic]).expect("subscribed");
    let mut comes = false;
    // Twice, because the assignment may have come at the end of the first moment.
    let mut left = 2;
    while left > 0 && !comes {
        comes = tokio::time::timeout(moment, member.recv()).await.is_ok();
        left -= usize::from(has(1));
    }
    (member, comes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_outlives_a_revoke_and_what_waits_is_read_when_its_partition_comes_back() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    send(&cluster.producer(&[]), &topic, 1).await;
    let far = Duration::from_secs(u32::MAX.into());
    let wait = |context: &Waiting| context.add((topic.clone(), 0), far);
    let (member, comes) = paused_and_revoked(&cluster, &topic, wait).await;
    assert!(comes, "the worker resumes what is revoked");
    assert_eq!(member.context().first_due(), None, "and waits for it no longer");

    // What happens without that.
    let wait = |_: &CommitOnRevoke| {};
    let (member, comes) = paused_and_revoked(&cluster, &topic, wait).await;
    assert!(!comes, "librdkafka has forgotten the pause: the worker need not resume");
    resume(&member, &(topic, 0)).expect("resumed");
    let message = tokio::time::timeout(DEADLINE, member.recv()).await;
    assert_eq!(message.expect("it comes").expect("a record").offset(), 0);
}
