//! The topic that the examples share, for an example that runs before it was created.
//!
//! 01_create_topic and 03_producer show step by step what happens here. The examples after them ask
//! for the topic and find it, or have it created and filled, so that they run in any order. Those
//! that run at the same time coordinate by a lock ([`TopicLock`]).

use std::time::Duration;

use helpers::connection::blocking;
use helpers::{CreateOutcome, TopicMetadata, cluster_metadata, producer, topic_metadata};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;

use crate::airport::all;
use crate::error::Error;
use crate::lock::{TopicLock, lock_shared};

/// The topic of airports, keyed by IATA code.
pub const TOPIC: &str = "airports";

const PARTITIONS: i32 = 3;
const MOST_REPLICAS: usize = 3;
const MOST_STARTS: usize = 5;
const FLUSH_LIMIT: Duration = Duration::from_secs(30);
const SOURCE: Header<'_, &str> = Header { key: "source", value: Some("airportsdata") };

/// Creates the topic of airports where it is missing: three partitions, each on three brokers, or
/// on all where the cluster has fewer. Holding the lock ([`lock_shared`]) keeps it there.
///
/// # Errors
/// Those of [`helpers::create_topic`].
pub async fn create_topic(brokers: &str) -> Result<CreateOutcome, Error> {
    let nodes = cluster_metadata(brokers).await?.brokers.len();
    let replication_factor = nodes.clamp(1, MOST_REPLICAS) as i32;
    Ok(helpers::create_topic(brokers, TOPIC, PARTITIONS, replication_factor).await?)
}

/// The topic of airports as it was found, with the lock that keeps it.
#[derive(Debug)]
pub struct FilledTopic {
    /// The topic's partitions and offsets.
    pub metadata: TopicMetadata,
    /// Held shared: until it is dropped, no example that asks for the lock deletes the topic.
    pub lock: TopicLock,
}

/// Describes the topic of airports. If it is missing or empty, this first creates it and publishes
/// all airports, and says so on stderr.
///
/// Programs that do this at the same time use the lock, so that only one of them fills the topic.
/// If another deletes it again before this one could look, this starts over, four times at the
/// most, and says so on stderr.
///
/// # Errors
/// Those of [`helpers::create_topic`], [`all`] and [`helpers::Publisher::send`],
/// [`Error::NotDelivered`] where the cluster did not take every airport within 30 s, and
/// [`helpers::Error::UnknownTopic`] where the topic was deleted each time.
pub async fn filled_topic(brokers: &str) -> Result<FilledTopic, Error> {
    let mut lock = lock_shared(brokers).await?;
    for start in 0..MOST_STARTS {
        if let Some(metadata) = filled(brokers).await? {
            return Ok(FilledTopic { metadata, lock });
        }
        if start > 0 {
            eprintln!("topic {TOPIC} was deleted meanwhile: starting over");
        }
        lock = lock.exclusive().await;
        // Another may have filled it while this one waited.
        if filled(brokers).await?.is_none() {
            eprintln!("topic {TOPIC} is empty: publishing the airports first, as 03_producer does");
            create_topic(brokers).await?;
            publish(brokers).await?;
        }
        lock = lock.shared().await;
    }
    Err(helpers::Error::UnknownTopic { topic: TOPIC.to_owned() }.into())
}

/// The topic, if it holds a record.
async fn filled(brokers: &str) -> Result<Option<TopicMetadata>, Error> {
    match topic_metadata(brokers, TOPIC).await {
        Ok(topic) => Ok(Some(topic).filter(|topic| topic.records() > 0)),
        Err(helpers::Error::UnknownTopic { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn publish(brokers: &str) -> Result<(), Error> {
    let airports = all()?;
    let producer = producer(brokers).await?;
    blocking(move || {
        for airport in &airports {
            let value = serde_json::to_vec(airport).expect("an airport's fields are JSON's types");
            let record = BaseRecord::to(TOPIC)
                .key(&airport.iata)
                .payload(&value)
                .headers(OwnedHeaders::new().insert(SOURCE));
            producer.send(record)?;
        }
        let summary = producer.flush(FLUSH_LIMIT)?;
        if summary.delivered == airports.len() as u64 {
            return Ok(());
        }
        Err(Error::NotDelivered { topic: TOPIC, summary })
    })
    .await
}
