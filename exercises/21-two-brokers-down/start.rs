//! Sends departures while brokers stop and come back.
//!
//! The task is in exercises/21-two-brokers-down/README.md.

use std::env;
use std::time::Duration;

use anyhow::Result;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};

#[tokio::main]
async fn main() -> Result<()> {
    let topic = env::var("TOPIC")?;
    // Your part: which settings lose records, repeat them, or give up too early?
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", env::var("KAFKA_BOOTSTRAP_SERVERS")?)
        .set("acks", "1")
        .set("enable.idempotence", "false")
        .set("retries", "2")
        .set("message.timeout.ms", "1000")
        .create()?;

    let mut every = tokio::time::interval(Duration::from_millis(2));
    let mut reports = Vec::new();
    for number in 0..1200 {
        every.tick().await;
        let (flight, departure) = (format!("AA{}", number % 20), number.to_string());
        let record = FutureRecord::to(&topic).key(&flight).payload(&departure);
        reports.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    producer.flush(Duration::from_secs(5))?;
    // Your part: what has happened to the records?
    println!("{} departures were queued", reports.len());
    Ok(())
}
