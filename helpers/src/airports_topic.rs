//! The topic that the examples share, for an example that comes before it was made.
//!
//! 01_create_topic and 03_producer show step by step what happens here. The examples after them
//! ask for the topic and find it, or have it made, so that they run in any order.

use std::time::Duration;

use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;

use crate::config::client_config;
use crate::connection::Deadline;
use crate::visibility::cluster_nodes;
use crate::{
    CreateOutcome, Error, TopicMetadata, airports, connection, create_topic, producer,
    topic_metadata,
};

/// The topic of airports, keyed by IATA code.
pub const AIRPORTS_TOPIC: &str = "airports";

const PARTITIONS: i32 = 3;
const MOST_REPLICAS: usize = 3;
const FLUSH_LIMIT: Duration = Duration::from_secs(30);
const SOURCE: Header<'_, &str> = Header { key: "source", value: Some("airportsdata") };

/// Creates the topic of airports where it is missing: three partitions, each on three brokers, or
/// on all where the cluster has fewer.
///
/// # Errors
/// Those of [`create_topic`].
pub async fn create_airports_topic(brokers: &str) -> Result<CreateOutcome, Error> {
    let nodes = cluster_nodes(&client_config(brokers)?, Deadline::start()).await?;
    let replication_factor = nodes.len().clamp(1, MOST_REPLICAS) as i32;
    create_topic(brokers, AIRPORTS_TOPIC, PARTITIONS, replication_factor).await
}

/// Describes the topic of airports. Where it is missing or holds no record, it is created and all
/// airports are published first, and a line on stderr says so.
///
/// # Errors
/// Those of [`create_topic`], [`airports`](airports()) and
/// [`Publisher::send`](crate::Publisher::send), and [`Error::NotDelivered`] where the cluster did
/// not take every airport within 30 s.
pub async fn airports_topic(brokers: &str) -> Result<TopicMetadata, Error> {
    create_airports_topic(brokers).await?;
    let found = topic_metadata(brokers, AIRPORTS_TOPIC).await?;
    if found.records() > 0 {
        return Ok(found);
    }
    eprintln!(
        "topic {AIRPORTS_TOPIC} is empty: publishing the airports first, as 03_producer does"
    );
    publish(brokers).await?;
    topic_metadata(brokers, AIRPORTS_TOPIC).await
}

async fn publish(brokers: &str) -> Result<(), Error> {
    let airports = airports()?;
    let producer = producer(brokers).await?;
    connection::blocking(move || {
        for airport in &airports {
            let value = serde_json::to_vec(airport).expect("an airport's fields are JSON's types");
            let record = BaseRecord::to(AIRPORTS_TOPIC)
                .key(&airport.iata)
                .payload(&value)
                .headers(OwnedHeaders::new().insert(SOURCE));
            producer.send(record)?;
        }
        let summary = producer.flush(FLUSH_LIMIT)?;
        if summary.delivered == airports.len() as u64 {
            return Ok(());
        }
        Err(Error::NotDelivered { topic: AIRPORTS_TOPIC.to_owned(), summary })
    })
    .await
}
