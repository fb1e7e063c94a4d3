//! Reads the topic: one thread applies each record to the [`Store`], and notices when the topic no
//! longer exists.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, RwLock};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use crate::incarnation::{Incarnation, Loss, is_unknown};
use crate::quiet::Quiet;
use crate::record::Event;
use crate::store::Store;
use crate::topic::Admin;

/// The time limit for checking whether the topic still exists.
const CHECK_LIMIT: Duration = Duration::from_secs(10);

/// The time limit of one poll of the reading thread.
const POLL: Duration = Duration::from_millis(100);

/// The reader of the topic, and the state that it has read.
pub(crate) struct Reader {
    pub(crate) store: RwLock<Store>,
    consumer: BaseConsumer<Quiet>,
    admin: Arc<Admin>,
    topic: String,
    incarnation: Incarnation,
    position: Mutex<Position>,
    moved: Condvar,
    stop: AtomicBool,
}

/// The position of the reader.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Position {
    /// The offset after the last record that was applied.
    pub(crate) next: i64,
    /// Whether the reader has reached the end of the topic once.
    pub(crate) has_ended: bool,
    /// The loss of the topic, if it was lost; stays set until the registry restarts.
    loss: Option<Loss>,
}

/// The result of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    Reached,
    Lost(Loss),
    TimedOut,
}

impl Reader {
    /// Prepares to read the topic from its beginning into `store`.
    pub(crate) fn new(
        consumer: BaseConsumer<Quiet>,
        admin: Arc<Admin>,
        topic: &str,
        incarnation: Incarnation,
        store: Store,
    ) -> KafkaResult<Self> {
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition_offset(topic, 0, Offset::Beginning)?;
        consumer.assign(&partitions)?;
        Ok(Self {
            store: RwLock::new(store),
            consumer,
            admin,
            topic: topic.to_owned(),
            incarnation,
            position: Mutex::default(),
            moved: Condvar::new(),
            stop: AtomicBool::new(false),
        })
    }

    /// Reads until [`Reader::stop`] is called.
    pub(crate) fn run(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            match self.consumer.poll(POLL) {
                None => {}
                Some(Ok(message)) => {
                    self.apply(message.key().unwrap_or_default(), message.payload());
                    self.moved_to(|position| position.next = message.offset() + 1);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    self.moved_to(|position| position.has_ended = true);
                }
                Some(Err(error)) => self.failed(&error),
            }
        }
    }

    /// Stops [`Reader::run`].
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn apply(&self, key: &[u8], value: Option<&[u8]>) {
        match Event::read(key, value) {
            Ok(event) => self.store.write().apply(event),
            Err(reason) => {
                let key = String::from_utf8_lossy(key);
                tracing::warn!(%key, reason, "skipped an invalid record of the registry's topic");
            }
        }
    }

    fn failed(&self, error: &KafkaError) {
        tracing::debug!(%error, "reading the registry's topic");
        // Before the reader has reached the end once, a new topic may not be known everywhere.
        if !self.position.lock().has_ended {
            return;
        }
        let is_out_of_range = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset);
        if (is_unknown(error) || is_out_of_range)
            && let Ok(Ok(())) = self.check()
            && is_out_of_range
        {
            // It is the same topic, but records that were read have been deleted.
            self.lose(Loss::Truncated);
        }
    }

    /// Checks that the topic is still the one that was read, from its first record.
    ///
    /// # Errors
    ///
    /// If the cluster does not respond.
    pub(crate) fn check(&self) -> KafkaResult<Result<(), Loss>> {
        if let Some(loss) = self.position.lock().loss {
            return Ok(Err(loss));
        }
        let checked = self.incarnation.check(&self.admin, &self.topic, CHECK_LIMIT)?;
        if let Err(loss) = checked {
            self.lose(loss);
        }
        Ok(checked)
    }

    fn lose(&self, loss: Loss) {
        let mut position = self.position.lock();
        if position.loss.is_none() {
            tracing::error!("schema registry: {}", loss.explanation(&self.topic));
            position.loss = Some(loss);
            self.moved.notify_all();
        }
    }

    fn moved_to(&self, change: impl FnOnce(&mut Position)) {
        change(&mut self.position.lock());
        self.moved.notify_all();
    }

    /// Returns the current position.
    pub(crate) fn position(&self) -> Position {
        *self.position.lock()
    }

    /// Waits until the position satisfies a condition.
    pub(crate) fn wait(&self, deadline: Instant, is_reached: impl Fn(Position) -> bool) -> Waited {
        let mut position = self.position.lock();
        loop {
            if is_reached(*position) {
                return Waited::Reached;
            }
            if let Some(loss) = position.loss {
                return Waited::Lost(loss);
            }
            if self.moved.wait_until(&mut position, deadline).timed_out() {
                return if is_reached(*position) { Waited::Reached } else { Waited::TimedOut };
            }
        }
    }
}

/// Creates a consumer that reads committed records only, and reports the end of a topic.
pub(crate) fn consumer(config: &ClientConfig) -> KafkaResult<BaseConsumer<Quiet>> {
    let mut config = config.clone();
    for (name, value) in [
        ("group.id", "embedded-registry"),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("enable.partition.eof", "true"),
        // If the next record is missing, it was deleted: resetting to either end would hide that.
        ("auto.offset.reset", "error"),
        ("topic.metadata.propagation.max.ms", "1000"),
        // Records of a fenced registry are never read.
        ("isolation.level", "read_committed"),
        ("fetch.error.backoff.ms", "50"),
        ("reconnect.backoff.max.ms", "1000"),
    ] {
        config.set(name, value);
    }
    config.create_with_context(Quiet)
}
