//! The topic that the examples share, for an example that comes before it was made.
//!
//! 01_create_topic and 03_producer show step by step what happens here. The examples after them
//! ask for the topic and find it, or have it made, so that they run in any order. Those that run at
//! the same time take turns.

use std::time::Duration;

use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;

use crate::config::client_config;
use crate::connection::Deadline;
use crate::visibility::cluster_nodes;
use crate::{
    AirportsTurn, CreateOutcome, Error, TopicMetadata, airports, airports_turn, connection,
    create_topic, producer, topic_metadata,
};

/// The topic of airports, keyed by IATA code.
pub const AIRPORTS_TOPIC: &str = "airports";

const PARTITIONS: i32 = 3;
const MOST_REPLICAS: usize = 3;
const MOST_STARTS: usize = 5;
const FLUSH_LIMIT: Duration = Duration::from_secs(30);
const SOURCE: Header<'_, &str> = Header { key: "source", value: Some("airportsdata") };

/// Creates the topic of airports where it is missing: three partitions, each on three brokers, or
/// on all where the cluster has fewer. Holding an [`airports_turn()`] keeps it there.
///
/// # Errors
/// Those of [`create_topic`].
pub async fn create_airports_topic(brokers: &str) -> Result<CreateOutcome, Error> {
    let nodes = cluster_nodes(&client_config(brokers)?, Deadline::start()).await?;
    let replication_factor = nodes.len().clamp(1, MOST_REPLICAS) as i32;
    create_topic(brokers, AIRPORTS_TOPIC, PARTITIONS, replication_factor).await
}

/// The topic of airports as it was found, with the turn of who asked.
#[derive(Debug)]
pub struct AirportsTopic {
    /// What the topic looks like.
    pub metadata: TopicMetadata,
    /// While it is held, nobody who waits for a turn alone deletes the topic.
    pub turn: AirportsTurn,
}

/// Describes the topic of airports. Where it is missing or holds no record, it is created and all
/// airports are published first, and a line on stderr says so.
///
/// Programs that do this at the same time take turns ([`airports_turn()`]), so that one of them fills
/// the topic, and once. Where another deletes it again before this one could look, this starts
/// over, four times at the most, and says so on stderr.
///
/// # Errors
/// Those of [`create_topic`], [`airports`](airports()) and
/// [`Publisher::send`](crate::Publisher::send), [`Error::NotDelivered`] where the cluster did not
/// take every airport within 30 s, and [`Error::UnknownTopic`] where it was deleted each time.
pub async fn airports_topic(brokers: &str) -> Result<AirportsTopic, Error> {
    let mut turn = airports_turn(brokers).await?;
    for start in 0..MOST_STARTS {
        if let Some(metadata) = filled(brokers).await? {
            return Ok(AirportsTopic { metadata, turn });
        }
        if start > 0 {
            eprintln!("topic {AIRPORTS_TOPIC} was deleted meanwhile: starting over");
        }
        turn = turn.alone().await;
        // Another may have filled it while this one waited.
        if filled(brokers).await?.is_none() {
            eprintln!(
                "topic {AIRPORTS_TOPIC} is empty: publishing the airports first, as 03_producer \
                 does"
            );
            create_airports_topic(brokers).await?;
            publish(brokers).await?;
        }
        turn = turn.with_others().await;
    }
    Err(Error::UnknownTopic { topic: AIRPORTS_TOPIC.to_owned() })
}

/// The topic, where it holds a record.
async fn filled(brokers: &str) -> Result<Option<TopicMetadata>, Error> {
    match topic_metadata(brokers, AIRPORTS_TOPIC).await {
        Ok(topic) => Ok(Some(topic).filter(|topic| topic.records() > 0)),
        Err(Error::UnknownTopic { .. }) => Ok(None),
        Err(error) => Err(error),
    }
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
