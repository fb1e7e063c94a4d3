//! Sends records that can never be processed to a dead-letter topic.

use std::time::Duration;

use anyhow::{Context, Result};
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};

use crate::blocking::{LIMIT, check_topic, within};
use crate::config::Config;

const OURS: [&str; 4] = ["original-topic", "original-partition", "original-offset", "error"];
/// The maximum length of the error header, in characters.
const ERROR_LENGTH: usize = 1_000;

pub struct DeadLetters {
    producer: FutureProducer,
    topic: String,
}

impl DeadLetters {
    pub async fn connect(config: &Config) -> Result<DeadLetters> {
        let topic = config.required("DEAD_LETTER_TOPIC")?;
        let defaults = [
            ("acks", "all"),
            ("enable.idempotence", "true"),
            // Below max.poll.interval.ms, because nothing is polled while a dead letter is in
            // flight.
            ("delivery.timeout.ms", "60000"),
            // The record may already be as large as its topic allows, and our headers make it
            // larger. The topic's max.message.bytes is the effective limit.
            ("message.max.bytes", "10000000"),
        ];
        let client = config.client(&defaults, "KAFKA_PRODUCER_SETTINGS")?;
        let producer: FutureProducer = client.create()?;
        let (asked, name) = (producer.clone(), topic.clone());
        within(2 * LIMIT, move || check_topic(asked.client(), &name)).await??;
        Ok(DeadLetters { producer, topic })
    }

    /// Returns when the dead letter is delivered. Only then does the record count as processed.
    pub async fn send(&self, message: &BorrowedMessage<'_>, error: &str) -> Result<()> {
        let values = [
            message.topic().to_owned(),
            message.partition().to_string(),
            message.offset().to_string(),
            error.chars().take(ERROR_LENGTH).collect(),
        ];
        let others = message.headers().into_iter().flat_map(Headers::iter);
        let others = others.filter(|header| !OURS.contains(&header.key));
        let headers = others.fold(OwnedHeaders::new(), |all, header| all.insert(header));
        let headers = OURS
            .iter()
            .zip(&values)
            .fold(headers, |all, (key, value)| all.insert(Header { key, value: Some(value) }));
        let record = FutureRecord {
            topic: &self.topic,
            partition: None,
            key: message.key(),
            payload: message.payload(),
            timestamp: None,
            headers: Some(headers),
        };
        let sent = self.producer.send(record, Duration::from_secs(10)).await;
        // librdkafka has already retried for delivery.timeout.ms.
        sent.map_err(|(error, _)| error).context("cannot deliver to the dead-letter topic")?;
        Ok(())
    }
}
