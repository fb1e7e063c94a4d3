//! Puts departures on a board, as a member of a group, until SIGTERM.
//!
//! The task is in exercises/07-static-members/README.md.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use helpers::{
    CommitEvery, CommitOnRevoke, ConsumerBuilder, StopSignal, close_within, commit_stored_within,
    store_processed,
};
use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Header, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, group) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("GROUP")?);
    let (topic, instance) = (env::var("TOPIC")?, env::var("INSTANCE")?);
    let producer: FutureProducer =
        ClientConfig::new().set("bootstrap.servers", &brokers).set("linger.ms", "0").create()?;
    let builder = ConsumerBuilder::new(&brokers, group)
        .set("client.id", &instance)
        // Your part: which setting keeps the place of this member while it restarts?
        .set("heartbeat.interval.ms", "200");
    let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
    consumer.subscribe(&[&topic])?;

    let mut commits = CommitEvery::new(100, Duration::from_secs(5));
    let mut stop = StopSignal::listen()?;
    loop {
        let polled = tokio::select! {
            polled = consumer.recv() => polled,
            () = commits.due() => {
                commits.committed(commit_stored_within(&consumer, LIMIT).await?);
                continue;
            }
            () = stop.received() => break,
        };
        match polled {
            Ok(departure) => {
                post(&producer, &instance, &departure).await?;
                store_processed(&*consumer, &departure)?;
                commits.stored();
            }
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
            Err(error) => eprintln!("{error}"),
        }
    }
    println!("closed: {:?}", close_within(consumer, LIMIT).await?);
    Ok(())
}

/// Puts a departure on the board, and waits until it is acknowledged.
async fn post(producer: &FutureProducer, by: &str, it: &BorrowedMessage<'_>) -> Result<()> {
    let (board, headers) = (env::var("BOARD")?, OwnedHeaders::new());
    let headers = headers.insert(Header { key: "by", value: Some(by) });
    let value = it.payload().unwrap_or_default();
    let record = FutureRecord::<[u8], [u8]>::to(&board).payload(value).headers(headers);
    let report = producer.send_result(record).map_err(|(error, _)| error)?.await?;
    report.map_err(|(error, _)| anyhow!("the departure is not on the board: {error}"))?;
    Ok(())
}
