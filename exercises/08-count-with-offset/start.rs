//! Counts departures until SIGTERM.
//!
//! The task is in exercises/08-count-with-offset/README.md.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use helpers::{ConsumerBuilder, StopSignal, close_within};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

const LIMIT: Duration = Duration::from_secs(10);
const PARTITIONS: i32 = 3;

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, group) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("GROUP")?);
    let (topic, file) = (env::var("TOPIC")?, PathBuf::from(env::var("STATE")?));
    // Your part: what does the file contain, and where does the program continue?
    println!("{} exists: {}", file.display(), file.exists());
    let mut count = 0_u64;
    let mut assignment = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        assignment.add_partition_offset(&topic, partition, Offset::Beginning)?;
    }
    let consumer = ConsumerBuilder::new(&brokers, group).build().await?;
    consumer.assign(&assignment)?;

    let mut stop = StopSignal::listen()?;
    loop {
        let polled = tokio::select! {
            polled = consumer.recv() => polled,
            () = stop.received() => break,
        };
        match polled {
            Ok(_departure) => count += 1,
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
            Err(error) => eprintln!("{error}"),
        }
    }
    println!("{count} departures, closed: {:?}", close_within(consumer, LIMIT).await?);
    Ok(())
}
