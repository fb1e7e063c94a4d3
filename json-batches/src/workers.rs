//! One thread reads the input, several serialize and queue, and the client sends.
//!
//! A thread that waits for its input, for a line of a pipe for example, cannot be woken. So it is
//! not joined after a second stop request: it ends when its input yields something.
//!
//! The reader finds each record's key and passes the record to the worker that the key's hash
//! selects: the records of a key go through one worker, in the order of the input, and so they stay
//! in order in their partition. Records without a key go to the workers in turn.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use tokio::runtime::Handle;

use crate::SkippedRecord;
use crate::inbox::Inbox;
use crate::queue::{Outcome, Tries, growing_waits, queue};
use crate::record::Record;
use crate::reports::Reports;
use crate::stop::Stop;
use crate::summary::{Counts, JsonSummary};

/// How long a poll waits for room in a full queue. rdkafka's poll always uses its full timeout, so
/// a long one would leave the network idle.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(1);
const FLUSH_STEP: Duration = Duration::from_millis(10);
const LOOK_AT_STOP: Duration = Duration::from_millis(20);
/// How long the input may take for its current record, after a second stop request.
const LAST_RECORD: Duration = Duration::from_secs(1);

/// One input on its way to one topic.
pub(super) struct Job {
    pub(super) producer: ThreadedProducer<Reports>,
    pub(super) topic: String,
    pub(super) batch_size: usize,
    pub(super) flush_limit: Duration,
    pub(super) stop: Arc<Stop>,
    /// One for each worker.
    pub(super) counts: Vec<Arc<Counts>>,
}

struct Item<R> {
    position: u64,
    key: Option<Vec<u8>>,
    record: R,
}

impl Job {
    /// Sends every record of the input, each with its position there, and returns when each is
    /// delivered or lost, with the error that ended the input early, if one did. The reading thread
    /// opens the input.
    pub(super) fn run<R: Record + 'static, I: Iterator<Item = io::Result<(u64, R)>>>(
        self: &Arc<Self>,
        input: impl FnOnce() -> io::Result<I> + Send + 'static,
    ) -> (JsonSummary, io::Result<()>) {
        let new_inbox = |_: &Arc<Counts>| Inbox::new(self.batch_size);
        let inboxes: Arc<[Inbox<Item<R>>]> = self.counts.iter().map(new_inbox).collect();
        let (job, theirs) = (Arc::clone(self), Arc::clone(&inboxes));
        let read = thread::scope(|scope| {
            for (inbox, counts) in inboxes.iter().zip(&self.counts) {
                scope.spawn(|| Worker { job: self, counts, hopeless: false }.work(inbox));
            }
            // Even if the input panics: the scope waits for the workers.
            let _closes = CloseOnDrop(&inboxes);
            self.on_its_own(move || input().and_then(|input| job.hand_out(input, &theirs)))
        });
        self.flush();
        let all = self.counts.iter().map(|counts| counts.summary());
        let all = all.fold(JsonSummary::default(), JsonSummary::and);
        (JsonSummary { interrupted: self.stop.is_asked(), ..all }, read)
    }

    /// Reads on a thread that can be abandoned, and waits for it as long as that is allowed.
    fn on_its_own(&self, read: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
        let (alive, ended) = mpsc::channel::<Infallible>();
        let runtime = Handle::current();
        let reader = thread::spawn(move || {
            let _alive = alive;
            // An input may use the runtime that the caller is on.
            let _runtime = runtime.enter();
            read()
        });
        let mut pressing = None;
        while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK_AT_STOP) {
            if !self.stop.is_pressing() {
                continue;
            }
            if pressing.get_or_insert_with(Instant::now).elapsed() >= LAST_RECORD {
                tracing::warn!(topic = self.topic, "the input gives nothing, and is left behind");
                return Ok(());
            }
        }
        reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn hand_out<R: Record>(
        &self,
        mut input: impl Iterator<Item = io::Result<(u64, R)>>,
        inboxes: &[Inbox<Item<R>>],
    ) -> io::Result<()> {
        let mut without_key = 0;
        while !self.stop.is_asked() {
            let Some(next) = input.next() else {
                return Ok(());
            };
            let (position, record) = next?;
            let key = match record.key() {
                Ok(key) => key,
                // Nothing counts the outcome of a record any more.
                Err(_) if inboxes[0].is_closed() => return Ok(()),
                Err(reason) => {
                    self.skip(&self.counts[0], position, &reason);
                    continue;
                }
            };
            let worker = match &key {
                Some(key) => hash(key) as usize,
                None => {
                    without_key += 1;
                    // A batch each, so that a few records do not wake every worker.
                    without_key / self.batch_size
                }
            };
            if !inboxes[worker % inboxes.len()].put(Item { position, key, record }) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn skip(&self, counts: &Counts, position: u64, reason: &dyn std::fmt::Display) {
        counts.skipped();
        let skipped = SkippedRecord { position, reason: reason.to_string() };
        tracing::warn!(topic = self.topic, "{skipped}");
        self.producer.client().context().skipped(&skipped);
    }

    /// Waits for the delivery reports of this job's records.
    fn flush(&self) {
        let started = Instant::now();
        let all_reported = || self.counts.iter().all(|it| it.summary().still_queued == 0);
        while !all_reported() && started.elapsed() < self.flush_limit && !self.stop.is_pressing() {
            if let Err(error) = self.producer.flush(FLUSH_STEP)
                && error != KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut)
            {
                tracing::error!(%error, "flush");
                return;
            }
        }
    }
}

fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// Closes the inboxes when the input ends, in any way.
struct CloseOnDrop<'a, T>(&'a [Inbox<T>]);

impl<T> Drop for CloseOnDrop<'_, T> {
    fn drop(&mut self) {
        self.0.iter().for_each(Inbox::close);
    }
}

struct Worker<'a> {
    job: &'a Job,
    counts: &'a Arc<Counts>,
    /// The last record was rejected in every attempt. The next one gets one attempt: a topic that
    /// does not exist would otherwise cost a second for each record.
    hopeless: bool,
}

impl Worker<'_> {
    fn work<R: Record>(&mut self, inbox: &Inbox<Item<R>>) {
        // Even if a record panics while it is serialized: the reader must not wait for room.
        let _closes = CloseOnDrop(std::slice::from_ref(inbox));
        let mut buffer = Vec::new();
        while let Some(batch) = inbox.take() {
            for item in batch {
                buffer.clear();
                match item.record.value(&mut buffer) {
                    Ok(value) => self.send(item.position, item.key.as_deref(), value),
                    Err(reason) => self.job.skip(self.counts, item.position, &reason),
                }
            }
        }
    }

    fn send(&mut self, position: u64, key: Option<&[u8]>, value: &[u8]) {
        let Job { producer, topic, stop, .. } = self.job;
        let tries = Tries {
            poll: &|| producer.poll(WAIT_FOR_ROOM),
            give_up: &|| stop.is_pressing(),
            waits: if self.hopeless { || Box::new(std::iter::empty()) } else { growing_waits },
        };
        let (outcome, retried) = queue(&tries, || {
            let mut record = BaseRecord::with_opaque_to(topic, Arc::clone(self.counts));
            record.key = key;
            producer.send(record.payload(value)).map_err(|(error, _)| error)
        });
        if retried {
            self.counts.retried();
        }
        self.hopeless = matches!(&outcome, Outcome::Refused(error) if !is_too_large(error));
        match outcome {
            Outcome::Queued => self.counts.queued(),
            Outcome::GivenUp => self.counts.not_sent(),
            Outcome::Refused(error) if is_too_large(&error) => {
                let reason = format!("{} bytes are more than message.max.bytes", value.len());
                self.job.skip(self.counts, position, &reason);
            }
            Outcome::Refused(error) => {
                self.counts.refused();
                producer.client().context().refused(topic, key, value, &error);
            }
        }
    }
}

fn is_too_large(error: &KafkaError) -> bool {
    *error == KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge)
}
