//! Is idempotent, which fences no one.
//!
//! Message: nothing of the program appears after the second instance has taken over

use std::env;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

/// A producer with a thread that polls: an abort waits for the reports of what it purges.
type Publisher = ThreadedProducer<DefaultProducerContext>;

const LIMIT: Duration = Duration::from_secs(10);
const BATCH: usize = 50;

fn main() -> Result<()> {
    let (brokers, topic) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("TOPIC")?);
    let producer: Publisher = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("enable.idempotence", "true")
        .set("linger.ms", "1")
        .create()?;
    let departures: Vec<u32> = (1..=200).collect();
    for batch in departures.chunks(BATCH) {
        publish(&producer, &topic, batch)?;
    }
    Ok(())
}

/// Sends a batch in one transaction.
fn publish(producer: &Publisher, topic: &str, batch: &[u32]) -> Result<()> {
    for departure in batch {
        let text = look_up(*departure);
        let record = BaseRecord::<str, str>::to(topic).payload(&text);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    producer.flush(LIMIT).context("the batch is not committed")
}

/// Stands for a request to another system.
fn look_up(departure: u32) -> String {
    sleep(Duration::from_millis(4));
    format!("departure {departure}")
}
