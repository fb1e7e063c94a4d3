//! Reads a changelog to its end, and writes the current gate of each flight.
//!
//! The task is in exercises/22-changelog/README.md.

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::{ConsumerBuilder, producer, topic_metadata};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::producer::BaseRecord;
use rdkafka::{Offset, TopicPartitionList};

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, changelog) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("CHANGELOG")?);
    // Nothing joins this group and nothing is committed: the partitions are explicit.
    let builder = ConsumerBuilder::new(&brokers, "not-joined").enable_partition_eof();
    let consumer: StreamConsumer = builder.build().await?;
    let mut assignment = TopicPartitionList::new();
    for partition in topic_metadata(&brokers, &changelog).await?.partitions {
        assignment.add_partition_offset(&changelog, partition.id, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;

    let gates: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    // Your part: read every partition to its end, and put the gates into the map.

    let (topic, producer) = (env::var("GATES")?, producer(&brokers).await?);
    for (flight, gate) in &gates {
        producer.send(BaseRecord::to(&topic).key(flight).payload(gate))?;
    }
    let summary = producer.flush(Duration::from_secs(20))?;
    ensure!(summary.failed + summary.still_queued == 0, "{summary}");
    Ok(())
}
