//! Does not listen to SIGTERM, so a deployment kills it.
//!
//! Message: after SIGTERM and a restart, no landing is there twice

use std::env;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use helpers::{
    CommitEvery, CommitOnRevoke, ConsumerBuilder, EndOfPartitions, close_within,
    commit_stored_within, store_processed,
};
use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{FutureProducer, FutureRecord};

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let (topic, landings) = (env::var("TOPIC")?, env::var("LANDINGS")?);
    let group = env::var("GROUP")?;
    let producer: FutureProducer =
        ClientConfig::new().set("bootstrap.servers", &brokers).set("linger.ms", "0").create()?;
    let builder = ConsumerBuilder::new(&brokers, group).enable_partition_eof();
    let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
    consumer.subscribe(&[&topic])?;

    let mut commits = CommitEvery::new(100, Duration::from_secs(5));
    let mut end = EndOfPartitions::new();
    loop {
        let polled = tokio::select! {
            polled = consumer.recv() => polled,
            () = commits.due() => {
                commits.committed(commit_stored_within(&consumer, LIMIT).await?);
                continue;
            }
        };
        match polled {
            Ok(arrival) => {
                end.message_from(arrival.partition());
                land(&producer, &landings, &arrival).await?;
                store_processed(&*consumer, &arrival)?;
                commits.stored();
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
    // It commits what is stored, and leaves the group.
    println!("closed: {:?}", close_within(consumer, LIMIT).await?);
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
