//! Sends records, and reports the delivery of each.
//!
//! [`Publisher`] is rdkafka's [`BaseProducer`] with what a program would otherwise add: it waits
//! when the queue is full, counts by delivery report, and flushes with a deadline. The records are
//! rdkafka's own [`BaseRecord`]: topic, key, value, partition, timestamp and headers.
//!
//! It leaves out threads and repeated sends. `send` only queues, so one thread is enough;
//! librdkafka retries by itself, in order, and a failure that it reports is final.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, ToBytes};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use crate::config::{client_config, with_overrides};
use crate::{DeliveryReport, Error, connection};

/// How long a poll waits for room in a full queue. rdkafka's poll always uses its full timeout, so
/// a long one would leave the network idle.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(1);
const FLUSH_STEP: Duration = Duration::from_millis(10);

/// Builds a producer with the defaults of [`ProducerBuilder`].
///
/// # Errors
/// Those of [`ProducerBuilder::build`].
#[doc(alias = "get_kafka_producer")]
pub async fn producer(brokers: &str) -> Result<Publisher, Error> {
    ProducerBuilder::new(brokers).build().await
}

/// Builds a producer.
///
/// Two settings differ from librdkafka's defaults, unless the caller overrides them:
/// - `acks=all` is its default too, and is set to make it visible: the leader responds when every
///   in-sync replica has the record.
/// - `enable.idempotence=true` (librdkafka: false, Java: true since 3.0, KIP-679). Retries inside
///   the client then neither duplicate nor reorder. Where an override contradicts it (`acks=1`,
///   more than 5 requests in flight, no retries), it stays off, as in Java.
pub struct ProducerBuilder {
    brokers: String,
    overrides: Vec<(String, String)>,
    on_delivery: Option<OnEveryDelivery>,
}

type OnEveryDelivery = Box<dyn Fn(&DeliveryReport<'_>) + Send + Sync>;
type OnThisDelivery = Box<dyn FnOnce(&DeliveryReport<'_>) + Send + Sync>;

impl ProducerBuilder {
    /// Starts a builder for a producer on the cluster at `brokers`.
    pub fn new(brokers: impl Into<String>) -> Self {
        ProducerBuilder { brokers: brokers.into(), overrides: Vec::new(), on_delivery: None }
    }

    /// Sets any librdkafka setting, over the defaults and over the environment.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.overrides.push((key.into(), value.into()));
        self
    }

    /// Sets a callback for the report on every record. It runs on the thread that sends or flushes;
    /// keep it short, because it holds up all other reports.
    #[must_use]
    pub fn on_delivery(
        mut self,
        callback: impl Fn(&DeliveryReport<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.on_delivery = Some(Box::new(callback));
        self
    }

    /// Checks that a broker responds, then builds the producer.
    ///
    /// # Errors
    /// [`Error::NoResponse`] within five seconds if no broker responds, [`Error::Setting`] for a
    /// setting that librdkafka rejects, [`Error::SettingsTogether`] for settings that contradict
    /// each other, and those of [`client_config`].
    pub async fn build(self) -> Result<Publisher, Error> {
        let config = self.config()?;
        connection::check(&config).await?;
        let reports = Reports { on_delivery: self.on_delivery, ..Reports::default() };
        Ok(Publisher { producer: config.create_with_context(reports)? })
    }

    fn config(&self) -> Result<ClientConfig, Error> {
        producer_config(client_config(&self.brokers)?, &self.overrides)
    }
}

/// Adds the defaults of [`ProducerBuilder`] to `config`, and the caller's settings over them.
///
/// # Errors
/// Those of [`with_overrides`].
pub fn producer_config(
    mut config: ClientConfig,
    overrides: &[(String, String)],
) -> Result<ClientConfig, Error> {
    config.set("acks", "all");
    if allows_idempotence(overrides) {
        config.set("enable.idempotence", "true");
    }
    with_overrides(config, overrides)
}

/// Returns whether none of the caller's settings contradicts idempotence. librdkafka would reject
/// the combination.
fn allows_idempotence(overrides: &[(String, String)]) -> bool {
    overrides.iter().all(|(key, value)| match key.as_str() {
        "acks" | "request.required.acks" => matches!(value.as_str(), "all" | "-1"),
        "max.in.flight" | "max.in.flight.requests.per.connection" => {
            value.parse().is_ok_and(|in_flight: u32| in_flight <= 5)
        }
        "retries" | "message.send.max.retries" => value != "0",
        "queuing.strategy" => value == "fifo",
        _ => true,
    })
}

/// The counts of the records so far. A record is in exactly one of the three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records whose delivery was reported.
    pub delivered: u64,
    /// Records whose failure was reported.
    pub failed: u64,
    /// Records without a report yet: neither sent nor lost.
    pub still_queued: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { delivered, failed, still_queued } = self;
        write!(out, "{delivered} delivered, {failed} failed, {still_queued} still queued")
    }
}

/// A producer that waits when its queue is full and counts by delivery report.
///
/// It serves reports while it sends and flushes. A program that pauses between sends must call
/// [`poll`](Publisher::poll).
///
/// Flush before you drop it: dropping a producer purges what is queued and in flight, with a
/// warning (`tracing`) if there is any.
#[must_use]
pub struct Publisher {
    producer: BaseProducer<Reports>,
}

impl Publisher {
    /// Queues a record. While the queue is full (`queue.buffering.max.messages`, 100,000 records,
    /// or `queue.buffering.max.kbytes`, 1 GiB) it polls, then tries the *same* record again, so
    /// nothing is skipped and the order stays. That blocks the thread until there is room, at the
    /// latest when queued records fail after `delivery.timeout.ms` (300,000 ms).
    ///
    /// # Errors
    /// [`Error::NotQueued`] if librdkafka rejects the record itself, for example because it is
    /// larger than `message.max.bytes`. The summary does not count it then.
    #[doc(alias = "produce")]
    pub fn send<K, P>(&self, record: BaseRecord<'_, K, P>) -> Result<(), Error>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
    {
        self.queue(record, None)
    }

    /// Does what [`send`](Publisher::send) does, with a callback for the report on this one record.
    /// The callback of [`ProducerBuilder::on_delivery`] is called as well, before it.
    ///
    /// # Errors
    /// Those of [`send`](Publisher::send); the callback is then never called.
    #[doc(alias = "on_delivery")]
    pub fn send_then<K, P>(
        &self,
        record: BaseRecord<'_, K, P>,
        on_delivery: impl FnOnce(&DeliveryReport<'_>) + Send + Sync + 'static,
    ) -> Result<(), Error>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
    {
        self.queue(record, Some(Box::new(on_delivery)))
    }

    /// Does what [`send`](Publisher::send) does in async code: while the queue is full, it waits
    /// for room without blocking a thread of the runtime, and no longer than `limit`.
    ///
    /// # Errors
    /// [`Error::NotQueued`] with `QueueFull` after the limit, and those of
    /// [`send`](Publisher::send).
    pub async fn send_within<K, P>(
        &self,
        record: BaseRecord<'_, K, P>,
        limit: Duration,
    ) -> Result<(), Error>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
    {
        let (mut record, started) = (counted(record, None), Instant::now());
        loop {
            match self.try_queue(record)? {
                None => return Ok(()),
                Some(same_record) => record = same_record,
            }
            if started.elapsed() >= limit {
                let source = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
                return Err(Error::NotQueued { topic: record.topic.to_owned(), source });
            }
            tokio::time::sleep(WAIT_FOR_ROOM).await;
        }
    }

    fn queue<K, P>(
        &self,
        record: BaseRecord<'_, K, P>,
        on_delivery: Option<OnThisDelivery>,
    ) -> Result<(), Error>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
    {
        let mut record = counted(record, on_delivery);
        while let Some(same_record) = self.try_queue(record)? {
            record = same_record;
            self.poll(WAIT_FOR_ROOM);
        }
        Ok(())
    }

    /// Queues a record, or returns it if there is no room for it.
    fn try_queue<'a, K, P>(
        &self,
        record: CountedRecord<'a, K, P>,
    ) -> Result<Option<CountedRecord<'a, K, P>>, Error>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
    {
        self.poll(Duration::ZERO);
        // Counted before it is queued: another thread may serve its report before send returns.
        self.reports().queued.fetch_add(1, Ordering::Relaxed);
        let Err((source, record)) = self.producer.send(record) else { return Ok(None) };
        self.reports().queued.fetch_sub(1, Ordering::Relaxed);
        match source {
            KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => Ok(Some(record)),
            source => Err(Error::NotQueued { topic: record.topic.to_owned(), source }),
        }
    }

    /// Serves the delivery reports that have arrived, and waits for more until `timeout` has
    /// passed.
    pub fn poll(&self, timeout: Duration) {
        self.producer.poll(timeout);
    }

    /// Waits until every record has its report, or until `deadline` has passed, and returns the
    /// counts. What is still queued then stays queued: flush again, or drop it.
    ///
    /// Blocks the thread; in async code, use [`flush_within`](Publisher::flush_within).
    ///
    /// # Errors
    /// [`Error::Kafka`] if librdkafka fails for a reason other than the deadline.
    pub fn flush(&self, deadline: Duration) -> Result<Summary, Error> {
        let started = Instant::now();
        loop {
            let remaining = deadline.saturating_sub(started.elapsed());
            match self.producer.flush(remaining.min(FLUSH_STEP)) {
                Ok(()) => return Ok(self.summary()),
                Err(KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut)) => {}
                Err(error) => return Err(error.into()),
            }
            if remaining.is_zero() {
                return Ok(self.summary());
            }
        }
    }

    // ANCHOR: flush_within
    /// Does what [`flush`](Publisher::flush) does in async code, without blocking a thread of the
    /// runtime.
    ///
    /// # Errors
    /// Those of [`flush`](Publisher::flush).
    pub async fn flush_within(&self, limit: Duration) -> Result<Summary, Error> {
        let started = Instant::now();
        loop {
            // Without a wait, it sends what lingers, and serves the reports that have arrived.
            match self.producer.flush(Duration::ZERO) {
                Ok(()) => return Ok(self.summary()),
                Err(KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut)) => {}
                Err(error) => return Err(error.into()),
            }
            self.poll(Duration::ZERO);
            if started.elapsed() >= limit {
                return Ok(self.summary());
            }
            tokio::time::sleep(FLUSH_STEP).await;
        }
    }
    // ANCHOR_END: flush_within

    /// Returns the counts so far.
    pub fn summary(&self) -> Summary {
        self.reports().summary()
    }

    /// Returns the rdkafka producer, for what this type leaves out (transactions, purging).
    pub fn as_rdkafka(&self) -> &BaseProducer<Reports> {
        &self.producer
    }

    fn reports(&self) -> &Reports {
        self.producer.context()
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Publisher").field("summary", &self.summary()).finish_non_exhaustive()
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let queued = self.summary().still_queued;
        if queued > 0 {
            tracing::warn!(queued, "a producer is dropped with records in its queue: flush first");
        }
    }
}

/// A record with the callback for its own report.
type CountedRecord<'a, K, P> = BaseRecord<'a, K, P, Box<Option<OnThisDelivery>>>;

fn counted<'a, K, P>(
    record: BaseRecord<'a, K, P>,
    on_delivery: Option<OnThisDelivery>,
) -> CountedRecord<'a, K, P>
where
    K: ToBytes + ?Sized,
    P: ToBytes + ?Sized,
{
    BaseRecord {
        topic: record.topic,
        partition: record.partition,
        payload: record.payload,
        key: record.key,
        timestamp: record.timestamp,
        headers: record.headers,
        delivery_opaque: Box::new(on_delivery),
    }
}

/// Receives the delivery reports and counts them.
#[derive(Default)]
pub struct Reports {
    on_delivery: Option<OnEveryDelivery>,
    queued: AtomicU64,
    delivered: AtomicU64,
    failed: AtomicU64,
}

impl Reports {
    fn summary(&self) -> Summary {
        let delivered = self.delivered.load(Ordering::Relaxed);
        let failed = self.failed.load(Ordering::Relaxed);
        let queued = self.queued.load(Ordering::Relaxed);
        Summary { delivered, failed, still_queued: queued.saturating_sub(delivered + failed) }
    }
}

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "producer");
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Option<OnThisDelivery>>;

    fn delivery(&self, result: &DeliveryResult<'_>, on_this: Self::DeliveryOpaque) {
        let report = DeliveryReport::new(result);
        let count = if report.is_delivered() { &self.delivered } else { &self.failed };
        count.fetch_add(1, Ordering::Relaxed);
        if let Some(on_every) = &self.on_delivery {
            on_every(&report);
        }
        if let Some(on_this) = *on_this {
            on_this(&report);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(overrides: &[(&str, &str)]) -> ClientConfig {
        let builder = ProducerBuilder::new("127.0.0.1:9092");
        let set = |builder: ProducerBuilder, (key, value): &(&str, &str)| builder.set(*key, *value);
        overrides.iter().fold(builder, set).config().unwrap()
    }

    #[test]
    fn a_producer_is_idempotent_unless_asked_for_what_contradicts_it() {
        assert_eq!(config(&[]).get("enable.idempotence"), Some("true"));
        assert_eq!(config(&[("acks", "-1")]).get("enable.idempotence"), Some("true"));
        for contradiction in
            [("acks", "1"), ("max.in.flight", "6"), ("retries", "0"), ("queuing.strategy", "lifo")]
        {
            let config = config(&[contradiction]);
            assert_eq!(config.get("enable.idempotence"), None, "{contradiction:?}");
            config.create::<BaseProducer>().unwrap();
        }
    }

    #[test]
    fn an_override_wins_over_a_default() {
        let config = config(&[("enable.idempotence", "false"), ("linger.ms", "50")]);
        assert_eq!(config.get("enable.idempotence"), Some("false"));
        assert_eq!(config.get("linger.ms"), Some("50"));
    }

    #[test]
    fn a_summary_reads_as_a_sentence() {
        let summary = Summary { delivered: 7884, failed: 1, still_queued: 2 };
        assert_eq!(summary.to_string(), "7884 delivered, 1 failed, 2 still queued");
    }
}
