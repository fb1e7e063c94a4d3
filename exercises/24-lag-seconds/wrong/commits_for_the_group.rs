//! Reads as the group, and commits what it reads.
//!
//! Message: --  the group's committed offsets are as before

use std::collections::BTreeMap;
use std::env;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use helpers::{ConsumerBuilder, GroupLag, group_lag, producer};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::BaseRecord;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::json;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, topic) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("TOPIC")?);
    let (group, report) = (env::var("GROUP")?, env::var("REPORT")?);
    let lag = group_lag(&brokers, &group, &topic).await?;
    let seconds = timeout(LIMIT, seconds(&brokers, &lag)).await.context("no records in time")??;

    let producer = producer(&brokers).await?;
    for (partition, seconds) in seconds {
        let value = json!({"partition": partition, "seconds": seconds}).to_string();
        producer.send(BaseRecord::to(&report).key(&partition.to_string()).payload(&value))?;
    }
    let summary = producer.flush(LIMIT)?;
    ensure!(summary.failed + summary.still_queued == 0, "{summary}");
    Ok(())
}

/// Reads one record of each partition, where the group would continue.
async fn seconds(brokers: &str, lag: &GroupLag) -> Result<BTreeMap<i32, f64>> {
    let consumer: StreamConsumer = ConsumerBuilder::new(brokers, &lag.group)
        .enable_partition_eof()
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "true")
        .set("enable.auto.offset.store", "true")
        .set("queued.min.messages", "1")
        .build()
        .await?;
    let mut assignment = TopicPartitionList::new();
    for partition in &lag.partitions {
        let next = partition.committed.map_or(Offset::Beginning, Offset::Offset);
        assignment.add_partition_offset(&lag.topic, partition.partition, next)?;
    }
    consumer.assign(&assignment)?;
    let mut seconds = BTreeMap::new();
    while seconds.len() < lag.partitions.len() {
        match consumer.recv().await {
            Ok(next) => {
                let now = UNIX_EPOCH.elapsed()?.as_millis() as i64;
                let time = next.timestamp().to_millis().context("a record without a time")?;
                let age = (now - time).max(0) as f64 / 1000.0;
                seconds.entry(next.partition()).or_insert(age);
            }
            // There is no record yet at the committed offset.
            Err(KafkaError::PartitionEOF(partition)) => {
                seconds.entry(partition).or_insert(0.0);
            }
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
            Err(error) => eprintln!("transient: {error}"),
        }
    }
    Ok(seconds)
}
