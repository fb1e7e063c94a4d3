//! Sends the dead letters with one error again, and leaves the others in place.
//!
//! The task is in exercises/25-selective-redrive/README.md.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use helpers::{CommitOnRevoke, ConsumerBuilder, close_within};
use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::producer::FutureProducer;

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let dead_letters = env::var("DEAD_LETTERS")?;
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &brokers).set("enable.idempotence", "true");
    let producer: FutureProducer = config.set("linger.ms", "0").create()?;
    let builder = ConsumerBuilder::new(&brokers, env::var("GROUP")?).enable_partition_eof();
    let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
    consumer.subscribe(&[&dead_letters])?;

    loop {
        match consumer.recv().await {
            Ok(letter) => {
                let error = header(&letter, "error").context("a dead letter has an error")?;
                println!("{}: {error}", letter.offset());
                // Your part: where does this letter go, and when may the group commit it?
                let _ = &producer;
            }
            Err(KafkaError::PartitionEOF(_)) => break,
            Err(error) => return Err(error.into()),
        }
    }
    println!("closed: {:?}", close_within(consumer, LIMIT).await?);
    Ok(())
}

/// Returns a header's value as text.
fn header<'a>(message: &'a impl Message, name: &str) -> Option<&'a str> {
    let found = message.headers()?.iter().find(|header| header.key == name)?;
    std::str::from_utf8(found.value?).ok()
}
