//! The topic `_schemas`: reading it into the [`Store`], and writing to it.
//!
//! One thread reads the topic from its beginning and applies each record; all that the registry
//! answers comes from what was read. A write returns when its own record has come back that way.
//!
//! Several registries may write to one topic. Confluent's elect a primary and forward to it; here
//! Kafka's own fence decides. Every registry writes with the same `transactional.id`. Before the
//! first write it initialises the producer, which fences whoever wrote before, then writes a
//! `NOOP` record and reads up to it: now it has seen all that others wrote, and nobody else can
//! write any more. So it gives out ids without asking. When another one takes over, the next
//! commit fails as fenced, nothing of it is ever read, and the registry takes over again and
//! decides anew. An id cannot be given out twice, and a process that was killed in the middle of a
//! write leaves an open transaction, which the next one aborts.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, RwLock};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{Offset, TopicPartitionList};

use crate::error::{ApiError, Error};
use crate::record::Event;
use crate::store::Store;
use crate::topic;

/// How long the cluster may take to answer one request.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// How long the topic may take to be read when the registry starts.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How long a write may take, with all its attempts.
const WRITE_LIMIT: Duration = Duration::from_secs(20);

/// How long one poll of the reading thread waits.
const POLL: Duration = Duration::from_millis(100);

/// How long one look for delivery reports takes.
const REPORT_POLL: Duration = Duration::from_millis(1);

/// The longest pause between two attempts to write.
const LONGEST_PAUSE: Duration = Duration::from_millis(1_000);

/// The topic, what was read from it, and the right to write to it.
pub(crate) struct Log {
    config: ClientConfig,
    topic: String,
    read: Arc<Read>,
    writer: Mutex<Option<Writer>>,
    reader: Mutex<Option<JoinHandle<()>>>,
    /// The cluster's id, as its metadata has it.
    pub(crate) cluster_id: String,
}

/// What the reading thread shares with the rest.
#[derive(Default)]
struct Read {
    store: RwLock<Store>,
    /// The offset after the last record that was applied, and whether the end was reached once.
    position: Mutex<(i64, bool)>,
    moved: Condvar,
    stop: AtomicBool,
}

impl Log {
    /// Creates the topic where it is missing, reads all of it, and keeps reading.
    ///
    /// Blocks its thread.
    pub(crate) fn open(config: ClientConfig, topic: &str) -> Result<Self, Error> {
        let consumer = consumer(&config).map_err(Error::Settings)?;
        topic::prepare(&config, &consumer, topic, REQUEST_LIMIT)?;
        let cluster_id = consumer.client().fetch_cluster_id(REQUEST_LIMIT).unwrap_or_default();
        let mut partitions = TopicPartitionList::new();
        let assigned = partitions
            .add_partition_offset(topic, 0, Offset::Beginning)
            .and_then(|()| consumer.assign(&partitions));
        assigned.map_err(Error::Settings)?;

        let read = Arc::new(Read::default());
        let shared = read.clone();
        let reader = std::thread::Builder::new()
            .name("schema-registry-reader".to_owned())
            .spawn(move || shared.run(&consumer))
            .map_err(Error::Thread)?;
        let log = Self {
            config,
            topic: topic.to_owned(),
            read,
            writer: Mutex::new(None),
            reader: Mutex::new(Some(reader)),
            cluster_id,
        };
        if log.read.wait(Instant::now() + START_LIMIT, |(_, ended)| ended) {
            return Ok(log);
        }
        let reason = format!("its end was not reached within {} s", START_LIMIT.as_secs());
        Err(Error::Topic { topic: topic.to_owned(), reason })
    }

    /// Asks what was read so far.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Store) -> T) -> T {
        question(&self.read.store.read())
    }

    /// Writes what `decide` makes of the state, and returns once it was read back.
    ///
    /// `decide` is asked again where another registry wrote in between. Blocks its thread.
    pub(crate) fn write<T>(
        &self,
        decide: impl Fn(&Store) -> Result<(Vec<Event>, T), ApiError>,
    ) -> Result<T, ApiError> {
        let deadline = Instant::now() + WRITE_LIMIT;
        let mut writer = self.writer.lock();
        let mut attempt = 0;
        loop {
            let written = self.try_write(&mut writer, deadline, &decide);
            let error = match written {
                Ok(decided) => return decided,
                Err(error) => error,
            };
            tracing::debug!(%error, attempt, "another writer took over, or the cluster is away");
            // Whatever was left open, the next producer with this id aborts it.
            *writer = None;
            let pause = pause(attempt);
            if Instant::now() + pause > deadline {
                return Err(match error {
                    Failure::Kafka(error) => {
                        ApiError::store(format!("Register operation failed: {error}"))
                    }
                    Failure::Unread => ApiError::timed_out("Register operation timed out"),
                });
            }
            std::thread::sleep(pause);
            attempt += 1;
        }
    }

    fn try_write<T>(
        &self,
        slot: &mut Option<Writer>,
        deadline: Instant,
        decide: &impl Fn(&Store) -> Result<(Vec<Event>, T), ApiError>,
    ) -> Result<Result<T, ApiError>, Failure> {
        let writer = match slot {
            Some(writer) => writer,
            None => {
                let writer = Writer::take_over(&self.config, &self.topic)?;
                self.append(&writer, &[Event::Noop], deadline)?;
                slot.insert(writer)
            }
        };
        // The state must not stay locked: the reading thread changes it before `append` returns.
        let decided = self.ask(decide);
        match decided {
            Err(refused) => Ok(Err(refused)),
            Ok((events, answer)) => {
                if !events.is_empty() {
                    self.append(writer, &events, deadline)?;
                }
                Ok(Ok(answer))
            }
        }
    }

    fn append(&self, writer: &Writer, events: &[Event], deadline: Instant) -> Result<(), Failure> {
        let offset = writer.append(&self.topic, events)?;
        let read = self.read.wait(deadline, |(position, _)| position > offset);
        if read { Ok(()) } else { Err(Failure::Unread) }
    }

    /// Ends the reading thread.
    pub(crate) fn close(&self) {
        self.read.stop.store(true, Ordering::Relaxed);
        *self.writer.lock() = None;
        if let Some(reader) = self.reader.lock().take() {
            // It ends at its next look at the flag; a panic of it was printed already.
            let _ = reader.join();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.close();
    }
}

impl Read {
    fn run(&self, consumer: &BaseConsumer<Quiet>) {
        while !self.stop.load(Ordering::Relaxed) {
            match consumer.poll(POLL) {
                None => {}
                Some(Ok(message)) => {
                    self.apply(message.key().unwrap_or_default(), message.payload());
                    self.moved_to(|position| position.0 = message.offset() + 1);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    self.moved_to(|position| position.1 = true);
                }
                Some(Err(error)) => tracing::debug!(%error, "reading the registry's topic"),
            }
        }
    }

    fn apply(&self, key: &[u8], value: Option<&[u8]>) {
        match Event::read(key, value) {
            Ok(event) => self.store.write().apply(event),
            Err(reason) => {
                let key = String::from_utf8_lossy(key);
                tracing::warn!(%key, reason, "a record of the registry's topic is passed over");
            }
        }
    }

    fn moved_to(&self, change: impl FnOnce(&mut (i64, bool))) {
        change(&mut self.position.lock());
        self.moved.notify_all();
    }

    /// Waits until the position is as asked for; `false` where it was not until the deadline.
    fn wait(&self, deadline: Instant, is_reached: impl Fn((i64, bool)) -> bool) -> bool {
        let mut position = self.position.lock();
        while !is_reached(*position) {
            if self.moved.wait_until(&mut position, deadline).timed_out() {
                return is_reached(*position);
            }
        }
        true
    }
}

/// Why an attempt to write failed.
#[derive(Debug)]
enum Failure {
    Kafka(KafkaError),
    /// It was written, and not read back in time.
    Unread,
}

impl From<KafkaError> for Failure {
    fn from(error: KafkaError) -> Self {
        Self::Kafka(error)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kafka(error) => error.fmt(formatter),
            Self::Unread => formatter.write_str("the record did not come back"),
        }
    }
}

/// The producer that may write, until another one is initialised.
struct Writer(BaseProducer<Deliveries>);

impl Writer {
    fn take_over(config: &ClientConfig, topic: &str) -> KafkaResult<Self> {
        let mut config = config.clone();
        config.set("transactional.id", format!("embedded-registry-{topic}"));
        config.set("transaction.timeout.ms", "10000");
        config.set("linger.ms", "0");
        let producer: BaseProducer<Deliveries> =
            config.create_with_context(Deliveries::default())?;
        producer.init_transactions(REQUEST_LIMIT)?;
        Ok(Self(producer))
    }

    /// Writes all events or none, and returns the offset of the last.
    fn append(&self, topic: &str, events: &[Event]) -> KafkaResult<i64> {
        let Self(producer) = self;
        *producer.context().reports.lock() = Reports::default();
        producer.begin_transaction()?;
        for event in events {
            let (key, value) = (event.key(), event.value());
            let record = BaseRecord::<str, str>::to(topic).partition(0).key(&key);
            let record = match &value {
                Some(value) => record.payload(value),
                None => record,
            };
            producer.send(record).map_err(|(error, _)| error)?;
        }
        let offset = self.delivered(events.len())?;
        producer.commit_transaction(REQUEST_LIMIT)?;
        Ok(offset)
    }

    /// Waits for the reports of all records, and returns the offset of the last.
    fn delivered(&self, records: usize) -> KafkaResult<i64> {
        let Self(producer) = self;
        let deadline = Instant::now() + REQUEST_LIMIT;
        loop {
            {
                let mut reports = producer.context().reports.lock();
                if let Some(failure) = reports.failure.take() {
                    return Err(failure);
                }
                if reports.delivered == records {
                    return Ok(reports.last_offset);
                }
            }
            if Instant::now() > deadline {
                return Err(KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut));
            }
            // A poll lasts as long as it may, and so does a flush of rdkafka's, at least 100 ms.
            producer.poll(REPORT_POLL);
        }
    }
}

/// Remembers what became of the records that were sent.
#[derive(Default)]
struct Deliveries {
    reports: Mutex<Reports>,
}

#[derive(Default)]
struct Reports {
    delivered: usize,
    last_offset: i64,
    failure: Option<KafkaError>,
}

impl ClientContext for Deliveries {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, message: &str) {
        tracing::debug!(message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut reports = self.reports.lock();
        match result {
            Ok(message) => {
                reports.delivered += 1;
                reports.last_offset = message.offset().max(reports.last_offset);
            }
            Err((error, _)) => reports.failure = Some(error.clone()),
        }
    }
}

/// What librdkafka says goes to the log of the program, not to stderr: a registry is often part
/// of a program that has its own say there.
pub(crate) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, message: &str) {
        tracing::debug!(message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka");
    }
}

impl ConsumerContext for Quiet {}

fn consumer(config: &ClientConfig) -> KafkaResult<BaseConsumer<Quiet>> {
    let mut config = config.clone();
    for (name, value) in [
        ("group.id", "embedded-registry"),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("enable.partition.eof", "true"),
        ("auto.offset.reset", "earliest"),
        // What a fenced registry wrote is never seen.
        ("isolation.level", "read_committed"),
        ("fetch.error.backoff.ms", "50"),
        ("reconnect.backoff.max.ms", "1000"),
    ] {
        config.set(name, value);
    }
    config.create_with_context(Quiet)
}

/// A pause of random length, longer with each attempt: two registries that write at the same
/// moment must not go on fencing each other.
fn pause(attempt: u32) -> Duration {
    let longest = Duration::from_millis(20).saturating_mul(1 << attempt.min(8));
    let random = RandomState::new().hash_one(attempt) as u32;
    longest.min(LONGEST_PAUSE).mul_f64(f64::from(random) / f64::from(u32::MAX))
}
