//! Writes to the topic with a transactional producer, which fences the previous writer.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

/// The time limit for one request to the cluster.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// The time limit of one poll for delivery reports.
const REPORT_POLL: Duration = Duration::from_millis(1);

/// A record to write.
pub(crate) struct Record {
    pub(crate) topic: String,
    pub(crate) key: String,
    /// The value; `None` is a tombstone.
    pub(crate) value: Option<String>,
}

/// The producer with write access, until another one is initialized.
pub(crate) struct Writer(BaseProducer<Deliveries>);

impl Writer {
    /// Fences the previous writer of this topic, and aborts its open transaction.
    pub(crate) fn take_over(config: &ClientConfig, topic: &str) -> KafkaResult<Self> {
        let mut config = config.clone();
        config.set("transactional.id", format!("embedded-registry-{topic}"));
        config.set("transaction.timeout.ms", "10000");
        config.set("linger.ms", "0");
        // A deleted topic must not be recreated as a side effect, with the cluster's default
        // settings.
        config.set("allow.auto.create.topics", "false");
        let producer: BaseProducer<Deliveries> =
            config.create_with_context(Deliveries::default())?;
        producer.init_transactions(REQUEST_LIMIT)?;
        Ok(Self(producer))
    }

    /// Writes all records or none, and returns the offset of the last record in the first record's
    /// topic.
    pub(crate) fn append(&self, records: &[Record]) -> KafkaResult<i64> {
        let Self(producer) = self;
        let topic = records.first().map(|record| record.topic.clone()).unwrap_or_default();
        *producer.context().reports.lock() = Reports { topic, ..Reports::default() };
        producer.begin_transaction()?;
        for record in records {
            let sent = BaseRecord::<str, str>::to(&record.topic).partition(0).key(&record.key);
            let sent = match &record.value {
                Some(value) => sent.payload(value),
                None => sent,
            };
            producer.send(sent).map_err(|(error, _)| error)?;
        }
        let offset = self.delivered(records.len())?;
        producer.commit_transaction(REQUEST_LIMIT)?;
        Ok(offset)
    }

    /// Waits for all delivery reports, and returns the offset of the last record.
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
            // A poll takes its whole time limit, and a flush in rdkafka at least 100 ms.
            producer.poll(REPORT_POLL);
        }
    }
}

/// Collects the delivery reports.
#[derive(Default)]
struct Deliveries {
    reports: Mutex<Reports>,
}

#[derive(Default)]
struct Reports {
    /// The topic whose offsets are needed.
    topic: String,
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
                if message.topic() == reports.topic {
                    reports.last_offset = message.offset().max(reports.last_offset);
                }
            }
            Err((error, _)) => reports.failure = Some(error.clone()),
        }
    }
}
