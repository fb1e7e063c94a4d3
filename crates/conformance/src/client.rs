//! Runs librdkafka's clients in a scenario.

use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::failure::Failure;
use crate::names::result;
use crate::scene::Scene;
use crate::settings::{client_config, consumer_config, producer_config};

/// The time limit for one step of a client.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The time limit of one poll of a client.
const TURN: Duration = Duration::from_millis(20);

/// A producer that remembers the result for each record.
pub(crate) type Sender = BaseProducer<Reports>;

/// The results of the records that were sent.
#[derive(Debug, Default)]
pub(crate) struct Reports(std::sync::Mutex<Vec<String>>);

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, delivered: &DeliveryResult<'_>, (): ()) {
        let report = match delivered {
            Ok(message) => format!("{} at {}", message.partition(), message.offset()),
            Err((error, _)) => result::<()>(&Err(error.clone())),
        };
        if let Ok(mut reports) = self.0.lock() {
            reports.push(report);
        }
    }
}

impl Scene {
    /// Creates librdkafka's admin client, and options with the time limit.
    pub(crate) fn admin(
        &self,
    ) -> Result<(AdminClient<DefaultClientContext>, AdminOptions), Failure> {
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        Ok((
            client_config(self.bootstrap_servers(), &[]).create()?,
            options.request_timeout(Some(PATIENCE)),
        ))
    }

    /// Creates a producer that sends at once.
    pub(crate) fn producer(&self, settings: &[(&str, &str)]) -> Result<Sender, Failure> {
        let config = producer_config(self.bootstrap_servers(), settings);
        Ok(config.create_with_context(Reports::default())?)
    }

    /// Sends values to a partition; returns the result for each, in the order of the reports.
    pub(crate) fn send(
        &self,
        producer: &Sender,
        topic: &str,
        partition: i32,
        values: &[&str],
    ) -> String {
        for value in values {
            let record = BaseRecord::<(), str>::to(topic).partition(partition).payload(value);
            if let Err((error, _)) = producer.send(record) {
                return result::<()>(&Err(error));
            }
        }
        let flushed = producer.flush(PATIENCE);
        let mut reports = match producer.context().0.lock() {
            Ok(mut reports) => std::mem::take(&mut *reports),
            Err(_) => Vec::new(),
        };
        if flushed.is_err() {
            reports.push("not flushed".to_owned());
        }
        reports.join(", ")
    }

    /// Creates a consumer that reads from the beginning, and stores and commits offsets explicitly.
    pub(crate) fn consumer(
        &self,
        group: &str,
        settings: &[(&str, &str)],
    ) -> Result<BaseConsumer, Failure> {
        Ok(consumer_config(self.bootstrap_servers(), group, settings).create()?)
    }

    /// Reads all values of a partition up to the end that this isolation level sees, separated by
    /// commas.
    pub(crate) fn values(
        &self,
        topic: &str,
        partition: i32,
        isolation: &str,
    ) -> Result<String, Failure> {
        let settings = [("isolation.level", isolation), ("enable.partition.eof", "true")];
        let consumer = self.consumer(&self.name("reader"), &settings)?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Beginning)?;
        consumer.assign(&list)?;
        let (start, mut values) = (Instant::now(), Vec::new());
        while start.elapsed() < PATIENCE {
            match consumer.poll(TURN) {
                None => {}
                Some(Ok(message)) => values.push(text(message.payload())),
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(list_of(&values)),
                Some(Err(error)) => return Err(error.into()),
            }
        }
        Err(Failure::TimedOut { condition: "the partition ends", limit: PATIENCE })
    }
}

/// Joins values with commas; `nothing` for none.
pub(crate) fn list_of(values: &[String]) -> String {
    if values.is_empty() { "nothing".to_owned() } else { values.join(", ") }
}

fn text(payload: Option<&[u8]>) -> String {
    payload.map_or("null".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// Reads the next values of a consumer.
pub(crate) fn next_values(consumer: &BaseConsumer, count: usize) -> Result<String, Failure> {
    let (start, mut values) = (Instant::now(), Vec::new());
    while values.len() < count {
        if start.elapsed() > PATIENCE {
            return Err(Failure::TimedOut { condition: "a record comes", limit: PATIENCE });
        }
        if let Some(message) = consumer.poll(TURN) {
            values.push(text(message?.payload()));
        }
    }
    Ok(values.join(", "))
}
