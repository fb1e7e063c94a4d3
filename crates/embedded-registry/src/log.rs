//! The topic `_schemas`: reads it into the [`Store`], and writes to it.
//!
//! One thread reads the topic from the beginning and applies each record; all responses come from
//! what it has read. A write returns once its own record was read back that way.
//!
//! Several registries can write to the same topic. Confluent's elect a primary and forward requests
//! to it; here, Kafka's fencing decides. Every registry writes with the same `transactional.id`.
//! Before its first write, it initializes the producer, which fences the previous writer, then
//! writes a `NOOP` record and reads up to it: now it has read everything that others wrote, and no
//! one else can write. So it can allocate ids without coordination. When another registry takes
//! over, the next commit fails as fenced, none of its records are ever read, and the registry takes
//! over again and repeats the decision. An id cannot be allocated twice, and a process that is
//! killed during a write leaves an open transaction, which the next writer aborts.
//!
//! All of this holds for one topic. If it is deleted, recreated, or truncated while a registry
//! runs, the registry's state is no longer stored anywhere: the registry checks before each write,
//! and from then on rejects writes (`incarnation`). The allocated ids are persisted in a separate
//! topic, so that a new topic does not start with them again (`allocated_ids`).

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::allocated_ids;
use crate::error::{ApiError, Error};
use crate::incarnation::{Incarnation, Loss, is_unknown};
use crate::operation::Operation;
use crate::reader::{Reader, Waited, consumer};
use crate::record::Event;
use crate::store::Store;
use crate::topic::{self, Admin};
use crate::turn::Turns;
use crate::writer::{Record, Writer};

/// The time limit for one request to the cluster.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// The time limit for reading the topic at startup.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The time limit for a write, including retries: less than the minute after which Confluent's Java
/// client stops waiting.
const WRITE_LIMIT: Duration = Duration::from_secs(45);

/// The time to wait for a record to be read back before the topic is checked again.
const READ_BACK: Duration = Duration::from_secs(1);

/// The longest pause between two attempts to write.
const MAX_PAUSE: Duration = Duration::from_millis(1_000);

/// The topic, the state that was read from it, and the write access.
pub(crate) struct Log {
    config: ClientConfig,
    topic: String,
    admin: Arc<Admin>,
    reader: Arc<Reader>,
    turns: Turns,
    access: Mutex<WriteAccess>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// The cluster id from the cluster's metadata.
    pub(crate) cluster_id: String,
}

/// The write access, and the highest id that was persisted with it.
#[derive(Default)]
struct WriteAccess {
    writer: Option<Writer>,
    persisted: i32,
}

impl Log {
    /// Creates the topic if it is missing, reads it to the end, and keeps reading.
    ///
    /// Blocks its thread.
    pub(crate) fn open(config: ClientConfig, topic: &str) -> Result<Self, Error> {
        let admin = Arc::new(topic::admin(&config).map_err(Error::Settings)?);
        let unread =
            |error: KafkaError| Error::Topic { topic: topic.to_owned(), reason: error.to_string() };
        let servers = config.get("bootstrap.servers").unwrap_or_default();
        for topic in [topic, &allocated_ids::topic(topic)] {
            topic::prepare(&admin, servers, topic, REQUEST_LIMIT)?;
        }
        let cluster_id = admin.inner().fetch_cluster_id(REQUEST_LIMIT).unwrap_or_default();
        let incarnation = Incarnation::wait_for(&admin, topic, REQUEST_LIMIT).map_err(unread)?;
        if incarnation.first_offset > 0 {
            let first = incarnation.first_offset;
            tracing::warn!(topic, first, "records of the registry's topic were deleted");
        }
        let given = allocated_ids::highest(&config, &admin, topic, START_LIMIT).map_err(unread)?;
        let consumer = consumer(&config).map_err(Error::Settings)?;
        let store = Store::after(given);
        let reader = Reader::new(consumer, admin.clone(), topic, incarnation, store);
        let reader = Arc::new(reader.map_err(Error::Settings)?);
        let running = reader.clone();
        let thread = std::thread::Builder::new()
            .name("schema-registry-reader".to_owned())
            .spawn(move || running.run())
            .map_err(Error::Thread)?;
        let log = Self {
            config,
            topic: topic.to_owned(),
            admin,
            reader,
            turns: Turns::new(&cluster_id, topic),
            access: Mutex::default(),
            thread: Mutex::new(Some(thread)),
            cluster_id,
        };
        log.read_to_the_end(given)?;
        Ok(log)
    }

    fn read_to_the_end(&self, given: i32) -> Result<(), Error> {
        let waited = self.reader.wait(Instant::now() + START_LIMIT, |it| it.has_ended);
        if waited != Waited::Reached {
            let reason = format!("its end was not reached within {} s", START_LIMIT.as_secs());
            return Err(Error::Topic { topic: self.topic.clone(), reason });
        }
        let highest = self.query(Store::highest_used_id);
        if highest < given {
            tracing::warn!(
                topic = self.topic,
                given,
                highest,
                "the registry's topic lacks some ids that were allocated before; new ones \
                 come after them"
            );
        }
        Ok(())
    }

    /// Queries the current state.
    pub(crate) fn query<T>(&self, question: impl FnOnce(&Store) -> T) -> T {
        question(&self.reader.store.read())
    }

    /// Writes the events that `decide` derives from the state, and returns once they were read
    /// back.
    ///
    /// Calls `decide` again if another registry wrote in the meantime. Blocks its thread.
    pub(crate) fn write<T>(
        &self,
        operation: &Operation<'_>,
        decide: impl Fn(&Store) -> Result<(Vec<Event>, T), ApiError>,
    ) -> Result<T, ApiError> {
        let deadline = Instant::now() + WRITE_LIMIT;
        let mut access = self.access.lock();
        let _turn = self.turns.take(deadline);
        let mut attempt = 0;
        loop {
            let error = match self.try_write(&mut access, deadline, &decide) {
                Ok(decided) => return decided,
                Err(Failure::Lost(loss)) => {
                    *access = WriteAccess::default();
                    return Err(operation.failed(&loss.explanation(&self.topic)));
                }
                Err(error) => error,
            };
            tracing::debug!(%error, attempt, "another writer took over, or the cluster is unreachable");
            // The next producer with this id aborts a transaction that was left open.
            *access = WriteAccess::default();
            let pause = pause(attempt);
            if Instant::now() + pause > deadline {
                return Err(match error {
                    Failure::Unread => operation.timed_out(),
                    other => operation.failed(&other.to_string()),
                });
            }
            std::thread::sleep(pause);
            attempt += 1;
            if error.may_be_a_missing_topic() {
                self.restore_allocated_ids();
            }
        }
    }

    /// Creates the topic of the allocated ids again, in case it was deleted.
    fn restore_allocated_ids(&self) {
        let topic = allocated_ids::topic(&self.topic);
        let servers = self.config.get("bootstrap.servers").unwrap_or_default();
        if let Err(error) = topic::prepare(&self.admin, servers, &topic, REQUEST_LIMIT) {
            tracing::debug!(%error, "cannot restore the topic of the allocated ids");
        }
    }

    fn try_write<T>(
        &self,
        access: &mut WriteAccess,
        deadline: Instant,
        decide: &impl Fn(&Store) -> Result<(Vec<Event>, T), ApiError>,
    ) -> Result<Result<T, ApiError>, Failure> {
        self.reader.check()?.map_err(Failure::Lost)?;
        let writer = match &mut access.writer {
            Some(writer) => writer,
            None => {
                let writer = Writer::take_over(&self.config, &self.topic)?;
                self.append(&writer, vec![self.record(&Event::Noop)], deadline)?;
                access.writer.insert(writer)
            }
        };
        // The state must not stay locked: the reading thread changes it before `append` returns.
        let (decided, highest) = self.query(|store| (decide(store), store.highest_id()));
        let (events, answer) = match decided {
            Err(refused) => return Ok(Err(refused)),
            Ok(decided) => decided,
        };
        if events.is_empty() {
            return Ok(Ok(answer));
        }
        let highest = events.iter().filter_map(Event::id).fold(highest, i32::max);
        let mut records: Vec<Record> = events.iter().map(|event| self.record(event)).collect();
        if highest > access.persisted {
            records.push(allocated_ids::record(&self.topic, highest));
        }
        self.append(writer, records, deadline)?;
        access.persisted = highest;
        Ok(Ok(answer))
    }

    fn record(&self, event: &Event) -> Record {
        Record { topic: self.topic.clone(), key: event.key(), value: event.value() }
    }

    fn append(
        &self,
        writer: &Writer,
        records: Vec<Record>,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let from = self.reader.position().next;
        let offset = writer.append(&records)?;
        if offset < from {
            // It went to a new topic that replaced the one that was read.
            self.reader.check()?.map_err(Failure::Lost)?;
            return Err(Failure::Unread);
        }
        loop {
            let limit = deadline.min(Instant::now() + READ_BACK);
            match self.reader.wait(limit, |position| position.next > offset) {
                Waited::Reached => return Ok(()),
                Waited::Lost(loss) => return Err(Failure::Lost(loss)),
                Waited::TimedOut if Instant::now() >= deadline => return Err(Failure::Unread),
                Waited::TimedOut => self.reader.check()?.map_err(Failure::Lost)?,
            }
        }
    }

    /// Stops the reading thread.
    pub(crate) fn close(&self) {
        self.reader.stop();
        *self.access.lock() = WriteAccess::default();
        if let Some(thread) = self.thread.lock().take() {
            // It ends the next time it checks the flag; a panic was printed already.
            let _ = thread.join();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.close();
    }
}

/// The reason for which an attempt to write failed.
#[derive(Debug)]
enum Failure {
    Kafka(KafkaError),
    /// It was written but not read back in time.
    Unread,
    /// The topic no longer exists, so no other attempt can succeed.
    Lost(Loss),
}

impl Failure {
    /// Returns whether a topic may be missing; a takeover by another registry is no sign of that.
    fn may_be_a_missing_topic(&self) -> bool {
        let Self::Kafka(error) = self else {
            return false;
        };
        let timed_out = [RDKafkaErrorCode::MessageTimedOut, RDKafkaErrorCode::OperationTimedOut];
        is_unknown(error)
            || error.rdkafka_error_code().is_some_and(|code| timed_out.contains(&code))
    }
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
            Self::Unread => formatter.write_str("the record was not read back in time"),
            Self::Lost(loss) => write!(formatter, "the topic is lost: {loss:?}"),
        }
    }
}

/// Returns a pause of random length that grows with each attempt: registries of several machines
/// that write at the same moment have to get out of each other's way.
fn pause(attempt: u32) -> Duration {
    let longest = Duration::from_millis(20).saturating_mul(1 << attempt.min(8));
    let random = RandomState::new().hash_one(attempt) as u32;
    longest.min(MAX_PAUSE).mul_f64(f64::from(random) / f64::from(u32::MAX))
}
