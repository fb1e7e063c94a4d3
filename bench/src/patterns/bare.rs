//! The same work without the helpers: rdkafka and serde_json, in a thread of its own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::ensure;
use chrono::{DateTime, Utc};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde::{Deserialize, Serialize};

use super::clock::{Clock, LIMIT};
use super::departure::{DIFFERENT, Departure, departures};
use crate::produce::{self, Reports};

/// What the helpers set, so that the work is the same.
const PRODUCER: &[(&str, &str)] = &[("acks", "all"), ("enable.idempotence", "true")];
const LINEAGE: &[(&str, &str)] = &[("compression.type", "snappy"), ("retries", "3")];
const CONSUMER: &[(&str, &str)] = &[
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "earliest"),
    ("queued.min.messages", "10000"),
    ("fetch.queue.backoff.ms", "5"),
    ("queued.max.messages.kbytes", "16384"),
];

/// How many records are queued between two polls.
const BETWEEN_POLLS: usize = 256;

pub(super) fn json_out(servers: &str, topic: &str, records: u64) -> anyhow::Result<Duration> {
    let producer = producer(servers, &[])?;
    let before = Instant::now();
    for (index, departure) in departures(records).enumerate() {
        let key = serde_json::to_vec(&departure.id)?;
        send(&producer, topic, &key, &serde_json::to_vec(departure)?, index)?;
    }
    finish(&producer, records)?;
    Ok(before.elapsed())
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    item: T,
    hist: History,
}

#[derive(Serialize, Deserialize)]
struct History {
    svc: String,
    dt: DateTime<Utc>,
    refs: Vec<Ref>,
}

/// Where a message comes from: the first of its refs when something is made of it.
#[derive(Serialize, Deserialize)]
struct Ref {
    topic: String,
    partition: i32,
    offset: i64,
    key: String,
    hist: Option<History>,
}

pub(super) fn lineage_out(servers: &str, topic: &str, records: u64) -> anyhow::Result<Duration> {
    let producer = producer(servers, LINEAGE)?;
    let before = Instant::now();
    for (index, departure) in departures(records).enumerate() {
        let hist = History { svc: "bench".to_owned(), dt: Utc::now(), refs: Vec::new() };
        let value = serde_json::to_vec(&Envelope { item: departure, hist })?;
        send(&producer, topic, departure.id.as_bytes(), &value, index)?;
        if (index + 1) % DIFFERENT as usize == 0 {
            produce::flush(&producer)?;
        }
    }
    finish(&producer, records)?;
    Ok(before.elapsed())
}

pub(super) fn lineage_in(servers: &str, topic: &str, records: u64) -> anyhow::Result<Duration> {
    let mut config = config(servers, CONSUMER);
    let consumer: BaseConsumer = config.set("group.id", helpers::unique_name("bench")).create()?;
    consumer.subscribe(&[topic])?;
    let mut clock = Clock::default();
    let (mut read, mut bytes) = (0, 0);
    while read < records {
        let mut batch = Vec::with_capacity(100);
        while batch.len() < 100 && read < records {
            let Some(message) = consumer.poll(LIMIT) else { continue };
            let message = message?;
            clock.start();
            let envelope: Envelope<Departure> =
                serde_json::from_slice(message.payload().unwrap_or_default())?;
            let origin = Ref {
                topic: message.topic().to_owned(),
                partition: message.partition(),
                offset: message.offset(),
                key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
                hist: Some(envelope.hist),
            };
            batch.push((envelope.item, origin));
            read += 1;
        }
        bytes += batch.iter().map(|(item, origin)| item.id.len() + origin.key.len()).sum::<usize>();
        let done = batch.iter().map(|(_, origin)| (origin.partition, origin.offset));
        for (partition, offset) in BTreeMap::from_iter(done) {
            consumer.store_offset(topic, partition, offset)?;
        }
        consumer.commit_consumer_state(CommitMode::Sync)?;
    }
    ensure!(bytes > 0, "the departures have ids");
    Ok(clock.elapsed())
}

fn config(servers: &str, settings: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers);
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config
}

fn producer(servers: &str, settings: &[(&str, &str)]) -> anyhow::Result<BaseProducer<Reports>> {
    let config = config(servers, &[PRODUCER, settings].concat());
    let producer: BaseProducer<Reports> = config.create_with_context(Reports::default())?;
    // Knows the cluster before the clock starts, as the helpers do.
    producer.client().fetch_metadata(None, LIMIT)?;
    Ok(producer)
}

fn send(
    producer: &BaseProducer<Reports>,
    topic: &str,
    key: &[u8],
    value: &[u8],
    index: usize,
) -> anyhow::Result<()> {
    let mut record = BaseRecord::to(topic).key(key).payload(value);
    while let Err((error, refused)) = producer.send(record) {
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
            return Err(error.into());
        }
        record = refused;
        producer.poll(Duration::from_millis(1));
    }
    if index.is_multiple_of(BETWEEN_POLLS) {
        producer.poll(Duration::ZERO);
    }
    Ok(())
}

fn finish(producer: &BaseProducer<Reports>, records: u64) -> anyhow::Result<()> {
    produce::flush(producer)?;
    let delivered = producer.context().delivered();
    ensure!(delivered == records, "{delivered} of {records} records were delivered");
    Ok(())
}
