//! Makes a new group for each run.
//!
//! Message: --  board has committed what it has read

use std::env;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use helpers::{ConsumerBuilder, close_within, store_processed};
use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let (topic, report) = (env::var("TOPIC")?, env::var("REPORT")?);
    let producer: FutureProducer =
        ClientConfig::new().set("bootstrap.servers", &brokers).create()?;
    for group in [env::var("BOARD")?, env::var("BILLING")?] {
        let flights = read_to_the_end(&brokers, &topic, &format!("{group}-{}", std::process::id()))
            .await?
            .to_string();
        println!("{group} has read {flights} flights");
        let record = FutureRecord::to(&report).key(&group).payload(&flights);
        let sent = producer.send_result(record).map_err(|(error, _)| error)?.await?;
        sent.map_err(|(error, _)| anyhow!("the report was not delivered: {error}"))?;
    }
    Ok(())
}

/// Reads what the group has not read yet, commits it, and returns how many records it was.
async fn read_to_the_end(brokers: &str, topic: &str, group: &str) -> Result<usize> {
    // It begins with the first record if the group has committed nothing yet.
    let consumer = ConsumerBuilder::new(brokers, group).enable_partition_eof().build().await?;
    consumer.subscribe(&[topic])?;
    let mut flights = 0;
    loop {
        match timeout(LIMIT, consumer.recv()).await.context("nothing arrives")? {
            Ok(flight) => {
                flights += 1;
                store_processed(&consumer, &flight)?;
            }
            // The end, for now.
            Err(KafkaError::PartitionEOF(_)) => break,
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
            Err(error) => eprintln!("{error}"),
        }
    }
    // It commits what is stored, and leaves the group.
    println!("{group} is closed: {:?}", close_within(consumer, LIMIT).await?);
    Ok(flights)
}
