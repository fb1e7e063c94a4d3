//! Records that a scene sends before the program runs.

use std::time::Duration;

use anyhow::{Context, bail};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

/// How long the records of a scene may take to arrive.
const LIMIT: Duration = Duration::from_secs(20);

/// A record to send before the program runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seed {
    key: Option<String>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, String)>,
    partition: Option<i32>,
    timestamp_ms: Option<i64>,
}

impl Seed {
    pub(crate) fn new(value: impl Into<Vec<u8>>) -> Self {
        Self { value: Some(value.into()), ..Self::default() }
    }

    /// A record without a value, which deletes its key from a compacted topic.
    pub(crate) fn tombstone(key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..Self::default() }
    }

    pub(crate) fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub(crate) fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Sets the record's timestamp, in ms since 1970.
    pub(crate) fn timestamp(mut self, milliseconds: i64) -> Self {
        self.timestamp_ms = Some(milliseconds);
        self
    }
}

/// Sends records with acks=all, in order, and returns when all have arrived. Blocks.
pub(crate) fn send(
    servers: &str,
    topic: &str,
    seeds: &[Seed],
    settings: &[(String, String)],
) -> anyhow::Result<()> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", servers)
        .set("enable.idempotence", "true")
        .set("linger.ms", "2")
        .set("queue.buffering.max.messages", "1000000");
    for (name, value) in settings {
        config.set(name, value);
    }
    let producer: BaseProducer = config.create()?;
    queue(&producer, topic, seeds)?;
    producer.flush(LIMIT).context("sending the records of the scene")
}

/// Puts records into the queue of a producer, which sends them in order.
pub(crate) fn queue(producer: &BaseProducer, topic: &str, seeds: &[Seed]) -> anyhow::Result<()> {
    for seed in seeds {
        let mut headers = OwnedHeaders::new();
        for (key, value) in &seed.headers {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        let mut record = BaseRecord::<str, [u8]>::to(topic).headers(headers);
        record.key = seed.key.as_deref();
        record.payload = seed.value.as_deref();
        record.partition = seed.partition;
        record.timestamp = seed.timestamp_ms;
        if let Err((error, _)) = producer.send(record) {
            bail!("sending the records of the scene: {error}");
        }
    }
    Ok(())
}
