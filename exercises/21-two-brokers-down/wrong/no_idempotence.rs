//! Leaves idempotence off, as librdkafka does by default.
//!
//! Message: --  no record is there twice

use std::env;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};

/// How long the client tries to deliver a record: longer than brokers may be down.
const DELIVERY_LIMIT: Duration = Duration::from_secs(180);

#[tokio::main]
async fn main() -> Result<()> {
    let topic = env::var("TOPIC")?;
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", env::var("KAFKA_BOOTSTRAP_SERVERS")?)
        .set("acks", "all")
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
    let mut failed = 0;
    for report in reports {
        // Each report comes within the limit, with a little time for the client itself.
        let report = tokio::time::timeout(DELIVERY_LIMIT + Duration::from_secs(10), report).await;
        if let Err((error, _)) = report.context("a record has no report")?? {
            failed += 1;
            eprintln!("not delivered: {error}");
        }
    }
    ensure!(failed == 0, "{failed} departures were not delivered");
    Ok(())
}
