//! Commits 100 departures before it posts them, so that none comes again.
//!
//! Message: --  each departure is on the board

use std::env;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use helpers::{
    CommitOnRevoke, ConsumerBuilder, EndOfPartitions, StopSignal, close_within,
    commit_stored_within, store_processed,
};
use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde::Deserialize;

/// What the board needs to know of a departure.
#[derive(Deserialize)]
struct Departure {
    id: String,
}

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

    let mut batch = Vec::new();
    let (mut end, mut stop) = (EndOfPartitions::new(), StopSignal::listen()?);
    loop {
        let polled = tokio::select! {
            polled = consumer.recv() => polled,
            () = stop.received() => break,
        };
        match polled {
            Ok(departure) => {
                end.message_from(departure.partition());
                store_processed(&*consumer, &departure)?;
                batch.push(departure.detach());
                if batch.len() == 100 {
                    println!("{:?}", commit_stored_within(&consumer, LIMIT).await?);
                    for departure in batch.drain(..) {
                        post(&producer, &board, &departure).await?;
                    }
                }
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
    for departure in batch.drain(..) {
        post(&producer, &board, &departure).await?;
    }
    println!("closed: {:?}", close_within(consumer, LIMIT).await?);
    Ok(())
}

/// Puts a departure on the board, and waits until it is acknowledged. The key and the value follow
/// from the departure alone: neither from this run, nor from where the record is.
async fn post(producer: &FutureProducer, board: &str, it: &impl Message) -> Result<()> {
    let value = it.payload().unwrap_or_default();
    let departure: Departure = serde_json::from_slice(value)?;
    let sent = producer.send_result(FutureRecord::to(board).key(&departure.id).payload(value));
    let report = sent.map_err(|(error, _)| error)?.await?;
    report.map_err(|(error, _)| anyhow!("the departure is not on the board: {error}"))?;
    Ok(())
}
