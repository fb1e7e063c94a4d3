//! Copies all readings of a topic, while brokers fail.
//!
//! The task is in exercises/04-outage/README.md.

use std::env;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use helpers::{ConsumerBuilder, EndOfPartitions, ProducerBuilder, Publisher, topic_metadata};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::BaseRecord;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let (topic, copy) = (env::var("TOPIC")?, env::var("COPY")?);
    let producer = ProducerBuilder::new(&brokers).build().await?;
    let consumer = ConsumerBuilder::new(&brokers, "copies")
        .enable_partition_eof()
        // A small memory: little is fetched in advance.
        .set("queued.max.messages.kbytes", "64")
        .set("fetch.message.max.bytes", "16384")
        .build()
        .await?;
    let mut partitions = TopicPartitionList::new();
    for partition in topic_metadata(&brokers, &topic).await?.partitions {
        partitions.add_partition_offset(&topic, partition.id, Offset::Beginning)?;
    }
    consumer.assign(&partitions)?;

    let (mut end, mut last_read) = (EndOfPartitions::new(), Instant::now());
    while !end.all_of(&partitions) {
        let left = LIMIT.saturating_sub(last_read.elapsed());
        match tokio::time::timeout(left, consumer.recv()).await {
            Ok(Ok(reading)) => {
                last_read = Instant::now();
                end.message_from(reading.partition());
                copy_to(&producer, &copy, &reading)?;
            }
            Ok(Err(KafkaError::PartitionEOF(partition))) => {
                last_read = Instant::now();
                end.ended(partition);
            }
            // Your part: which errors pass by themselves, and which one is the end?
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => bail!("nothing was read for {LIMIT:?}"),
        }
    }
    let summary = tokio::task::spawn_blocking(move || producer.flush(LIMIT)).await??;
    ensure!(summary.failed + summary.still_queued == 0, "not everything is copied: {summary}");
    println!("{summary}");
    Ok(())
}

/// Queues the copy of a reading, for the partition of the same number.
fn copy_to(producer: &Publisher, copy: &str, reading: &BorrowedMessage<'_>) -> Result<()> {
    let mut record = BaseRecord::<[u8], [u8]>::to(copy).partition(reading.partition());
    (record.key, record.payload) = (reading.key(), reading.payload());
    Ok(producer.send(record)?)
}
