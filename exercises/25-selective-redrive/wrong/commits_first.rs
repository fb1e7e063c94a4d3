//! Takes the letters, commits, and sends them afterwards.
//!
//! Message: --  no letter is lost when the redrive is killed and runs again

use std::env;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use helpers::{
    CommitEvery, CommitOnRevoke, ConsumerBuilder, StopSignal, close_within, commit_stored_within,
    store_processed,
};
use rdkafka::ClientConfig;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};

const LIMIT: Duration = Duration::from_secs(10);
const MOST_REDRIVES: u32 = 3;

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let (dead_letters, reason) = (env::var("DEAD_LETTERS")?, env::var("REASON")?);
    let (retry, rejected) = (env::var("RETRY")?, env::var("REJECTED")?);
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &brokers).set("enable.idempotence", "true");
    let producer: FutureProducer = config.set("linger.ms", "0").create()?;
    let builder = ConsumerBuilder::new(&brokers, env::var("GROUP")?).enable_partition_eof();
    let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
    // What this run copies to the end is for the next one.
    let (_, end) = consumer.fetch_watermarks(&dead_letters, 0, LIMIT)?;
    consumer.subscribe(&[&dead_letters])?;

    let (mut commits, mut stop) =
        (CommitEvery::new(100, Duration::from_secs(5)), StopSignal::listen()?);
    let mut letters = Vec::new();
    loop {
        let polled = tokio::select! {
            polled = consumer.recv() => polled,
            () = commits.due() => {
                commits.committed(commit_stored_within(&consumer, LIMIT).await?);
                continue;
            }
            () = stop.received() => break,
        };
        let letter = match polled {
            Ok(letter) if letter.offset() < end => letter,
            Ok(_) | Err(KafkaError::PartitionEOF(_)) => break,
            Err(error) => return Err(error.into()),
        };
        store_processed(&*consumer, &letter)?;
        commits.stored();
        letters.push(letter.detach());
    }
    println!("closed: {:?}", close_within(consumer, LIMIT).await?);
    for letter in letters {
        let error = header(&letter, "error").context("a dead letter has an error")?;
        let redrives = header(&letter, "redrives").map_or(Ok(0), str::parse)?;
        match (error.starts_with(&reason), redrives) {
            (true, 0..MOST_REDRIVES) => forward(&producer, &letter, &retry, redrives + 1).await?,
            (true, _) => forward(&producer, &letter, &rejected, redrives).await?,
            (false, _) => forward(&producer, &letter, &dead_letters, redrives).await?,
        }
    }
    Ok(())
}

/// Sends a letter on with its count of redrives, and returns when it has arrived.
async fn forward(
    producer: &FutureProducer,
    letter: &impl Message,
    topic: &str,
    redrives: u32,
) -> Result<()> {
    let others = letter.headers().into_iter().flat_map(Headers::iter);
    let others = others.filter(|header| header.key != "redrives");
    let mut headers = others.fold(OwnedHeaders::new(), |all, header| all.insert(header));
    if redrives > 0 {
        headers = headers.insert(Header { key: "redrives", value: Some(&redrives.to_string()) });
    }
    let record = FutureRecord { headers: Some(headers), ..FutureRecord::to(topic) };
    let record = FutureRecord { key: letter.key(), payload: letter.payload(), ..record };
    producer.send(record, LIMIT).await.map_err(|(error, _)| error)?;
    Ok(())
}

/// Returns a header's value as text.
fn header<'a>(message: &'a impl Message, name: &str) -> Option<&'a str> {
    let found = message.headers()?.iter().find(|header| header.key == name)?;
    std::str::from_utf8(found.value?).ok()
}
