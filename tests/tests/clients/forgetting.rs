//! Records that go by themselves, by age and by key, while others read and write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::admin::AdminOptions;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord};
use rdkafka::{Offset, TopicPartitionList};
use workshop_tests::{DEADLINE, TestCluster, eventually};

const TURN: Duration = Duration::from_millis(20);
/// The cleaner of a broker looks for work every 15 s by default.
const CLEANER_LIMIT: Duration = Duration::from_secs(90);
const KEYS: [&str; 5] = ["ATL", "JFK", "LGA", "ORD", "SFO"];

/// Of each record its offset, key and value.
type Seen = (i64, String, Option<String>);

fn producer(cluster: &TestCluster) -> BaseProducer {
    cluster.client_config(&[("linger.ms", "0")]).create().expect("the settings are valid")
}

/// Sends one batch. Its timestamp, and not the time, ends a segment.
fn send(producer: &BaseProducer, topic: &str, timestamp: i64, key: &str, value: Option<&str>) {
    let record = BaseRecord::to(topic).partition(0).key(key).timestamp(timestamp);
    let record = BaseRecord { payload: value, ..record };
    producer.send(record).map_err(|(error, _)| error).expect("the queue has room");
    workshop_tests::flush(producer);
}

fn consumer(cluster: &TestCluster, topic: &str) -> BaseConsumer {
    let settings = [("auto.offset.reset", "earliest")];
    let consumer = cluster.consumer(&cluster.group_name(), &settings);
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(topic, 0, Offset::Beginning).expect("a valid offset");
    consumer.assign(&from).expect("assigned");
    consumer
}

/// Everything that is there now: what others write meanwhile is no reason to go on.
fn read(cluster: &TestCluster, topic: &str) -> Vec<Seen> {
    let (_, end) = range(cluster, topic);
    let consumer = consumer(cluster, topic);
    let mut seen: Vec<Seen> = Vec::new();
    let start = Instant::now();
    // No key's last record goes, and so the last of all is always there.
    while seen.last().map_or(0, |(offset, ..)| offset + 1) < end {
        match consumer.poll(TURN) {
            Some(Ok(record)) => {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
                let key = record.key().map(text).expect("every record has a key");
                seen.push((record.offset(), key, record.payload().map(text)));
            }
            Some(Err(error)) => panic!("{error}"),
            None => assert!(start.elapsed() < DEADLINE, "{end} was not reached: {seen:?}"),
        }
    }
    seen
}

/// The first offset that is there, and the one behind the last.
fn range(cluster: &TestCluster, topic: &str) -> (i64, i64) {
    let asked = cluster.consumer(&cluster.group_name(), &[]).fetch_watermarks(topic, 0, DEADLINE);
    asked.expect("the leader answers")
}

fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

fn builder() -> embedded_kafka::ClusterBuilder {
    embedded_kafka::Cluster::builder()
        .nodes(3)
        .default_replication_factor(3)
        .retention_check_interval(Duration::from_millis(100))
        .log_cleaner_backoff(Duration::from_millis(100))
}

/// Kafka looks every five minutes, which is too long for a test: only an embedded cluster is asked.
#[tokio::test]
async fn what_is_too_old_goes_and_readers_and_writers_go_on() {
    let embedded = builder().start().await.unwrap();
    let cluster = TestCluster::at(embedded.bootstrap_servers());
    let settings = [("retention.ms", "600000"), ("segment.ms", "1000")];
    let topic = cluster.create_topic_with(1, 3, &settings);
    let producer = producer(&cluster);
    let hour_ago = now() - 3_600_000;
    for second in 0..50 {
        send(&producer, &topic, hour_ago + 2_000 * second, "JFK", Some("old"));
    }
    let reader = consumer(&cluster, &topic);
    // Each begins a segment, and so the one before may go.
    for value in 0..50 {
        send(&producer, &topic, now(), "JFK", Some(&value.to_string()));
        eventually("the new record is read", || {
            let record = reader.poll(TURN)?.ok()?;
            let payload = record.payload().unwrap_or_default();
            assert!(payload == b"old" || payload == value.to_string().as_bytes());
            (payload != b"old").then_some(())
        });
    }
    eventually("the old records are gone", || (range(&cluster, &topic) == (50, 100)).then_some(()));
    let left = read(&cluster, &topic);
    assert_eq!((left.len(), left[0].0), (50, 50));
}

#[tokio::test]
async fn what_is_too_much_goes() {
    let embedded = builder().start().await.unwrap();
    let cluster = TestCluster::at(embedded.bootstrap_servers());
    let settings = [("retention.bytes", "2097152"), ("segment.bytes", "1048576")];
    let topic = cluster.create_topic_with(1, 3, &settings);
    let producer = producer(&cluster);
    let value = "x".repeat(100_000);
    for _ in 0..60 {
        send(&producer, &topic, now(), "JFK", Some(&value));
    }
    // Ten records are a segment: two segments and the last one stay.
    eventually("the surplus is gone", || (range(&cluster, &topic).0 >= 30).then_some(()));
    let left = read(&cluster, &topic).len();
    assert!((20..=30).contains(&left), "{left}");
}

#[tokio::test]
async fn of_each_key_the_last_value_stays_while_others_read_and_write() {
    let cluster = TestCluster::start().await;
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "100"),
        ("min.cleanable.dirty.ratio", "0.01"),
    ];
    let topic = cluster.create_topic_with(1, 3, &settings);
    let is_done = AtomicBool::new(false);
    let producer = producer(&cluster);
    let (start, begun) = (now(), Instant::now());
    std::thread::scope(|scope| {
        // Keys never go back, whatever is removed between them.
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                let mut latest = BTreeMap::new();
                for (offset, key, value) in read(&cluster, &topic) {
                    let value: i64 = value.expect("no tombstones").parse().expect("a number");
                    assert_eq!(offset, value);
                    assert!(latest.insert(key, value).is_none_or(|before| before < value));
                }
            }
        });
        let mut written = 0;
        while written < 200 || read(&cluster, &topic).len() > 100 {
            assert!(begun.elapsed() < CLEANER_LIMIT, "nothing was compacted");
            if written >= 200 {
                continue;
            }
            let key = KEYS[written as usize % KEYS.len()];
            send(&producer, &topic, start + written * 1_000, key, Some(&written.to_string()));
            written += 1;
        }
        is_done.store(true, Ordering::Relaxed);
    });
    let left: BTreeMap<_, _> =
        read(&cluster, &topic).into_iter().map(|(offset, key, _)| (key, offset)).collect();
    let expected = (195..200).map(|offset| (KEYS[offset as usize % 5].to_owned(), offset));
    assert_eq!(left, expected.collect());
    assert_eq!(range(&cluster, &topic), (0, 200), "compaction moves neither end");
}

#[tokio::test]
async fn a_tombstone_goes_some_time_after_its_key_and_a_restart_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let start = || builder().data_dir(directory.path()).start();
    let embedded = start().await.unwrap();
    let cluster = TestCluster::at(embedded.bootstrap_servers());
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "100"),
        ("min.cleanable.dirty.ratio", "0.0"),
        ("delete.retention.ms", "1000"),
    ];
    let topic = cluster.create_topic_with(1, 3, &settings);
    let producer_of_it = producer(&cluster);
    let begun = now();
    let mut sent = 0;
    let mut next = |producer: &BaseProducer, key: &str, value: Option<&str>| {
        send(producer, &topic, begun + sent * 1_000, key, value);
        sent += 1;
    };
    next(&producer_of_it, "JFK", Some("open"));
    next(&producer_of_it, "LGA", Some("open"));
    next(&producer_of_it, "JFK", None);
    next(&producer_of_it, "SFO", Some("open"));
    let keys = |cluster: &TestCluster| -> Vec<(i64, String)> {
        read(cluster, &topic).into_iter().map(|(offset, key, _)| (offset, key)).collect()
    };
    let left = |offsets: &[(i64, &str)]| -> Vec<(i64, String)> {
        offsets.iter().map(|(offset, key)| (*offset, (*key).to_owned())).collect()
    };
    let with_tombstone = left(&[(1, "LGA"), (2, "JFK"), (3, "SFO")]);
    eventually("the value goes", || (keys(&cluster) == with_tombstone).then_some(()));
    // The cleaner looks only at what is new.
    eventually("the tombstone goes too", || {
        next(&producer_of_it, "SFO", Some("open"));
        (keys(&cluster)[..2] != with_tombstone[..2]).then_some(())
    });
    assert_eq!(keys(&cluster)[0], (1, "LGA".to_owned()));
    let before = eventually("the cleaner has come to rest", || {
        let (first, second) = (read(&cluster, &topic), read(&cluster, &topic));
        (first.len() <= 3 && first == second).then_some(first)
    });
    embedded.shutdown().await;
    let embedded = start().await.unwrap();
    let again = TestCluster::at(embedded.bootstrap_servers());
    assert_eq!(read(&again, &topic), before);
    // Of those of SFO there are more than one, until a later record ends their last segment.
    next(&producer(&again), "JFK", Some("open"));
    eventually("it is compacted on", || {
        let keys: Vec<String> = keys(&again).into_iter().map(|(_, key)| key).collect();
        (keys == ["LGA", "SFO", "JFK"]).then_some(())
    });
}

/// Apache Kafka leaves them to its next look for old segments, renames them to `.deleted` then, and
/// keeps them for `file.delete.delay.ms`.
#[tokio::test]
async fn the_files_of_removed_segments_go_at_once_whatever_file_delete_delay_ms_says() {
    let directory = tempfile::tempdir().unwrap();
    let embedded = builder().data_dir(directory.path()).start().await.unwrap();
    let cluster = TestCluster::at(embedded.bootstrap_servers());
    let settings =
        [("retention.ms", "-1"), ("segment.ms", "1000"), ("file.delete.delay.ms", "86400000")];
    let topic = cluster.create_topic_with(1, 3, &settings);
    let producer = producer(&cluster);
    for second in 0..5 {
        send(&producer, &topic, now() - 600_000 + 2_000 * second, "JFK", Some("x"));
    }
    let log = directory.path().join("logs").join(format!("{topic}-0"));
    let files = || -> BTreeSet<String> {
        let files = std::fs::read_dir(&log).unwrap().map(|file| file.unwrap().file_name());
        let names = files.map(|name| name.into_string().unwrap());
        names.filter(|name| name.starts_with("0000") && !name.ends_with(".snapshot")).collect()
    };
    assert_eq!(files().iter().filter(|name| name.ends_with(".log")).count(), 5);
    let mut up_to = TopicPartitionList::new();
    up_to.add_partition_offset(&topic, 0, Offset::Offset(4)).expect("a valid offset");
    let deleted = cluster.admin().delete_records(&up_to, &AdminOptions::new()).await;
    assert_eq!(deleted.unwrap().find_partition(&topic, 0).unwrap().offset(), Offset::Offset(4));
    let left = files();
    assert!(left.iter().all(|name| name.starts_with("00000000000000000004.")), "{left:?}");
}
