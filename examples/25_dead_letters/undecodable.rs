//! Scene 1: three things to do with a record that cannot be decoded.

use std::sync::Arc;

use anyhow::Result;
use helpers::{
    CommitOnRevoke, ConsumerBuilder, RepeatedErrors, group_lag, is_permanent, seek_back,
    store_processed, unique_name,
};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::FutureProducer;

use super::commit::{GroupConsumer, LIMIT, PAUSE, close, commit};
use super::departure::Departure;
use super::forward::{Forwarded, Origin, forward};
use super::topics::Topics;

// ANCHOR: choice
/// What to do with a record that cannot be decoded. Each is right somewhere.
#[derive(Clone, Copy)]
enum Undecodable {
    /// Continue without it, and log it.
    Skip,
    /// Put it aside, for a person to look at.
    Park,
    /// Read nothing after it until a person has looked at it.
    Stop,
}
// ANCHOR_END: choice

pub(crate) async fn show(brokers: &str, topics: &Topics, producer: &FutureProducer) -> Result<()> {
    println!("   choice       processed  committed  outcome");
    let groups = [(); 3].map(|()| unique_name("board"));
    for (name, choice, group) in [
        ("skip", Undecodable::Skip, &groups[0]),
        ("park", Undecodable::Park, &groups[1]),
        ("stop", Undecodable::Stop, &groups[2]),
        ("stop, again", Undecodable::Stop, &groups[2]),
    ] {
        let builder = ConsumerBuilder::new(brokers, group.clone()).enable_partition_eof();
        let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
        consumer.subscribe(&[&topics.departures])?;
        let read = read(&consumer, choice, &topics.parked, producer).await;
        let (processed, outcome) = close(consumer, read).await?;
        let partitions = group_lag(brokers, group, &topics.departures).await?.partitions;
        let committed = partitions[0].committed.unwrap_or(0);
        println!("   {name:<12} {processed:>9}  {committed:>9}  {outcome}");
    }
    Ok(())
}

// ANCHOR: read
/// Reads to the end of the topic: how many departures there were, and what was no departure.
async fn read(
    consumer: &GroupConsumer,
    choice: Undecodable,
    parked: &str,
    producer: &FutureProducer,
) -> Result<(usize, String)> {
    let (mut processed, mut outcome) = (0, String::new());
    let mut errors = RepeatedErrors::new(LIMIT);
    loop {
        let message = match consumer.recv().await {
            Ok(message) => message,
            Err(KafkaError::PartitionEOF(_)) => return Ok((processed, outcome)),
            Err(error) if is_permanent(&error) => return Err(helpers::Error::from(error).into()),
            Err(error) => {
                errors.line(&error).iter().for_each(|line| eprintln!("{line}"));
                continue;
            }
        };
        match (Departure::decode(&message), choice) {
            (Ok(_departure), _) => processed += 1,
            (Err(error), Undecodable::Skip) => {
                outcome = format!("offset {} skipped: {error}", message.offset());
            }
            (Err(error), Undecodable::Park) => {
                let origin = Origin::of(&message);
                let error = error.to_string();
                let forwarded = forward(producer, &message, &origin, parked, &error).await?;
                if let Forwarded::NotYet = forwarded {
                    seek_back(&**consumer, message.topic(), message.partition(), message.offset())?;
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                outcome = format!("offset {} parked: {error}", message.offset());
            }
            (Err(error), Undecodable::Stop) => {
                // Not stored: who starts again meets it again, and cannot overlook it.
                outcome = format!("stopped at offset {}: {error}", message.offset());
                return Ok((processed, outcome));
            }
        }
        store_processed(&**consumer, &message)?;
        commit(consumer).await?;
    }
}
// ANCHOR_END: read
