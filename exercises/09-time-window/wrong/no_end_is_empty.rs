//! Skips a partition whose hour has no end.
//!
//! Message: --  the hour of the partition with departures up to the hour is complete

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use helpers::{ConsumerBuilder, ProducerBuilder, topic_metadata};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::BaseRecord;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

const LIMIT: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let (topic, hour) = (env::var("TOPIC")?, env::var("HOUR")?);
    let (from, to) = (env::var("FROM")?.parse()?, env::var("TO")?.parse()?);
    let partitions = topic_metadata(&brokers, &topic).await?.partitions.len() as i32;
    let producer = ProducerBuilder::new(&brokers).build().await?;
    let consumer = ConsumerBuilder::new(&brokers, &hour).enable_partition_eof().build().await?;

    let begins = offsets_at(&consumer, &topic, partitions, from)?;
    let ends = offsets_at(&consumer, &topic, partitions, to)?;
    let (mut assignment, mut open) = (TopicPartitionList::new(), BTreeMap::new());
    for (partition, begin) in begins {
        // Without a record of this time or later, the hour of the partition is empty.
        let Some(begin) = begin else { continue };
        let end = ends[&partition].unwrap_or(0);
        if begin < end {
            assignment.add_partition_offset(&topic, partition, Offset::Offset(begin))?;
            open.insert(partition, end);
        }
    }
    consumer.assign(&assignment)?;
    while !open.is_empty() {
        match tokio::time::timeout(LIMIT, consumer.recv()).await.context("nothing comes")? {
            Ok(message) => {
                let Some(end) = open.get(&message.partition()).copied() else { continue };
                if message.offset() < end {
                    let value = message.payload().unwrap_or_default();
                    producer.send(BaseRecord::<[u8], [u8]>::to(&hour).payload(value))?;
                }
                if message.offset() + 1 >= end {
                    finish(&consumer, &topic, message.partition(), &mut open)?;
                }
            }
            Err(KafkaError::PartitionEOF(partition)) => _ = open.remove(&partition),
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
            Err(error) => eprintln!("{error}"),
        }
    }
    let summary = tokio::task::spawn_blocking(move || producer.flush(LIMIT)).await??;
    ensure!(summary.failed + summary.still_queued == 0, "not everything is copied: {summary}");
    Ok(())
}

/// Returns the offset of the first record of each partition at this time or later.
fn offsets_at(
    consumer: &StreamConsumer,
    topic: &str,
    partitions: i32,
    time: i64,
) -> Result<BTreeMap<i32, Option<i64>>> {
    let mut times = TopicPartitionList::new();
    for partition in 0..partitions {
        times.add_partition_offset(topic, partition, Offset::Offset(time))?;
    }
    let found = tokio::task::block_in_place(|| consumer.offsets_for_times(times, LIMIT))?;
    let offset = |offset| if let Offset::Offset(offset) = offset { Some(offset) } else { None };
    Ok(found.elements().iter().map(|it| (it.partition(), offset(it.offset()))).collect())
}

/// Stops fetching a partition: the rest of it is not needed.
fn finish(
    consumer: &StreamConsumer,
    topic: &str,
    partition: i32,
    open: &mut BTreeMap<i32, i64>,
) -> Result<()> {
    let mut done = TopicPartitionList::new();
    done.add_partition(topic, partition);
    consumer.pause(&done)?;
    open.remove(&partition);
    Ok(())
}
