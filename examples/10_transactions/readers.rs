//! Two kinds of readers, and where a partition ends for each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use helpers::{ConsumerBuilder, unique_name};
use rdkafka::consumer::{BaseConsumer, Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use crate::producer::LIMIT;
use crate::scene::{Departure, Scene};

pub(crate) const READ_COMMITTED: &str = "read_committed";
pub(crate) const READ_UNCOMMITTED: &str = "read_uncommitted";

// ANCHOR: read
/// The flights that such a reader sees, by their offsets, up to the partition's end.
pub(crate) async fn read(
    scene: &Scene<'_>,
    isolation_level: &str,
) -> Result<BTreeMap<i64, String>> {
    let consumer = reader(scene, isolation_level).await?;
    let mut flights = BTreeMap::new();
    loop {
        match consumer.recv().await {
            Ok(message) => {
                let value = message.payload().unwrap_or_default();
                let departure: Departure = serde_json::from_slice(value)?;
                flights.insert(message.offset(), departure.flight);
            }
            Err(KafkaError::PartitionEOF(_)) => return Ok(flights),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A reader of the scene's partition from its beginning.
pub(crate) async fn reader(scene: &Scene<'_>, isolation_level: &str) -> Result<StreamConsumer> {
    let consumer = ConsumerBuilder::new(scene.brokers, unique_name("departures-reader"))
        .set("isolation.level", isolation_level)
        .set("fetch.wait.max.ms", "100")
        .enable_partition_eof()
        .build()
        .await?;
    let mut partition = TopicPartitionList::new();
    partition.add_partition_offset(scene.topic, scene.partition, Offset::Offset(0))?;
    consumer.assign(&partition)?;
    Ok(consumer)
}
// ANCHOR_END: read

/// Where the partition ends for each kind of reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    /// The offset of the oldest record whose transaction is open: read_committed ends before it.
    pub(crate) last_stable_offset: i64,
    pub(crate) high_watermark: i64,
}

// ANCHOR: ends
/// Requests the partition's end twice: the leader returns the end for the client's isolation level.
fn ends(scene: &Scene<'_>) -> Result<Ends> {
    let end = |isolation_level| -> Result<i64> {
        let mut config = helpers::client_config(scene.brokers)?;
        let client: BaseConsumer = config.set("isolation.level", isolation_level).create()?;
        Ok(client.fetch_watermarks(scene.topic, scene.partition, LIMIT)?.1)
    };
    Ok(Ends { last_stable_offset: end(READ_COMMITTED)?, high_watermark: end(READ_UNCOMMITTED)? })
}
// ANCHOR_END: ends

/// Waits until the partition ends there for each kind. A commit returns when it is decided, and
/// the markers are written a moment later.
pub(crate) async fn wait_for_ends(
    scene: &Scene<'_>,
    last_stable_offset: i64,
    high_watermark: i64,
) -> Result<Ends> {
    let expected = Ends { last_stable_offset, high_watermark };
    let started = Instant::now();
    while ends(scene)? != expected {
        ensure!(started.elapsed() < LIMIT, "waited in vain for {expected:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(expected)
}

/// Flights in a line.
pub(crate) fn listed(flights: &BTreeMap<i64, String>) -> String {
    if flights.is_empty() {
        return "nothing".to_owned();
    }
    flights.values().cloned().collect::<Vec<_>>().join(", ")
}
