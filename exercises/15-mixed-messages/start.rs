//! Reads messages with and without a schema, and counts those that are not valid.
//!
//! The task is in exercises/15-mixed-messages/README.md.

use std::env;
use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::{ConsumerBuilder, producer};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::BaseRecord;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use serdes::{Error, JsonDeserializer, RegistryClient};

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, topic) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("TOPIC")?);
    let registry = RegistryClient::builder(&env::var("SCHEMA_REGISTRY_URL")?).build()?;
    let deserializer = JsonDeserializer::new(&registry);
    let (invalid_topic, producer) = (env::var("INVALID")?, producer(&brokers).await?);
    let builder = ConsumerBuilder::new(&brokers, "not-joined").enable_partition_eof();
    let consumer: StreamConsumer = builder.build().await?;
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(&topic, 0, Offset::Beginning)?;
    consumer.assign(&assignment)?;

    let (mut prefixed, plain, mut invalid) = (0, 0, 0);
    loop {
        let message = match consumer.recv().await {
            Ok(message) => message,
            Err(KafkaError::PartitionEOF(_)) => break,
            Err(error) => return Err(error.into()),
        };
        let Some(value) = message.payload() else { continue };
        // Your part: what about messages without a prefix? And which errors are no verdict?
        prefixed += 1;
        let result: Result<Value, Error> = deserializer.deserialize(value).await;
        if let Err(error) = result {
            invalid += 1;
            println!("{}: {error}", message.offset());
            let key = message.key().unwrap_or_default();
            producer.send(BaseRecord::to(&invalid_topic).key(key).payload(value))?;
        }
    }
    let counts = json!({"prefixed": prefixed, "plain": plain, "invalid": invalid}).to_string();
    producer.send(BaseRecord::<(), _>::to(&env::var("COUNTS")?).payload(&counts))?;
    let summary = producer.flush(Duration::from_secs(20))?;
    ensure!(summary.failed + summary.still_queued == 0, "{summary}");
    Ok(())
}
