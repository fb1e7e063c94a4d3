//! Divides murmur2 with its highest bit.
//!
//! Message: --  the predictions for java are what it chooses

use std::env;
use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::{ConsumerBuilder, EndOfPartitions, ProducerBuilder, topic_metadata};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::BaseRecord;
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(15);

/// Returns the partition of librdkafka's default, `consistent_random`.
fn librdkafka(key: &[u8], partitions: u32) -> Option<u32> {
    (!key.is_empty()).then(|| crc32(key) % partitions)
}

/// Returns the partition of Java's default. Its `int` has a sign, which it removes.
fn java(key: &[u8], partitions: u32) -> Option<u32> {
    Some(murmur2(key) % partitions)
}

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let (topic, predictions) = (env::var("TOPIC")?, env::var("PREDICTIONS")?);
    let partitions = topic_metadata(&brokers, &topic).await?.partitions.len() as u32;
    let producer = ProducerBuilder::new(&brokers).build().await?;
    let consumer = ConsumerBuilder::new(&brokers, &predictions).enable_partition_eof();
    let consumer = consumer.build().await?;
    consumer.subscribe(&[&env::var("KEYS")?])?;
    let mut end = EndOfPartitions::new();
    while !end.all_of(&consumer.assignment()?) {
        match consumer.recv().await {
            Ok(message) => {
                end.message_from(message.partition());
                let key = message.payload().unwrap_or_default();
                let value = json!({
                    "key": str::from_utf8(key)?,
                    "librdkafka": librdkafka(key, partitions),
                    "java": java(key, partitions),
                });
                producer.send(BaseRecord::to(&predictions).key(key).payload(&value.to_string()))?;
            }
            Err(KafkaError::PartitionEOF(partition)) => end.ended(partition),
            Err(error) => return Err(error.into()),
        }
    }
    let summary = tokio::task::spawn_blocking(move || producer.flush(LIMIT)).await??;
    ensure!(summary.failed + summary.still_queued == 0, "not everything is sent: {summary}");
    Ok(())
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

fn murmur2(bytes: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ bytes.len() as u32;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mixed = u32::from_le_bytes(*word).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ (mixed ^ (mixed >> 24)).wrapping_mul(M);
    }
    if !rest.is_empty() {
        (0..).zip(rest).for_each(|(place, byte)| hash ^= u32::from(*byte) << (8 * place));
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}
