//! Takes a message for a plain one if it begins with a brace.
//!
//! Message: --  a plain message is judged by the latest version of the subject

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
use serdes::{Error, JsonDeserializer, Part, RegistryClient, SubjectNames, prefix};

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, topic) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("TOPIC")?);
    let registry = RegistryClient::builder(&env::var("SCHEMA_REGISTRY_URL")?).build()?;
    let deserializer = JsonDeserializer::new(&registry);
    let subject = SubjectNames::TopicName.subject(&topic, Part::Value, None)?;
    let latest = registry.latest(&subject).await?;
    let (invalid_topic, producer) = (env::var("INVALID")?, producer(&brokers).await?);
    let builder = ConsumerBuilder::new(&brokers, "not-joined").enable_partition_eof();
    let consumer: StreamConsumer = builder.build().await?;
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(&topic, 0, Offset::Beginning)?;
    consumer.assign(&assignment)?;

    let (mut prefixed, mut plain, mut invalid) = (0, 0, 0);
    loop {
        let message = match consumer.recv().await {
            Ok(message) => message,
            Err(KafkaError::PartitionEOF(_)) => break,
            Err(error) => return Err(error.into()),
        };
        // A deletion.
        let Some(value) = message.payload() else { continue };
        let result: Result<Value, Error> = match value.first() {
            Some(first) if *first != b'{' => {
                prefixed += 1;
                deserializer.deserialize(value).await
            }
            _ => {
                plain += 1;
                // With the prefix of the latest version, it is validated like any other.
                deserializer.deserialize(&prefix::join(latest.id, value)).await
            }
        };
        if let Err(error) = result {
            if !is_verdict(&error) {
                return Err(error.into());
            }
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

/// Tells whether an error says something about the message. One of the registry does not, unless
/// the registry does not know the id (40403).
fn is_verdict(error: &Error) -> bool {
    let is_of_message = matches!(
        error,
        Error::Prefix(_) | Error::Invalid(_) | Error::Corrupt(_) | Error::WrongFormat { .. }
    );
    is_of_message || error.code() == Some(40403)
}
