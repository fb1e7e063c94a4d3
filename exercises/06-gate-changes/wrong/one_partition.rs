//! Sends everything to one partition, which keeps the order of all.
//!
//! Message: --  the flights are spread over all partitions

use std::env;

use anyhow::{Result, anyhow};
use futures_util::future::try_join_all;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};

const CHANGES: usize = 6000;

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let topic = env::var("TOPIC")?;
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("batch.num.messages", "100")
        .set("message.timeout.ms", "20000")
        // A batch that is sent again neither comes after its successors nor is there twice.
        .set("enable.idempotence", "true")
        .create()?;

    let mut reports = Vec::new();
    for number in 0..CHANGES {
        let flight = format!("KF{}", number % 100);
        let value = format!(r#"{{"flight": "{flight}", "change": {number}}}"#);
        let record = FutureRecord::to(&topic).key(&flight).payload(&value).partition(0);
        reports.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    for report in try_join_all(reports).await.map_err(|_| anyhow!("the producer is gone"))? {
        report.map_err(|(error, _)| anyhow!("a change was not delivered: {error}"))?;
    }
    println!("{CHANGES} changes delivered");
    Ok(())
}
