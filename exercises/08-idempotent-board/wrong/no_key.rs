//! Sends entries without a key, which a compacted topic rejects.
//!
//! Message: found     exit code 1

use std::env;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use helpers::{
    CommitEvery, CommitOnRevoke, ConsumerBuilder, EndOfPartitions, StopSignal, close_within,
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
    let (brokers, group) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("GROUP")?);
    let (topic, board) = (env::var("TOPIC")?, env::var("BOARD")?);
    let producer: FutureProducer =
        ClientConfig::new().set("bootstrap.servers", &brokers).set("linger.ms", "0").create()?;
    let builder = ConsumerBuilder::new(&brokers, group).enable_partition_eof();
    let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
    consumer.subscribe(&[&topic])?;

    let mut commits = CommitEvery::new(100, Duration::from_secs(5));
    let (mut end, mut stop) = (EndOfPartitions::new(), StopSignal::listen()?);
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
                end.message_from(departure.partition());
                post(&producer, &board, &departure).await?;
                store_processed(&*consumer, &departure)?;
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
    println!("closed: {:?}", close_within(consumer, LIMIT).await?);
    Ok(())
}

/// Puts a departure on the board, and waits until it is acknowledged. The key and the value follow
/// from the departure alone: neither from this run, nor from where the record is.
async fn post(producer: &FutureProducer, board: &str, it: &BorrowedMessage<'_>) -> Result<()> {
    let value = it.payload().unwrap_or_default();
    let sent = producer.send_result(FutureRecord::<str, [u8]>::to(board).payload(value));
    let report = sent.map_err(|(error, _)| error)?.await?;
    report.map_err(|(error, _)| anyhow!("the departure is not on the board: {error}"))?;
    Ok(())
}
