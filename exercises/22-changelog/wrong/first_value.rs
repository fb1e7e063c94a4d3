//! Keeps the first gate of a flight.
//!
//! Message: --  the gate of a flight is its last one, also after a time without one

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use helpers::{ConsumerBuilder, EndOfPartitions, RepeatedErrors, producer, topic_metadata};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::BaseRecord;
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::timeout;

/// Well below `delete.retention.ms`, a day by default: a slower reader can miss a tombstone.
const LOAD_LIMIT: Duration = Duration::from_secs(600);

type Gates = BTreeMap<Vec<u8>, Vec<u8>>;

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, changelog) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("CHANGELOG")?);
    // Nothing joins this group and nothing is committed: the partitions are explicit.
    let builder = ConsumerBuilder::new(&brokers, "not-joined").enable_partition_eof();
    let consumer: StreamConsumer = builder.set("isolation.level", "read_committed").build().await?;
    let mut assignment = TopicPartitionList::new();
    for partition in topic_metadata(&brokers, &changelog).await?.partitions {
        assignment.add_partition_offset(&changelog, partition.id, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let gates = timeout(LOAD_LIMIT, load(&consumer)).await.context("still not read")??;

    let (topic, producer) = (env::var("GATES")?, producer(&brokers).await?);
    for (flight, gate) in &gates {
        producer.send(BaseRecord::to(&topic).key(flight).payload(gate))?;
    }
    let summary = producer.flush(Duration::from_secs(20))?;
    ensure!(summary.failed + summary.still_queued == 0, "{summary}");
    Ok(())
}

/// Reads every assigned partition to its end.
async fn load(consumer: &StreamConsumer) -> Result<Gates> {
    let (mut gates, mut end) = (Gates::new(), EndOfPartitions::new());
    let mut errors = RepeatedErrors::new(Duration::from_secs(10));
    loop {
        match consumer.recv().await {
            Ok(change) => {
                let flight = change.key().context("a record of a changelog has a key")?;
                match change.payload() {
                    Some(gate) => {
                        gates.entry(flight.to_vec()).or_insert_with(|| gate.to_vec());
                    }
                    None => {
                        gates.remove(flight);
                    }
                }
            }
            Err(KafkaError::PartitionEOF(partition)) => {
                end.ended(partition);
                if end.all_of(&consumer.assignment()?) {
                    return Ok(gates);
                }
            }
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
            Err(error) => errors.line(&error).iter().for_each(|line| eprintln!("{line}")),
        }
    }
}
