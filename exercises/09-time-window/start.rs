//! Copies the departures of an hour, which it finds by their time.
//!
//! The task is in exercises/09-time-window/README.md.

use std::env;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use helpers::{ConsumerBuilder, EndOfPartitions, ProducerBuilder, topic_metadata};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::BaseRecord;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

const LIMIT: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let (topic, hour) = (env::var("TOPIC")?, env::var("HOUR")?);
    let (from, to): (i64, i64) = (env::var("FROM")?.parse()?, env::var("TO")?.parse()?);
    let partitions = topic_metadata(&brokers, &topic).await?.partitions.len() as i32;
    let producer = ProducerBuilder::new(&brokers).build().await?;
    let consumer = ConsumerBuilder::new(&brokers, &hour).enable_partition_eof().build().await?;

    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        // Your part: begin at the first departure of the hour.
        assignment.add_partition_offset(&topic, partition, Offset::Beginning)?;
    }
    println!("the departures from {from} to {to}");
    consumer.assign(&assignment)?;
    let mut end = EndOfPartitions::new();
    while !end.all_of(&assignment) {
        match tokio::time::timeout(LIMIT, consumer.recv()).await.context("nothing comes")? {
            Ok(message) => {
                end.message_from(message.partition());
                // Your part: the hour of each partition has an end as well.
                let value = message.payload().unwrap_or_default();
                producer.send(BaseRecord::<[u8], [u8]>::to(&hour).payload(value))?;
            }
            Err(KafkaError::PartitionEOF(partition)) => end.ended(partition),
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
            Err(error) => eprintln!("{error}"),
        }
    }
    let summary = tokio::task::spawn_blocking(move || producer.flush(LIMIT)).await??;
    ensure!(summary.failed + summary.still_queued == 0, "not everything is copied: {summary}");
    Ok(())
}
