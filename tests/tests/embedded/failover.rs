//! Clients while nodes fail: librdkafka does not lose what was acknowledged, and goes on.
//!
//! The clients know nothing of the faults: what they do stands apart from who breaks what.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use embedded_kafka::{Cluster, Event, EventReceiver};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientContext, Message};
use workshop_tests::disturbed::Disturbed;
use workshop_tests::{TestCluster, eventually};

pub(super) const TURN: Duration = Duration::from_millis(10);
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// Without it librdkafka waits for up to ten seconds before it asks a node again that was down.
pub(super) const RECONNECT_SOON: (&str, &str) = ("reconnect.backoff.max.ms", "200");

/// Sends numbered records one after another, and answers with those that were acknowledged.
pub(super) async fn send(
    producer: &FutureProducer<impl ClientContext + 'static>,
    topic: &str,
    numbers: std::ops::Range<u32>,
) -> Vec<u32> {
    let mut acknowledged = Vec::new();
    for number in numbers {
        let payload = number.to_string();
        let record = FutureRecord::<(), _>::to(topic).payload(&payload);
        if producer.send(record, TIMEOUT).await.is_ok() {
            acknowledged.push(number);
        }
    }
    acknowledged
}

/// Reads a topic's only partition from the beginning to its end.
pub(super) fn read(cluster: &TestCluster, topic: &str) -> Vec<u32> {
    let consumer = cluster.consumer(&cluster.group_name(), &[]);
    let mut all = TopicPartitionList::new();
    all.add_partition_offset(topic, 0, Offset::Beginning).expect("done");
    consumer.assign(&all).expect("done");
    let end = eventually("the end is known", || {
        consumer.fetch_watermarks(topic, 0, Duration::from_secs(2)).ok().map(|(_, end)| end)
    });
    let mut numbers = Vec::new();
    eventually("all is read", || {
        while let Some(Ok(message)) = consumer.poll(TURN) {
            numbers.push(std::str::from_utf8(message.payload()?).ok()?.parse().ok()?);
        }
        let position = consumer.position().ok()?;
        let at = position.find_partition(topic, 0)?.offset();
        (end == 0 || at == Offset::Offset(end)).then_some(())
    });
    numbers
}

/// What the work during the failures has done, and whether that is enough.
#[derive(Default)]
struct Progress {
    steps: AtomicUsize,
    is_enough: AtomicBool,
}

/// Kills the leader, so many times, and starts it again as soon as another leads. Each time the
/// work makes a step first, so that none of it is spared.
async fn kill_leaders(cluster: &Disturbed, topic: &str, times: usize, progress: &Progress) {
    for _ in 0..times {
        let before = progress.steps.load(Ordering::Relaxed);
        eventually("the work goes on", || {
            (progress.steps.load(Ordering::Relaxed) > before).then_some(())
        });
        let leader = eventually("someone leads", || {
            Some(cluster.partition(topic).leader_id.0).filter(|leader| *leader > 0)
        });
        cluster.switchboard.kill_node(leader).await.expect("done");
        eventually("another leads", || {
            (![leader, -1].contains(&cluster.partition(topic).leader_id.0)).then_some(())
        });
        cluster.switchboard.start_node(leader).await.expect("done");
    }
    progress.is_enough.store(true, Ordering::Relaxed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_with_acks_all_is_lost_or_doubled_while_leaders_are_killed() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[("min.insync.replicas", "2")]);
    let producer = cluster.clients.producer(&[("enable.idempotence", "true"), RECONNECT_SOON]);
    let progress = Arc::new(Progress::default());
    let (sending, name, made) = (producer.clone(), topic.clone(), Arc::clone(&progress));
    let sent = tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        let mut tried = 0;
        while !made.is_enough.load(Ordering::Relaxed) {
            acknowledged.extend(send(&sending, &name, tried..tried + 10).await);
            tried += 10;
            made.steps.fetch_add(1, Ordering::Relaxed);
        }
        (tried, acknowledged)
    });
    kill_leaders(&cluster, &topic, 5, &progress).await;
    let (tried, acknowledged) = sent.await.expect("done");
    assert!(acknowledged.iter().copied().eq(0..tried), "it goes on until all are acknowledged");
    assert_eq!(read(&cluster.clients, &topic), acknowledged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn acks_1_loses_what_no_follower_had_and_says_nothing() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[]);
    let producer = cluster.clients.producer(&[("acks", "1"), RECONNECT_SOON]);
    assert_eq!(send(&producer, &topic, 0..10).await.len(), 10);
    for follower in [2, 3] {
        cluster.switchboard.pause_replication(follower).await.expect("done");
    }
    assert_eq!(send(&producer, &topic, 10..15).await.len(), 5, "acknowledged");
    cluster.switchboard.kill_node(1).await.expect("done");
    cluster.wait_for_leader(&topic, 2);
    assert_eq!(send(&producer, &topic, 15..20).await.len(), 5);
    for follower in [2, 3] {
        cluster.switchboard.resume_replication(follower).await.expect("done");
    }
    let kept: Vec<u32> = (0..10).chain(15..20).collect();
    assert_eq!(read(&cluster.clients, &topic), kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_shutdown_in_order_loses_nothing_even_with_acks_1() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[]);
    let producer = cluster.clients.producer(&[("acks", "1"), RECONNECT_SOON]);
    let (sending, name) = (producer.clone(), topic.clone());
    let sent = tokio::spawn(async move { send(&sending, &name, 0..200).await });
    for node in [1, 2, 1, 3] {
        cluster.switchboard.stop_node(node).await.expect("done");
        cluster.wait_for_leader(&topic, cluster.partition(&topic).leader_id.0);
        cluster.switchboard.start_node(node).await.expect("done");
    }
    let acknowledged = sent.await.expect("done");
    let there: BTreeSet<u32> = read(&cluster.clients, &topic).into_iter().collect();
    let lost: Vec<_> = acknowledged.iter().filter(|it| !there.contains(it)).collect();
    assert!(lost.is_empty() && acknowledged.len() == 200, "lost {lost:?}");
}

/// Polls until something is assigned.
fn wait_for_assignment(consumer: &BaseConsumer) {
    eventually("the consumer has its partition", || {
        let _ = consumer.poll(TURN);
        (consumer.assignment().ok()?.count() > 0).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_group_goes_on_at_its_next_coordinator_with_what_it_committed() {
    let cluster = Disturbed::start().await;
    let clients = &cluster.clients;
    let topic = cluster.topic_on(&[1, 2, 3], &[]);
    send(&clients.producer(&[]), &topic, 0..10).await;
    let group = clients.group_name();
    let consumer = clients.consumer(&group, &[RECONNECT_SOON]);
    consumer.subscribe(&[&topic]).expect("done");
    wait_for_assignment(&consumer);
    let mut committed = TopicPartitionList::new();
    for offset in 1..=6 {
        committed = TopicPartitionList::new();
        committed.add_partition_offset(&topic, 0, Offset::Offset(offset)).expect("done");
        let coordinator = cluster.coordinator(&group);
        if offset % 2 == 0 {
            cluster.switchboard.kill_node(coordinator).await.expect("done");
        }
        eventually("the commit is taken", || {
            let _ = consumer.poll(TURN);
            consumer.commit(&committed, CommitMode::Sync).ok()
        });
        if offset % 2 == 0 {
            cluster.switchboard.start_node(coordinator).await.expect("done");
        }
    }
    let found = eventually("the group is answered for", || {
        consumer.committed_offsets(committed.clone(), Duration::from_secs(2)).ok()
    });
    let offset = found.find_partition(&topic, 0).expect("done").offset();
    assert_eq!(offset, Offset::Offset(6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn transactions_stay_whole_while_their_coordinators_and_leaders_are_killed() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[("min.insync.replicas", "2")]);
    let producer = cluster.clients.producer(&[
        ("transactional.id", &*workshop_tests::transactions::transactional_id()),
        ("transaction.timeout.ms", "60000"),
        RECONNECT_SOON,
    ]);
    producer.init_transactions(TIMEOUT).expect("done");
    let progress = Arc::new(Progress::default());
    let (sending, name, made) = (producer.clone(), topic.clone(), Arc::clone(&progress));
    let transactions = tokio::spawn(async move {
        let mut committed = Vec::new();
        for transaction in 0u32.. {
            if made.is_enough.load(Ordering::Relaxed) {
                break;
            }
            sending.begin_transaction().expect("done");
            let numbers = transaction * 10..transaction * 10 + 5;
            let sent = send(&sending, &name, numbers.clone()).await;
            let outcome = in_blocking(&sending, move |sending| {
                if sent.len() == 5 && transaction % 3 != 0 {
                    retried(|| sending.commit_transaction(TIMEOUT)).map(|()| true)
                } else {
                    retried(|| sending.abort_transaction(TIMEOUT)).map(|()| false)
                }
            });
            match outcome.await {
                Ok(true) => {
                    committed.extend(numbers);
                    made.steps.fetch_add(1, Ordering::Relaxed);
                }
                Ok(false) => {}
                // What could not be committed has to be aborted before the next one.
                Err(_) => {
                    in_blocking(&sending, |sending| retried(|| sending.abort_transaction(TIMEOUT)))
                        .await
                        .expect("done");
                }
            }
        }
        committed
    });
    kill_leaders(&cluster, &topic, 5, &progress).await;
    let committed = transactions.await.expect("done");
    assert_eq!(read(&cluster.clients, &topic), committed);
}

/// librdkafka's transactional calls block.
async fn in_blocking<T: Send + 'static>(
    producer: &FutureProducer,
    act: impl FnOnce(&FutureProducer) -> T + Send + 'static,
) -> T {
    let producer = producer.clone();
    tokio::task::spawn_blocking(move || act(&producer)).await.expect("done")
}

/// Calls again what may be called again.
fn retried(mut call: impl FnMut() -> Result<(), KafkaError>) -> Result<(), KafkaError> {
    loop {
        match call() {
            Err(KafkaError::Transaction(error)) if error.is_retriable() => {}
            outcome => return outcome,
        }
    }
}

/// Polls until a node has answered a fetch of the consumer with this client id.
async fn poll_until_fetched_at(node: i32, consumer: &BaseConsumer, events: &mut EventReceiver) {
    let deadline = tokio::time::Instant::now() + TIMEOUT;
    loop {
        let _ = consumer.poll(TURN);
        let event = tokio::time::timeout(TURN, events.recv()).await;
        if let Ok(Some(Event::ResponseSent { node: at, client_id, api: "Fetch", .. })) = event
            && at == node
            && client_id == "near-c"
        {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "nothing was fetched at node {node}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_consumer_reads_at_the_follower_in_its_rack_and_at_the_leader_without_it() {
    let builder = Cluster::builder().nodes(3).racks(["a", "b", "c"]);
    let switchboard =
        builder.failover_delay(Duration::from_millis(50)).start().await.expect("done");
    let clients = TestCluster::at(switchboard.bootstrap_servers());
    let cluster = Disturbed { switchboard, clients };
    let topic = cluster.topic_on(&[1, 3], &[]);
    let producer = cluster.clients.producer(&[]);
    let settings = [("client.rack", "c"), ("client.id", "near-c"), RECONNECT_SOON];
    let consumer = cluster.clients.consumer(&cluster.clients.group_name(), &settings);
    let mut all = TopicPartitionList::new();
    all.add_partition_offset(&topic, 0, Offset::Beginning).expect("done");
    consumer.assign(&all).expect("done");
    let mut events = cluster.switchboard.events();
    assert_eq!(send(&producer, &topic, 0..5).await.len(), 5);
    poll_until_fetched_at(3, &consumer, &mut events).await;
    cluster.switchboard.kill_node(3).await.expect("done");
    poll_until_fetched_at(1, &consumer, &mut events).await;
    assert_eq!(send(&producer, &topic, 5..8).await.len(), 3);
    eventually("the rest is read", || {
        let _ = consumer.poll(TURN);
        let position = consumer.position().ok()?;
        (position.find_partition(&topic, 0)?.offset() == Offset::Offset(8)).then_some(())
    });
}
