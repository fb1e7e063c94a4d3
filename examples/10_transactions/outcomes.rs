//! Scene 1: what commit and abort leave in the log, offset by offset.

use anyhow::Result;
use helpers::unique_name;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::message::Message;
use rdkafka::producer::Producer;
use rdkafka::{Offset, TopicPartitionList};

use crate::producer::{LIMIT, send, transactional_producer};
use crate::readers::{READ_COMMITTED, READ_UNCOMMITTED, read, reader, wait_for_ends};
use crate::scene::Scene;

/// Five departures and three markers.
const OFFSETS: i64 = 8;

pub(crate) async fn play(scene: &Scene<'_>) -> Result<()> {
    // ANCHOR: transactions
    let producer = transactional_producer(scene, &unique_name("departure-desk"), &[])?;

    producer.begin_transaction()?;
    send(&producer, scene, &["DL 101", "DL 102"])?;
    producer.commit_transaction(LIMIT)?;

    producer.begin_transaction()?;
    send(&producer, scene, &["DL 103", "DL 104"])?;
    producer.abort_transaction(LIMIT)?;

    producer.begin_transaction()?;
    send(&producer, scene, &["DL 105"])?;
    producer.commit_transaction(LIMIT)?;
    // ANCHOR_END: transactions

    wait_for_ends(scene, OFFSETS, OFFSETS).await?;
    let committed = read(scene, READ_COMMITTED).await?;
    let uncommitted = read(scene, READ_UNCOMMITTED).await?;
    println!("   offset  read_uncommitted  read_committed");
    for offset in 0..OFFSETS {
        match (uncommitted.get(&offset), committed.get(&offset)) {
            (None, None) => println!("   {offset:>6}  a marker, which no reader is given"),
            (Some(flight), None) => println!("   {offset:>6}  {flight:<16}  -"),
            (flight, Some(same)) => {
                println!("   {offset:>6}  {:<16}  {same}", flight.map_or("-", String::as_str));
            }
        }
    }
    print_lag(scene).await
}

// ANCHOR: lag
/// Reads everything, and commits how far it came in two ways: the offset after the last record,
/// which many programs count for themselves, and the consumer's own position.
async fn print_lag(scene: &Scene<'_>) -> Result<()> {
    let consumer = reader(scene, READ_COMMITTED).await?;
    let mut last = None;
    while let Ok(message) = consumer.recv().await {
        last = Some(message.detach());
    }
    let (low, high) = consumer.fetch_watermarks(scene.topic, scene.partition, LIMIT)?;
    println!("   low watermark {low}, high watermark {high}, 5 departures");

    let after_the_last = last.map_or(0, |record| record.offset() + 1);
    let mut counted = TopicPartitionList::new();
    let next = Offset::Offset(after_the_last);
    counted.add_partition_offset(scene.topic, scene.partition, next)?;
    consumer.commit(&counted, CommitMode::Sync)?;
    println!(
        "   the last record's offset + 1 committed: a lag of {}",
        high - committed(&consumer)?
    );

    consumer.commit(&consumer.position()?, CommitMode::Sync)?;
    println!(
        "   the position committed:                 a lag of {}",
        high - committed(&consumer)?
    );
    Ok(())
}
// ANCHOR_END: lag

fn committed(consumer: &StreamConsumer) -> Result<i64> {
    let list = consumer.committed(LIMIT)?;
    Ok(list.elements()[0].offset().to_raw().unwrap_or(0))
}
