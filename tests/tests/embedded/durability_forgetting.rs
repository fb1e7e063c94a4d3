//! A cluster that is killed (SIGKILL) while it compacts one log and removes old segments of
//! another, with writes going on: each key's last record is there, and nothing else is gone that
//! was to stay.
//!
//! A kill waits until the files show what the cluster is at, and then for a random moment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kafka_protocol::ResponseError;
use kafka_protocol::records::RecordBatchDecoder;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, ProducerContext};
use rdkafka::{ClientContext, Message};
use workshop_tests::requests::{fetch, list_offsets};
use workshop_tests::{HostedCluster, TestCluster, eventually};

const HOST: &str = env!("CARGO_BIN_EXE_cluster-host");
/// How many keys come again and again, and how often there is another one.
const KEYS: u64 = 50;
const ONCE_IN: u64 = 10;
const SEGMENT_MS: &str = "100";
const VALUE_BYTES: usize = 500;
/// More than a record takes that is alone in its batch.
const RECORD_BYTES: usize = 700;
const RETENTION_BYTES: usize = 200_000;
/// How often the test must meet each moment, and how many kills there may be until then.
const TIMES: usize = 3;
const MOST_KILLS: usize = 60;

const MOMENTS: [Moment; 3] = [Moment::Cleaning, Moment::Swapping, Moment::Removing];
/// Asks for the log's start.
const EARLIEST: i64 = -2;
const TURN: Duration = Duration::from_millis(5);

/// What a kill is to interrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    /// A segment is written that is to take the place of others.
    Cleaning,
    /// It takes their place.
    Swapping,
    /// Segments below the log's start are removed.
    Removing,
}

/// The offsets that the cluster acknowledged, by the number of the record.
#[derive(Debug, Clone, Default)]
struct Acknowledged(Arc<Mutex<BTreeMap<u64, i64>>>);

impl Acknowledged {
    fn offsets(&self) -> BTreeMap<u64, i64> {
        self.0.lock().expect("no test panics while it holds the lock").clone()
    }
}

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = Box<u64>;

    fn delivery(&self, result: &DeliveryResult<'_>, number: Box<u64>) {
        let message = match result {
            Ok(message) => message,
            // The test has failed and drops its producers.
            Err(_) if std::thread::panicking() => return,
            Err((error, _)) => panic!("lost: {error}"),
        };
        let mut offsets = self.0.lock().expect("no test panics while it holds the lock");
        assert_eq!(offsets.insert(*number, message.offset()), None, "acknowledged once");
    }
}

/// Below `limit`, and differently in each run.
fn random(limit: u64) -> u64 {
    uuid::Uuid::new_v4().as_u128() as u64 % limit
}

/// The key of a record: any of them, in no order, and sometimes one that never comes again.
fn key(number: u64) -> String {
    if number.is_multiple_of(ONCE_IN) {
        return format!("once-{number}");
    }
    format!("key-{}", (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % KEYS)
}

/// Some records of a compacted topic delete their key.
fn is_tombstone(number: u64) -> bool {
    number % 7 == 3
}

/// A producer of numbered records that never gives up.
struct Writer {
    topic: String,
    is_compacted: bool,
    producer: BaseProducer<Acknowledged>,
    acknowledged: Acknowledged,
    sent: u64,
    /// The timestamp of record 0. Each next one is a millisecond later, so that a timestamp is a
    /// record's number, and the time of the records closes segments. Not long ago: a producer whose
    /// last record is a day old is forgotten, and may repeat itself.
    begun: i64,
}

impl Writer {
    fn new(cluster: &TestCluster, is_compacted: bool) -> Writer {
        let retention_bytes = RETENTION_BYTES.to_string();
        let compacted = [
            ("cleanup.policy", "compact"),
            ("segment.ms", SEGMENT_MS),
            ("min.cleanable.dirty.ratio", "0.01"),
            ("delete.retention.ms", "0"),
        ];
        let deleted = [
            ("retention.ms", "-1"),
            ("retention.bytes", &*retention_bytes),
            ("segment.ms", SEGMENT_MS),
        ];
        let configs = if is_compacted { &compacted[..] } else { &deleted[..] };
        let acknowledged = Acknowledged::default();
        let config = cluster.client_config(&[
            ("enable.idempotence", "true"),
            ("linger.ms", "1"),
            ("batch.num.messages", "20"),
            ("queue.buffering.max.messages", "200"),
            ("reconnect.backoff.ms", "5"),
            ("reconnect.backoff.max.ms", "20"),
            ("retry.backoff.ms", "5"),
        ]);
        Writer {
            topic: cluster.create_topic_with(1, 3, configs),
            is_compacted,
            producer: config.create_with_context(acknowledged.clone()).expect("a producer"),
            acknowledged,
            sent: 0,
            begun: chrono::Utc::now().timestamp_millis() - 1_200_000,
        }
    }

    /// Sends until the queue is full.
    fn go_on(&mut self) {
        while self.send() {}
        self.producer.poll(Duration::ZERO);
    }

    fn send(&mut self) -> bool {
        let (key, value) = (key(self.sent), "x".repeat(VALUE_BYTES));
        let record = BaseRecord::with_opaque_to(&self.topic, Box::new(self.sent))
            .partition(0)
            .key(&key)
            .timestamp(self.begun + self.sent as i64);
        let is_deleting = self.is_compacted && is_tombstone(self.sent);
        let record = BaseRecord { payload: (!is_deleting).then_some(&value), ..record };
        let is_sent = self.producer.send(record).is_ok();
        self.sent += u64::from(is_sent);
        is_sent
    }

    /// Sends all that is left, and a record so much later that everything before it is in segments
    /// that are closed.
    fn close_segments(&mut self) {
        workshop_tests::flush(&self.producer);
        self.sent += 1_000;
        assert!(self.send(), "the queue is empty");
        workshop_tests::flush(&self.producer);
    }

    fn directory(&self, cluster: &HostedCluster) -> PathBuf {
        cluster.directory().join("logs").join(format!("{}-0", self.topic))
    }

    /// Checks what is in the log against what had been acknowledged before. Answers with how many
    /// records there are.
    fn check(&self, cluster: &TestCluster) -> usize {
        let acknowledged = self.acknowledged.offsets();
        let records = read(cluster, &self.topic, self.begun);
        for (number, offset, tombstone) in &records {
            assert!(acknowledged.get(number).is_none_or(|it| it == offset), "{number} has moved");
            assert_eq!(*tombstone, self.is_compacted && is_tombstone(*number));
        }
        for (one, next) in records.iter().zip(records.iter().skip(1)) {
            assert!(one.0 < next.0 && one.1 < next.1, "{next:?} comes after {one:?}");
        }
        if self.is_compacted {
            check_compacted(&acknowledged, self.sent, &records);
        } else {
            check_retained(&acknowledged, &records);
        }
        records.len()
    }
}

/// Number and offset of a record, and whether it is a tombstone.
type Seen = (u64, i64, bool);

/// Of each key the last acknowledged record is there, or a later one that was sent. Where that is a
/// tombstone, it may be gone, and what it deleted stays deleted.
fn check_compacted(acknowledged: &BTreeMap<u64, i64>, sent: u64, records: &[Seen]) {
    let last = |numbers: &mut dyn Iterator<Item = u64>| -> BTreeMap<String, u64> {
        numbers.map(|number| (key(number), number)).collect()
    };
    let found = last(&mut records.iter().map(|it| it.0));
    for (key, number) in last(&mut acknowledged.keys().copied()) {
        match found.get(&key) {
            Some(found) => assert!(*found >= number, "{key} is back at {found} from {number}"),
            None => {
                let mut later = (number..sent).filter(|number| self::key(*number) == key);
                assert!(later.any(is_tombstone), "{key} is lost, it was {number}");
            }
        }
    }
}

/// Everything acknowledged is there from the first record on, and that is not too late.
fn check_retained(acknowledged: &BTreeMap<u64, i64>, records: &[Seen]) {
    let first = records.first().map_or(u64::MAX, |it| it.0);
    let found: BTreeMap<u64, i64> = records.iter().map(|it| (it.0, it.1)).collect();
    for (number, offset) in acknowledged.range(first.min(acknowledged.len() as u64)..) {
        assert_eq!(found.get(number), Some(offset), "{number} is lost");
    }
    let kept = acknowledged.len().min(RETENTION_BYTES / RECORD_BYTES);
    assert!(records.len() >= kept, "{} records are left", records.len());
}

/// Reads the topic's only partition to its end, with requests of its own: librdkafka's consumer
/// takes half a second to begin.
fn read(cluster: &TestCluster, topic: &str, begun: i64) -> Vec<Seen> {
    let mut leader = cluster.connect_to_leader(topic, 0);
    let mut offset =
        leader.call(5, &list_offsets(topic, 0, EARLIEST)).topics[0].partitions[0].offset;
    let mut records = Vec::new();
    loop {
        let answer = leader.call(12, &fetch(topic, 0, offset));
        let data = &answer.responses[0].partitions[0];
        // What was to be read next may be removed just now.
        if data.error_code == ResponseError::OffsetOutOfRange.code() {
            return read(cluster, topic, begun);
        }
        assert_eq!(data.error_code, 0, "fetching from {offset}");
        let mut bytes = data.records.clone().unwrap_or_default();
        let end = batches_end(&bytes).unwrap_or(data.high_watermark);
        let batches = RecordBatchDecoder::decode_all(&mut bytes).expect("batches can be decoded");
        for record in batches.into_iter().flat_map(|batch| batch.records) {
            if record.offset >= offset {
                let number = (record.timestamp - begun) as u64;
                records.push((number, record.offset, record.value.is_none()));
            }
        }
        offset = end;
        if offset >= data.high_watermark {
            return records;
        }
    }
}

/// The offset behind the last batch, which compaction may have left without records.
fn batches_end(mut batches: &[u8]) -> Option<i64> {
    let mut end = None;
    while let Some((header, _)) = batches.split_first_chunk::<61>() {
        let number = |at: usize| {
            header[at..at + 4].iter().fold(0, |number, byte| number << 8 | i64::from(*byte))
        };
        let base_offset = number(0) << 32 | number(4);
        end = Some(base_offset + number(23) + 1);
        batches = batches.get(12 + number(8) as usize..)?;
    }
    end
}

/// The names of the files in a directory.
fn names(directory: &Path) -> Vec<String> {
    let files = std::fs::read_dir(directory).into_iter().flatten();
    files.filter_map(|file| file.ok()?.file_name().into_string().ok()).collect()
}

/// Whether the files look as they do only in the middle of it.
fn is_at(moment: Moment, directory: &Path) -> bool {
    let names = names(directory);
    match moment {
        Moment::Cleaning => names.iter().any(|name| name == "cleaning"),
        Moment::Swapping => names.iter().any(|name| name.ends_with(".swap")),
        Moment::Removing => {
            let second = segments(&names).into_iter().nth(1);
            second.zip(start_offset(directory)).is_some_and(|(second, start)| second <= start)
        }
    }
}

/// The offsets at which segments begin.
fn segments(names: &[String]) -> BTreeSet<i64> {
    names.iter().filter_map(|name| name.strip_suffix(".log")?.parse().ok()).collect()
}

/// Where the log begins, once something was removed.
fn start_offset(directory: &Path) -> Option<i64> {
    std::fs::read_to_string(directory.join("log-start-offset")).ok()?.parse().ok()
}

/// Writes until the cluster is at it, and kills it a little later. Answers whether it still was.
fn kill_at(moment: Moment, cluster: &mut HostedCluster, writers: &mut [Writer; 2]) -> bool {
    let is_of_retention = usize::from(moment == Moment::Removing);
    let directory = writers[is_of_retention].directory(cluster);
    eventually("the cluster is at it", || {
        let begun = Instant::now();
        while begun.elapsed() < TURN {
            writers.iter_mut().for_each(Writer::go_on);
            if is_at(moment, &directory) {
                return Some(());
            }
        }
        None
    });
    let (noticed, pause) = (Instant::now(), Duration::from_micros(random(300)));
    while noticed.elapsed() < pause {
        std::hint::spin_loop();
    }
    cluster.kill();
    is_at(moment, &directory)
}

/// No file is left of a segment that is gone, and none of an unfinished change.
fn check_files(directory: &Path) {
    let names = names(directory);
    let segments = segments(&names);
    for name in &names {
        assert!(!name.ends_with(".swap") && !name.ends_with(".tmp"), "{name} is left");
        let named = name
            .split_once('.')
            .and_then(|(offset, suffix)| Some((offset.parse::<i64>().ok()?, suffix)));
        let Some((offset, suffix)) = named else { continue };
        // A snapshot is of a moment, and a segment need not begin there any more.
        let is_of_a_segment = segments.contains(&offset) || suffix == "snapshot";
        assert!(is_of_a_segment && Some(&offset) >= segments.first(), "{name} is left");
    }
}

#[test]
fn kills_in_the_middle_of_cleaning_and_removing_lose_nothing_that_was_to_stay() {
    let mut cluster = HostedCluster::start_new(HOST, 3);
    let mut writers = [true, false].map(|is_compacted| Writer::new(cluster.client(), is_compacted));
    let mut met = BTreeMap::from(MOMENTS.map(|moment| (moment, 0)));
    let mut kills = 0;
    while met.values().any(|times| *times < TIMES) {
        assert!(kills < MOST_KILLS, "after {kills} kills: {met:?}");
        let moment = MOMENTS[random(MOMENTS.len() as u64) as usize];
        let is_met = kill_at(moment, &mut cluster, &mut writers);
        met.entry(moment).and_modify(|times| *times += usize::from(is_met));
        kills += 1;
        cluster.start();
        writers.iter().for_each(|writer| _ = writer.check(cluster.client()));
    }
    writers.iter_mut().for_each(Writer::close_segments);
    eventually("both logs are as small as they can be", || {
        let [compacted, deleted] = writers.each_ref().map(|it| it.check(cluster.client()));
        // Not more than what is kept and one segment.
        let most = RETENTION_BYTES / VALUE_BYTES + 200;
        let keys = KEYS + writers[0].sent / ONCE_IN + 1;
        (compacted <= keys as usize && deleted <= most).then_some(())
    });
    cluster.shutdown();
    writers.iter().for_each(|writer| check_files(&writer.directory(&cluster)));
}
