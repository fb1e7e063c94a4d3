//! Shares the work among four producers, which overtake each other.
//!
//! Message: --  no change comes after a later one of its flight

use std::env;
use std::ops::Range;

use anyhow::{Result, anyhow};
use futures_util::future::try_join_all;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};

const CHANGES: usize = 6000;

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let topic = env::var("TOPIC")?;
    // Each sends a quarter.
    let quarters = (0..4).map(|quarter| {
        let changes = quarter * CHANGES / 4..(quarter + 1) * CHANGES / 4;
        tokio::spawn(send(brokers.clone(), topic.clone(), changes))
    });
    for sent in try_join_all(quarters).await? {
        sent?;
    }
    println!("{CHANGES} changes delivered");
    Ok(())
}

async fn send(brokers: String, topic: String, changes: Range<usize>) -> Result<()> {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("batch.num.messages", "100")
        .set("message.timeout.ms", "20000")
        // A batch that is sent again neither comes after its successors nor is there twice.
        .set("enable.idempotence", "true")
        .create()?;

    let mut reports = Vec::new();
    for number in changes {
        let flight = format!("KF{}", number % 100);
        let value = format!(r#"{{"flight": "{flight}", "change": {number}}}"#);
        // The key keeps a flight in one partition. One producer keeps the order there.
        let record = FutureRecord::to(&topic).key(&flight).payload(&value);
        reports.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    for report in try_join_all(reports).await.map_err(|_| anyhow!("the producer is gone"))? {
        report.map_err(|(error, _)| anyhow!("a change was not delivered: {error}"))?;
    }
    Ok(())
}
