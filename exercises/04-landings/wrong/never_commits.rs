//! Commits nothing: the next run begins with the first record.
//!
//! Message: found     0 of 1,000 records are committed

use std::env;

use anyhow::{Result, anyhow};
use helpers::{ConsumerBuilder, EndOfPartitions, StopSignal};
use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{FutureProducer, FutureRecord};

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let (topic, landings) = (env::var("TOPIC")?, env::var("LANDINGS")?);
    let group = env::var("GROUP")?;
    let producer: FutureProducer =
        ClientConfig::new().set("bootstrap.servers", &brokers).set("linger.ms", "0").create()?;
    let consumer = ConsumerBuilder::new(&brokers, group).enable_partition_eof().build().await?;
    consumer.subscribe(&[&topic])?;

    let (mut end, mut stop) = (EndOfPartitions::new(), StopSignal::listen()?);
    loop {
        let polled = tokio::select! {
            polled = consumer.recv() => polled,
            () = stop.received() => break,
        };
        match polled {
            Ok(arrival) => {
                end.message_from(arrival.partition());
                land(&producer, &landings, &arrival).await?;
            }
            Err(KafkaError::PartitionEOF(partition)) => {
                end.ended(partition);
                if end.all_of(&consumer.assignment()?) {
                    break;
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Sends the landing of an arrival, and waits until it is acknowledged.
async fn land(producer: &FutureProducer, topic: &str, arrival: &BorrowedMessage<'_>) -> Result<()> {
    let (key, value) = (arrival.key().unwrap_or_default(), arrival.payload().unwrap_or_default());
    let sent = producer.send_result(FutureRecord::to(topic).key(key).payload(value));
    let report = sent.map_err(|(error, _)| error)?.await?;
    report.map_err(|(error, _)| anyhow!("the landing was not delivered: {error}"))?;
    Ok(())
}
