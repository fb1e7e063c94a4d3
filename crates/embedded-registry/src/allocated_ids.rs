//! Persists the allocated ids outside of the topic that holds the schemas.
//!
//! Records contain an id instead of a schema, and they outlive the topic `_schemas` if it is
//! deleted. If a new topic started with id 1 again, old records would be read with the wrong
//! schema. So the highest id is written to a compacted topic of its own, in the transaction that
//! allocates it, and read when a registry starts.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use crate::incarnation::Incarnation;
use crate::reader::consumer;
use crate::topic::Admin;
use crate::writer::Record;

/// The only key of the topic.
const KEY: &str = "highest-id";

/// The time limit of one poll.
const POLL: Duration = Duration::from_millis(100);

/// Returns the name of the topic with the ids of a schemas topic.
pub(crate) fn topic(schemas: &str) -> String {
    format!("{schemas}_ids")
}

/// Makes the record that says that all ids up to this one are allocated.
pub(crate) fn record(schemas: &str, highest: i32) -> Record {
    Record { topic: topic(schemas), key: KEY.to_owned(), value: Some(highest.to_string()) }
}

/// Returns the highest allocated id, 0 if there is none.
pub(crate) fn highest(
    config: &ClientConfig,
    admin: &Admin,
    schemas: &str,
    limit: Duration,
) -> KafkaResult<i32> {
    let topic = topic(schemas);
    Incarnation::wait_for(admin, &topic, limit)?;
    let (first, end) = admin.inner().fetch_watermarks(&topic, 0, limit)?;
    if first == end {
        return Ok(0);
    }
    let mut config = config.clone();
    config.set("fetch.wait.max.ms", "10");
    let consumer = consumer(&config)?;
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(&topic, 0, Offset::Beginning)?;
    consumer.assign(&partitions)?;
    let deadline = Instant::now() + limit;
    let mut highest = 0;
    while Instant::now() < deadline {
        match consumer.poll(POLL) {
            Some(Ok(message)) => {
                let value = message.payload().and_then(|value| std::str::from_utf8(value).ok());
                let value = value.and_then(|value| value.parse().ok()).unwrap_or(0);
                highest = highest.max(value);
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(highest),
            Some(Err(error)) => tracing::debug!(%error, "cannot read the allocated ids"),
            None => {}
        }
    }
    Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut))
}
