//! Writes messages with their lineage, and waits until they are in the topic.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use helpers::producer::producer_config;
use helpers::topics::check_topic_name;
use helpers::{client_config, connection};
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use serde::Serialize;
use tokio::sync::Notify;

use crate::Error;
use crate::envelope::pack_into;
use crate::history::Message;

/// How long to wait for room in a full queue.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(1);
const DEFAULTS: [(&str, &str); 3] =
    [("compression.type", "snappy"), ("acks", "all"), ("retries", "3")];

/// Builds a [`Producer`].
///
/// The defaults are `compression.type=snappy`, `acks=all`, `retries=3`, and
/// `enable.idempotence=true`, so that the client's retries neither duplicate nor reorder.
#[must_use]
pub struct ProducerBuilder {
    service: String,
    brokers: String,
    overrides: Vec<(String, String)>,
    ignore_large_message_errors: bool,
}

impl ProducerBuilder {
    /// Sets any librdkafka setting, over the defaults and over the environment.
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.overrides.push((key.into(), value.into()));
        self
    }

    /// Sets whether a record over a size limit, the client's `message.max.bytes` or the topic's
    /// `max.message.bytes`, is logged and skipped. Otherwise it is an error.
    pub fn ignore_large_message_errors(mut self, ignore: bool) -> Self {
        self.ignore_large_message_errors = ignore;
        self
    }

    /// Checks that a broker responds, then builds the producer.
    ///
    /// # Errors
    /// Those of [`helpers::ProducerBuilder::build`].
    pub async fn build(self) -> Result<Producer, Error> {
        let config = producer_config(client_config(&self.brokers)?, &self.settings())?;
        connection::check(&config).await?;
        Ok(Producer {
            service: self.service,
            ignore_large: self.ignore_large_message_errors,
            producer: config.create_with_context(Reports)?,
        })
    }

    fn settings(&self) -> Vec<(String, String)> {
        let own = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        DEFAULTS.into_iter().map(own).chain(self.overrides.clone()).collect()
    }
}

/// How many messages were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Produced {
    /// Messages that are in the topic.
    pub delivered: usize,
    /// Messages that are too large, if those are ignored.
    pub skipped: usize,
}

/// Writes messages in the envelope of lineage, in the name of a service.
pub struct Producer {
    service: String,
    ignore_large: bool,
    producer: ThreadedProducer<Reports>,
}

impl Producer {
    /// Builds a producer with the defaults of [`ProducerBuilder`] and the settings of `config` over
    /// them.
    ///
    /// # Errors
    /// Those of [`ProducerBuilder::build`].
    pub async fn new(
        service: impl Into<String>,
        brokers: impl Into<String>,
        config: &[(&str, &str)],
    ) -> Result<Producer, Error> {
        let set = |builder: ProducerBuilder, (key, value): &(&str, &str)| builder.set(*key, *value);
        config.iter().fold(Producer::builder(service, brokers), set).build().await
    }

    /// Starts a builder for a producer; `service` is the name in the histories.
    pub fn builder(service: impl Into<String>, brokers: impl Into<String>) -> ProducerBuilder {
        ProducerBuilder {
            service: service.into(),
            brokers: brokers.into(),
            overrides: Vec::new(),
            ignore_large_message_errors: false,
        }
    }

    /// Writes a message, and returns when it is in the topic.
    ///
    /// # Errors
    /// Those of [`Producer::produce_batch`].
    pub async fn produce<T: Serialize>(
        &self,
        topic: &str,
        message: &Message<T>,
    ) -> Result<Produced, Error> {
        self.produce_batch(topic, std::slice::from_ref(message)).await
    }

    /// Writes messages, and returns when all are in the topic or one is not. The record's key is
    /// the message's id; its history names this service, now, and the message's refs.
    ///
    /// Messages are in the topic in their order, with one exception: the leader rejects a batch
    /// that holds a record over the topic's limit. The small records of that batch are resent after
    /// the responses to all batches, and follow those that were stored. A `batch.size` no larger
    /// than the topic's `max.message.bytes` leaves a large record alone in its batch.
    ///
    /// # Errors
    /// [`helpers::Error::InvalidTopicName`] if the name is not a topic's. [`Error::TooLarge`] for a
    /// record over a limit, unless that is ignored, and [`Error::NotProduced`] for any other that
    /// did not arrive, or does not serialize. Those before and after it may be in the topic.
    pub async fn produce_batch<T: Serialize>(
        &self,
        topic: &str,
        messages: &[Message<T>],
    ) -> Result<Produced, Error> {
        check_topic_name(topic)?;
        let mut failed = self.send(topic, messages.iter().enumerate()).await;
        // The leader rejects a whole batch for its size, including its small records, and has
        // stored none of them. Sending each by itself finds the large one.
        if messages.len() > 1 && failed.iter().any(|(_, error)| is_refused_for_size(error)) {
            let (refused, others): (Vec<_>, Vec<_>) =
                failed.into_iter().partition(|(_, error)| is_refused_for_size(error));
            failed = others;
            for (index, _) in refused {
                failed.extend(self.send(topic, [(index, &messages[index])]).await);
            }
        }
        failed.sort_by_key(|(index, _)| *index);
        let mut skipped = 0;
        for (index, failure) in failed {
            let record = format!("{topic}:{}", messages[index].id);
            match failure {
                Failure::Size(_) if self.ignore_large => {
                    tracing::warn!(record, "a record is too large, and is skipped");
                    skipped += 1;
                }
                Failure::Size(_) => return Err(Error::TooLarge { record }),
                Failure::Other(reason) => return Err(Error::NotProduced { record, reason }),
            }
        }
        Ok(Produced { delivered: messages.len() - skipped, skipped })
    }

    /// Queues messages, and waits for their reports. Returns those that failed.
    async fn send<'a, T: Serialize + 'a>(
        &self,
        topic: &str,
        messages: impl IntoIterator<Item = (usize, &'a Message<T>)>,
    ) -> Vec<(usize, Failure)> {
        let reports = Arc::new(Batch::default());
        reports.open.store(1, Ordering::Relaxed);
        let mut value = Vec::new();
        for (index, message) in messages {
            if let Err(failure) = self.queue(topic, index, message, &mut value, &reports).await {
                reports.lock().push((index, failure));
            }
        }
        reports.close_one();
        while reports.open.load(Ordering::Acquire) > 0 {
            reports.all_came.notified().await;
        }
        std::mem::take(&mut *reports.lock())
    }

    /// Queues a message. Its bytes are written into `value`, and the client copies them.
    async fn queue<T: Serialize>(
        &self,
        topic: &str,
        index: usize,
        message: &Message<T>,
        value: &mut Vec<u8>,
        reports: &Arc<Batch>,
    ) -> Result<(), Failure> {
        let Message { id, payload, refs } = message;
        pack_into(value, &self.service, Utc::now(), payload, refs)
            .map_err(|error| Failure::Other(error.to_string()))?;
        reports.open.fetch_add(1, Ordering::Relaxed);
        let mut ticket = Box::new(Ticket { batch: Arc::clone(reports), index });
        loop {
            let mut record = BaseRecord::with_opaque_to(topic, ticket).payload(value);
            record.key = Some(id).filter(|id| !id.is_empty());
            let Err((error, refused)) = self.producer.send(record) else {
                return Ok(());
            };
            ticket = refused.delivery_opaque;
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) {
                reports.close_one();
                return Err(Failure::from(&error, false));
            }
            tokio::time::sleep(WAIT_FOR_ROOM).await;
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        let queued = self.producer.in_flight_count();
        if queued > 0 {
            tracing::warn!(queued, "a producer is dropped with records in its queue");
        }
    }
}

/// Why a record is not in the topic.
enum Failure {
    /// It is too large: the broker says so of its batch, or the client of the record alone.
    Size(By),
    Other(String),
}

#[derive(PartialEq)]
enum By {
    Broker,
    Client,
}

impl Failure {
    fn from(error: &KafkaError, by_broker: bool) -> Self {
        match error {
            KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge) => {
                Failure::Size(if by_broker { By::Broker } else { By::Client })
            }
            other => Failure::Other(other.to_string()),
        }
    }
}

fn is_refused_for_size(failure: &Failure) -> bool {
    matches!(failure, Failure::Size(By::Broker))
}

/// The reports that a call waits for.
#[derive(Default)]
struct Batch {
    /// How many reports are missing, plus one while records are still being queued.
    open: AtomicUsize,
    failed: Mutex<Vec<(usize, Failure)>>,
    all_came: Notify,
}

impl Batch {
    fn close_one(&self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.all_came.notify_one();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(usize, Failure)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a record carries to its report: the batch to notify, and the index of the message.
struct Ticket {
    batch: Arc<Batch>,
    index: usize,
}

struct Reports;

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "producer");
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Self::DeliveryOpaque) {
        if let Err((error, _)) = result {
            ticket.batch.lock().push((ticket.index, Failure::from(error, true)));
        }
        ticket.batch.close_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_overridden() {
        let builder = Producer::builder("boards", "127.0.0.1:9092");
        let config = |builder: ProducerBuilder| {
            producer_config(client_config("127.0.0.1:9092").unwrap(), &builder.settings()).unwrap()
        };
        let defaults = config(builder);
        for (key, value) in DEFAULTS.into_iter().chain([("enable.idempotence", "true")]) {
            assert_eq!(defaults.get(key), Some(value));
        }
        let builder = Producer::builder("boards", "127.0.0.1:9092");
        let other = config(builder.set("compression.type", "none").set("acks", "1"));
        assert_eq!(other.get("compression.type"), Some("none"));
        assert_eq!(other.get("acks"), Some("1"));
        assert_eq!(other.get("enable.idempotence"), None);
    }
}
