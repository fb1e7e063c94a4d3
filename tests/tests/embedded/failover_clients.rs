//! Each fault of the switchboard as librdkafka meets it: answers that are lost, late or errors, a
//! leader that lacks what was read, and leaders that move while a producer writes.
//!
//! Where a setting of the client decides whether the records survive, the same is done with both of
//! its values.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use embedded_kafka::{ApiKey, Event, EventReceiver, ResponseError};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::FutureProducer;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientContext, Message, Statistics};
use workshop_tests::disturbed::Disturbed;
use workshop_tests::eventually;
use workshop_tests::requests::{self};

use super::failover::{RECONNECT_SOON, TURN, read, send};

pub(super) const PREFERRED: i8 = 0;
pub(super) const UNCLEAN: i8 = 1;

const IDEMPOTENT: (&str, &str) = ("enable.idempotence", "true");
const PLAIN: (&str, &str) = ("enable.idempotence", "false");

/// What there is after three records, when the answer to the second was lost.
async fn sent_with_an_answer_lost(idempotence: (&str, &str)) -> Vec<u32> {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[]);
    let producer = cluster.clients.producer(&[idempotence, RECONNECT_SOON]);
    assert_eq!(send(&producer, &topic, 0..1).await, [0]);
    cluster.switchboard.drop_response(ApiKey::Produce);
    assert_eq!(send(&producer, &topic, 1..3).await, [1, 2]);
    read(&cluster.clients, &topic)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_record_whose_answer_is_lost_is_there_once_with_idempotence_and_twice_without() {
    assert_eq!(sent_with_an_answer_lost(IDEMPOTENT).await, [0, 1, 2]);
    assert_eq!(sent_with_an_answer_lost(PLAIN).await, [0, 1, 1, 2]);
}

/// The answers to Produce requests, up to the one that has an offset.
async fn answers_until_written(events: &mut EventReceiver) -> Vec<String> {
    let mut answers = Vec::new();
    while !answers.last().is_some_and(|it: &String| it.starts_with("offset")) {
        let event = tokio::time::timeout(workshop_tests::DEADLINE, events.recv()).await;
        let event = event.expect("an answer comes").expect("the cluster runs");
        if let Event::ResponseSent { api: "Produce", response, .. } = event {
            answers.push(response);
        }
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_record_that_is_refused_for_now_is_sent_until_it_is_taken() {
    for idempotence in [IDEMPOTENT, PLAIN] {
        let cluster = Disturbed::start().await;
        let topic = cluster.topic_on(&[1, 2, 3], &[]);
        let producer = cluster.clients.producer(&[idempotence]);
        let mut events = cluster.switchboard.events();
        let error = ResponseError::NotEnoughReplicas;
        cluster.switchboard.fail_next(ApiKey::Produce, error, 3).expect("it can be refused so");
        assert_eq!(send(&producer, &topic, 0..1).await, [0]);
        let answers = answers_until_written(&mut events).await;
        let refused = answers.iter().filter(|it| it.starts_with("NotEnoughReplicas")).count();
        assert_eq!((refused, answers.len()), (3, 4), "{answers:?}");
        assert_eq!(read(&cluster.clients, &topic), [0]);
    }
}

/// Counts the requests that a client gave up waiting for.
#[derive(Clone, Default)]
struct TimedOut(Arc<AtomicU64>);

impl ClientContext for TimedOut {
    fn stats(&self, statistics: Statistics) {
        let timed_out = statistics.brokers.values().map(|broker| broker.req_timeouts).sum();
        self.0.fetch_max(timed_out, Ordering::Relaxed);
    }
}

const LATE: Duration = Duration::from_secs(2);

/// What there is when requests waited at the leader for longer than the producer did, and how many
/// records were acknowledged. After so many failures the producer connects again, 0 for never.
/// `delay` has to be much more than the half second for which the producer waits.
async fn sent_to_a_slow_leader(
    idempotence: (&str, &str),
    failures_to_disconnect: &str,
    delay: Duration,
) -> (Vec<u32>, u32) {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2, 3], &[]);
    let timed_out = TimedOut::default();
    let config = cluster.clients.client_config(&[
        ("linger.ms", "0"),
        ("request.timeout.ms", "500"),
        // How long the client waits for an answer to whichever request.
        ("socket.timeout.ms", "500"),
        ("socket.max.fails", failures_to_disconnect),
        ("statistics.interval.ms", "50"),
        idempotence,
        RECONNECT_SOON,
    ]);
    let producer: FutureProducer<TimedOut> =
        config.create_with_context(timed_out.clone()).expect("the settings are valid");
    assert_eq!(send(&producer, &topic, 0..1).await, [0]);
    cluster.switchboard.delay(1, delay).expect("node 1 is there");
    let (name, seen) = (topic.clone(), timed_out.clone());
    let sending = tokio::spawn(async move {
        let mut next = 1;
        while seen.0.load(Ordering::Relaxed) == 0 {
            assert_eq!(send(&producer, &name, next..next + 1).await, [next]);
            next += 1;
        }
        next
    });
    eventually("a request has timed out", || {
        (timed_out.0.load(Ordering::Relaxed) > 0).then_some(())
    });
    cluster.switchboard.delay(1, Duration::ZERO).expect("node 1 is there");
    let acknowledged = sending.await.expect("every record is delivered");
    (read(&cluster.clients, &topic), acknowledged)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_that_is_given_up_with_its_connection_writes_nothing() {
    for idempotence in [IDEMPOTENT, PLAIN] {
        // It ends with the connection, so no one waits for so long.
        let delay = Duration::from_secs(30);
        let (there, acknowledged) = sent_to_a_slow_leader(idempotence, "1", delay).await;
        assert!(there.iter().copied().eq(0..acknowledged), "{there:?} of {acknowledged}");
    }
}

/// What was given up takes effect, and then what was sent again comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_record_that_is_answered_too_late_is_there_once_with_idempotence() {
    let (there, acknowledged) = sent_to_a_slow_leader(IDEMPOTENT, "0", LATE).await;
    assert!(there.iter().copied().eq(0..acknowledged), "{there:?} of {acknowledged}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_record_that_is_answered_too_late_is_there_more_than_once_without_idempotence() {
    let (mut there, acknowledged) = sent_to_a_slow_leader(PLAIN, "0", LATE).await;
    assert!(there.len() > acknowledged as usize, "{there:?} of {acknowledged}");
    there.dedup();
    assert!(there.iter().copied().eq(0..acknowledged), "{there:?} of {acknowledged}");
}

/// Has a leader elected in a topic's only partition, as soon as that can be done.
pub(super) fn elect(cluster: &Disturbed, topic: &str, election_type: i8) {
    eventually("a leader is elected", || (cluster.elect(election_type, topic) == 0).then_some(()));
}

/// Polls until the consumer stands at `offset`. Answers with the numbers that came.
fn read_to(consumer: &BaseConsumer, topic: &str, offset: i64) -> Vec<u32> {
    let mut numbers = Vec::new();
    eventually("the consumer comes to the offset", || {
        if let Some(Ok(message)) = consumer.poll(TURN) {
            numbers.push(std::str::from_utf8(message.payload()?).ok()?.parse().ok()?);
        }
        let position = consumer.position().ok()?;
        (position.find_partition(topic, 0)?.offset() == Offset::Offset(offset)).then_some(())
    });
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_consumer_has_read_what_an_unclean_election_loses_and_is_set_back() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[2, 3], &[]);
    let producer = cluster.clients.producer(&[("acks", "all"), PLAIN, RECONNECT_SOON]);
    assert_eq!(send(&producer, &topic, 0..2).await.len(), 2);
    cluster.switchboard.kill_node(3).await.expect("it runs");
    cluster.wait_for_in_sync(&topic, &[2]);
    assert_eq!(send(&producer, &topic, 2..5).await.len(), 3, "acknowledged by all in sync");
    let consumers = ["earliest", "error"].map(|reset| {
        let settings = [("auto.offset.reset", reset), RECONNECT_SOON];
        let consumer = cluster.clients.consumer(&cluster.clients.group_name(), &settings);
        let mut all = TopicPartitionList::new();
        all.add_partition_offset(&topic, 0, Offset::Beginning).expect("it is new");
        consumer.assign(&all).expect("it is known");
        consumer
    });
    for consumer in &consumers {
        assert_eq!(read_to(consumer, &topic, 5), [0, 1, 2, 3, 4]);
    }
    cluster.switchboard.kill_node(2).await.expect("it runs");
    cluster.wait_for_leader(&topic, -1);
    cluster.switchboard.start_node(3).await.expect("it is down");
    elect(&cluster, &topic, UNCLEAN);
    assert_eq!(send(&producer, &topic, 5..7).await.len(), 2);
    let [set_back, told] = consumers;
    // It goes on where the logs part (KIP-320), and not behind what it has read.
    assert_eq!(read_to(&set_back, &topic, 4), [5, 6]);
    let reset = KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset);
    eventually("it gets the error", || told.poll(TURN)?.err().filter(|error| *error == reset));
    assert_eq!(read(&cluster.clients, &topic), [0, 1, 5, 6]);
}

/// Gives a topic's only partition other replicas, and waits until they are in sync.
fn reassign(cluster: &Disturbed, topic: &str, replicas: &[i32]) {
    let request = requests::reassign(topic, [0], Some(replicas));
    let answer = cluster.any_node().call(0, &request);
    assert_eq!(answer.responses[0].partitions[0].error_code, 0);
    eventually("the replicas have moved", || {
        let partition = cluster.partition(topic);
        let is_there = partition.replica_nodes == replicas
            && partition.isr_nodes.len() == replicas.len()
            && replicas.contains(&partition.leader_id.0);
        is_there.then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_doubled_while_leaders_and_replicas_move() {
    let cluster = Disturbed::start().await;
    let topic = cluster.topic_on(&[1, 2], &[]);
    let producer = cluster.clients.producer(&[IDEMPOTENT, RECONNECT_SOON]);
    let (delivered, is_over) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, until, name) = (Arc::clone(&delivered), Arc::clone(&is_over), topic.clone());
    let sending = tokio::spawn(async move {
        while !until.load(Ordering::Relaxed) {
            let next = count.load(Ordering::Relaxed);
            assert_eq!(send(&producer, &name, next..next + 1).await, [next]);
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let wait_for_records = || {
        let before = delivered.load(Ordering::Relaxed);
        eventually("records are delivered", || {
            (delivered.load(Ordering::Relaxed) > before + 10).then_some(())
        });
    };
    for _ in 0..3 {
        cluster.switchboard.stop_node(1).await.expect("it runs");
        cluster.wait_for_leader(&topic, 2);
        wait_for_records();
        cluster.switchboard.start_node(1).await.expect("it is down");
        elect(&cluster, &topic, PREFERRED);
        cluster.wait_for_leader(&topic, 1);
        wait_for_records();
        reassign(&cluster, &topic, &[3, 2]);
        wait_for_records();
        reassign(&cluster, &topic, &[1, 2]);
        wait_for_records();
    }
    is_over.store(true, Ordering::Relaxed);
    sending.await.expect("every record is delivered");
    let expected: Vec<u32> = (0..delivered.load(Ordering::Relaxed)).collect();
    assert_eq!(read(&cluster.clients, &topic), expected);
}
