//! How far behind a group is: what each number counts, and what it leaves out.
//!
//! The expected lags are those that `kafka-consumer-groups --describe` of Apache Kafka 4.3 printed
//! for a topic of the same records and commits.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use helpers::{Error, GroupLag, PartitionLag, group_lag};
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::statistics::{Partition, Statistics};
use rdkafka::{Offset, TopicPartitionList};
use workshop_tests::transactions::transactional_id;
use workshop_tests::{DEADLINE, TestCluster, eventually};

const TURN: Duration = Duration::from_millis(20);
/// The cleaner of a broker looks for work every 15 s by default.
const CLEANER_LIMIT: Duration = Duration::from_secs(90);

fn plain(cluster: &TestCluster) -> BaseProducer {
    cluster.client_config(&[("linger.ms", "0")]).create().expect("the settings are valid")
}

fn transactional(cluster: &TestCluster) -> BaseProducer {
    let id = transactional_id();
    let config = cluster.client_config(&[("transactional.id", &id), ("linger.ms", "0")]);
    let producer: BaseProducer = config.create().expect("the settings are valid");
    producer.init_transactions(DEADLINE).expect("the producer is initialized");
    producer
}

fn send(producer: &BaseProducer, topic: &str, records: usize) {
    for _ in 0..records {
        let record = BaseRecord::<(), _>::to(topic).partition(0).payload("a departure");
        producer.send(record).map_err(|(error, _)| error).expect("the queue has room");
    }
    workshop_tests::flush(producer);
}

fn at(topic: &str, offset: i64) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(offset)).expect("a valid offset");
    list
}

/// Commits for a group without members.
fn commit(cluster: &TestCluster, group: &str, topic: &str, offset: i64) {
    let client = cluster.consumer(group, &[]);
    eventually("the coordinator takes the commit", || {
        client.commit(&at(topic, offset), CommitMode::Sync).ok()
    });
}

/// A consumer of the group at offset 0, assigned by hand.
fn reader(cluster: &TestCluster, group: &str, topic: &str) -> BaseConsumer {
    let consumer = cluster.consumer(group, &[("enable.partition.eof", "true")]);
    consumer.assign(&at(topic, 0)).expect("assigned");
    consumer
}

/// The offsets of the records up to the end of the partition.
fn read_to_end(consumer: &BaseConsumer) -> Vec<i64> {
    let (start, mut offsets) = (Instant::now(), Vec::new());
    loop {
        assert!(start.elapsed() < DEADLINE, "the partition has no end");
        match consumer.poll(TURN) {
            None => {}
            Some(Ok(message)) => offsets.push(message.offset()),
            Some(Err(KafkaError::PartitionEOF(_))) => return offsets,
            Some(Err(error)) => panic!("{error}"),
        }
    }
}

/// Waits until the partition ends there: a marker is written a moment after its decision.
async fn with_end(
    cluster: &TestCluster,
    group: &str,
    topic: &str,
    (stable, high): (i64, i64),
) -> GroupLag {
    let start = Instant::now();
    loop {
        let asked = group_lag(cluster.bootstrap_servers(), group, topic).await;
        let lag = asked.expect("the cluster answers");
        let range = lag.partitions[0].range.expect("the partition has a leader");
        if (range.last_stable, range.high) == (stable, high) {
            return lag;
        }
        assert!(start.elapsed() < DEADLINE, "no end at {stable}, {high}: {lag}");
    }
}

#[tokio::test]
async fn the_lag_is_the_high_watermark_minus_what_is_committed() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(2), cluster.group_name());
    send(&plain(&cluster), &topic, 10);
    let asked = group_lag(cluster.bootstrap_servers(), &group, &topic).await.unwrap();
    let known = |lag: &GroupLag| lag.partitions.iter().map(PartitionLag::lag).collect::<Vec<_>>();
    assert_eq!(known(&asked), [None, None], "nothing committed is no number");
    assert_eq!((asked.lag(), asked.readable()), (None, 10));

    commit(&cluster, &group, &topic, 4);
    let asked = group_lag(cluster.bootstrap_servers(), &group, &topic).await.unwrap();
    assert_eq!(known(&asked), [Some(6), None]);
    assert_eq!((asked.lag(), asked.readable()), (Some(6), 6));

    // As after an unclean election, in which the partition lost its newest records.
    commit(&cluster, &group, &topic, 15);
    let asked = group_lag(cluster.bootstrap_servers(), &group, &topic).await.unwrap();
    assert_eq!(known(&asked), [Some(-5), None]);
    assert_eq!(asked.readable(), 0);
}

#[tokio::test]
async fn a_deleted_topic_takes_its_offsets_along_and_a_late_commit_is_a_negative_lag() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    send(&plain(&cluster), &topic, 5);
    commit(&cluster, &group, &topic, 5);
    let admin = cluster.admin();
    admin.delete_topics(&[&topic], &AdminOptions::new()).await.expect("a response");
    let again = NewTopic::new(&topic, 1, TopicReplication::Fixed(1));
    let start = Instant::now();
    while admin.create_topics([&again], &AdminOptions::new()).await.unwrap()[0].is_err() {
        assert!(start.elapsed() < DEADLINE, "the topic is still there");
    }
    cluster.wait_for_leaders(&topic, 1);
    let now = async || {
        let lag = group_lag(cluster.bootstrap_servers(), &group, &topic).await.unwrap();
        lag.partitions[0].lag()
    };
    assert_eq!(now().await, None, "the offset is gone with the topic");

    // A consumer that has read the old topic does not know that there is a new one.
    commit(&cluster, &group, &topic, 5);
    assert_eq!(now().await, Some(-5));
}

#[tokio::test]
async fn markers_and_aborted_records_are_lag_until_the_position_is_committed() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    let producer = transactional(&cluster);
    for _ in 0..3 {
        producer.begin_transaction().unwrap();
        send(&producer, &topic, 1);
        producer.commit_transaction(DEADLINE).unwrap();
    }
    producer.begin_transaction().unwrap();
    send(&producer, &topic, 2);
    producer.abort_transaction(DEADLINE).unwrap();
    commit(&cluster, &group, &topic, 0);
    let before = with_end(&cluster, &group, &topic, (9, 9)).await;
    assert_eq!(before.lag(), Some(9), "of three records");

    let consumer = reader(&cluster, &group, &topic);
    assert_eq!(read_to_end(&consumer), [0, 2, 4]);
    consumer.commit(&at(&topic, 5), CommitMode::Sync).unwrap();
    let counted = group_lag(cluster.bootstrap_servers(), &group, &topic).await.unwrap();
    assert_eq!(counted.lag(), Some(4), "the last record's offset + 1 is committed");
    let counted = counted.with_positions(&consumer).unwrap();
    assert_eq!(counted.partitions[0].position, Some(9));
    assert_eq!(counted.readable(), 0, "the consumer is at the end");

    // Beyond the last record there are markers, which no record's offset goes past.
    consumer.commit(&consumer.position().unwrap(), CommitMode::Sync).unwrap();
    let committed = group_lag(cluster.bootstrap_servers(), &group, &topic).await.unwrap();
    assert_eq!((committed.lag(), committed.readable()), (Some(0), 0));
}

#[tokio::test]
async fn an_open_transaction_is_lag_that_no_consumer_can_read() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    let (other, open) = (plain(&cluster), transactional(&cluster));
    send(&other, &topic, 2);
    open.begin_transaction().unwrap();
    send(&open, &topic, 1);
    send(&other, &topic, 5);

    let consumer = reader(&cluster, &group, &topic);
    assert_eq!(read_to_end(&consumer), [0, 1]);
    consumer.commit(&at(&topic, 2), CommitMode::Sync).unwrap();
    let held = with_end(&cluster, &group, &topic, (2, 8)).await;
    assert_eq!((held.lag(), held.readable()), (Some(6), 0));

    open.commit_transaction(DEADLINE).unwrap();
    let free = with_end(&cluster, &group, &topic, (9, 9)).await;
    assert_eq!((free.lag(), free.readable()), (Some(7), 7));
}

#[tokio::test]
async fn deleted_records_are_lag_and_cannot_be_read() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(1), cluster.group_name());
    send(&plain(&cluster), &topic, 10);
    commit(&cluster, &group, &topic, 0);
    let deleted = cluster.admin().delete_records(&at(&topic, 6), &Default::default()).await;
    deleted.expect("the records can be deleted");
    let asked = group_lag(cluster.bootstrap_servers(), &group, &topic).await.unwrap();
    assert_eq!((asked.lag(), asked.readable()), (Some(10), 4));
    assert_eq!(asked.partitions[0].lost(), Some(6));
}

#[tokio::test]
async fn compacted_records_are_lag_and_cannot_be_read() {
    let cluster = TestCluster::start().await;
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "100"),
        ("min.cleanable.dirty.ratio", "0.01"),
    ];
    let (topic, group) = (cluster.create_topic_with(1, 3, &settings), cluster.group_name());
    let producer = plain(&cluster);
    let now = chrono::Utc::now().timestamp_millis();
    for second in 0..100 {
        let record = BaseRecord::to(&topic).partition(0).key("JFK").payload("a departure");
        // A segment ends by the time of its records, and only what has ended is compacted.
        let record = record.timestamp(now + 1000 * second);
        producer.send(record).map_err(|(error, _)| error).expect("the queue has room");
        workshop_tests::flush(&producer);
    }
    commit(&cluster, &group, &topic, 0);
    let start = Instant::now();
    let left = loop {
        let left = read_to_end(&reader(&cluster, &group, &topic));
        if left.len() < 10 {
            break left;
        }
        assert!(start.elapsed() < CLEANER_LIMIT, "nothing was compacted: {left:?}");
    };
    assert_eq!(left.last(), Some(&99));
    let asked = group_lag(cluster.bootstrap_servers(), &group, &topic).await.unwrap();
    assert_eq!((asked.lag(), asked.readable()), (Some(100), 100), "of {} records", left.len());
}

/// Hands on what a client says of itself.
struct Listener(Sender<Statistics>);

impl ClientContext for Listener {
    fn stats(&self, statistics: Statistics) {
        // The test may have what it waited for, and be gone.
        let _ = self.0.send(statistics);
    }
}

impl ConsumerContext for Listener {}

/// Polls until the statistics of partition 0 are as expected, and returns them.
fn statistics(
    consumer: &BaseConsumer<Listener>,
    said: &Receiver<Statistics>,
    topic: &str,
    expected: impl Fn(&Partition) -> bool,
) -> Partition {
    eventually("the statistics say so", || {
        assert!(!matches!(consumer.poll(TURN), Some(Ok(_))), "all was read");
        let mut latest = said.try_iter().last()?;
        latest.topics.remove(topic)?.partitions.remove(&0).filter(&expected)
    })
}

#[tokio::test]
async fn the_lag_of_the_statistics_goes_to_the_end_that_the_consumer_can_reach() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let (other, open) = (plain(&cluster), transactional(&cluster));
    send(&other, &topic, 2);
    open.begin_transaction().unwrap();
    send(&open, &topic, 1);
    send(&other, &topic, 5);
    // The leader tells a consumer the last stable offset only where it ends there.
    for (isolation, end, lag) in [("read_committed", 2, 0), ("read_uncommitted", 8, 6)] {
        let settings = [("isolation.level", isolation), ("statistics.interval.ms", "100")];
        let config = cluster.consumer_config(&cluster.group_name(), &settings);
        let (sender, said) = channel();
        let consumer: BaseConsumer<Listener> =
            config.create_with_context(Listener(sender)).expect("the settings are valid");
        consumer.assign(&at(&topic, 0)).expect("assigned");
        for _ in 0..end {
            eventually("a record", || consumer.poll(TURN).and_then(Result::ok).map(|_| ()));
        }
        // Handed over, and not stored.
        let before = statistics(&consumer, &said, &topic, |it| it.app_offset == end);
        assert_eq!((before.stored_offset, before.consumer_lag_stored), (-1001, -1));
        consumer.store_offset(&topic, 0, end - 1).unwrap();
        // Stored, and not committed.
        let before = statistics(&consumer, &said, &topic, |it| it.stored_offset == end);
        assert_eq!(before.consumer_lag_stored, 0);
        assert_eq!((before.consumer_lag, before.committed_offset), (-1, -1001), "{before:?}");
        consumer.commit(&at(&topic, 2), CommitMode::Sync).unwrap();
        let after = statistics(&consumer, &said, &topic, |it| it.committed_offset == 2);
        assert_eq!((after.consumer_lag, after.ls_offset, after.hi_offset), (lag, end, 8));
    }
}

#[tokio::test]
async fn the_round_trip_of_an_idle_consumer_is_in_microseconds_how_long_its_fetch_is_held() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let settings = [("fetch.wait.max.ms", "300"), ("statistics.interval.ms", "1000")];
    let config = cluster.consumer_config(&cluster.group_name(), &settings);
    let (sender, said) = channel();
    let consumer: BaseConsumer<Listener> =
        config.create_with_context(Listener(sender)).expect("the settings are valid");
    consumer.assign(&at(&topic, 0)).expect("assigned");
    let slowest = eventually("a Fetch was held", || {
        assert!(!matches!(consumer.poll(TURN), Some(Ok(_))), "there is nothing to read");
        let windows = said.try_iter().last()?.brokers.into_values().filter_map(|it| it.rtt);
        windows.map(|window| window.max).max().filter(|max| *max >= 300_000)
    });
    assert!(slowest < DEADLINE.as_micros() as i64, "{slowest}");
}

#[tokio::test]
async fn a_lag_of_what_does_not_exist_is_an_error_or_nothing_committed() {
    let cluster = TestCluster::start().await;
    let (topic, missing) = (cluster.create_topic(1), cluster.topic_name());
    let servers = cluster.bootstrap_servers();
    let unknown_topic = group_lag(servers, &cluster.group_name(), &missing).await;
    assert!(matches!(unknown_topic, Err(Error::UnknownTopic { .. })), "{unknown_topic:?}");
    let no_group = group_lag(servers, "", &topic).await;
    assert!(matches!(no_group, Err(Error::Setting { .. })), "{no_group:?}");
    let unknown_group = group_lag(servers, &cluster.group_name(), &topic).await.unwrap();
    assert_eq!((unknown_group.lag(), unknown_group.readable()), (None, 0));
}
