//! A second instance of a transactional producer, which takes over from the program.

use std::time::Duration;

use anyhow::Context;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

/// How long each call may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Starts with the program's transactional id, which fences the program, and commits one record.
/// Returns false if the program has fenced this instance in turn. Blocks.
pub(crate) fn take_over(
    servers: &str,
    transactional_id: &str,
    topic: &str,
    text: &str,
) -> anyhow::Result<bool> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("client.id", "workshop-check")
        .set("transactional.id", transactional_id)
        .create()?;
    match publish(&producer, topic, text) {
        Ok(()) => Ok(true),
        Err(_) if producer.client().fatal_error().is_some() => Ok(false),
        Err(error) => Err(error).context("the second instance of the scene"),
    }
}

fn publish(producer: &BaseProducer, topic: &str, text: &str) -> KafkaResult<()> {
    producer.init_transactions(LIMIT)?;
    producer.begin_transaction()?;
    let record = BaseRecord::<str, str>::to(topic).payload(text);
    producer.send(record).map_err(|(error, _)| error)?;
    producer.commit_transaction(LIMIT)
}
