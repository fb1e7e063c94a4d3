//! Sends gate changes so that those of each flight stay in order.
//!
//! The task is in exercises/06-gate-changes/README.md.

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
        // Your part: what if a batch is rejected, while later ones are on their way?
        .create()?;

    let mut reports = Vec::new();
    for number in 0..CHANGES {
        let flight = format!("KF{}", number % 100);
        let value = format!(r#"{{"flight": "{flight}", "change": {number}}}"#);
        // Your part: which records must stay together?
        let record = FutureRecord::<str, _>::to(&topic).payload(&value);
        reports.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    for report in try_join_all(reports).await.map_err(|_| anyhow!("the producer is gone"))? {
        report.map_err(|(error, _)| anyhow!("a change was not delivered: {error}"))?;
    }
    println!("{CHANGES} changes delivered");
    Ok(())
}
