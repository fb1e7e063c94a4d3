//! Sends a record again whose delivery has failed.
//!
//! Message: --  the records of each flight are in order

use std::env;
use std::time::Duration;

use anyhow::Result;
use rdkafka::ClientConfig;
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};

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
        .set("message.timeout.ms", DELIVERY_LIMIT.as_millis().to_string())
        .create()?;

    let mut every = tokio::time::interval(Duration::from_millis(2));
    let mut reports = Vec::new();
    for number in 0..1200 {
        every.tick().await;
        let (flight, departure) = (format!("AA{}", number % 20), number.to_string());
        let record = FutureRecord::to(&topic).key(&flight).payload(&departure);
        reports.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    for report in reports {
        let mut report = report.await?;
        // What failed is sent until it arrives.
        while let Err((error, record)) = report {
            eprintln!("again: {error}");
            let again = FutureRecord::to(&topic)
                .key(record.key().unwrap_or_default())
                .payload(record.payload().unwrap_or_default());
            report = producer.send(again, Duration::from_secs(10)).await;
        }
    }
    Ok(())
}
