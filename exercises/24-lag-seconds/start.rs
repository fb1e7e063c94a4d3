//! Measures the lag of a group in seconds.
//!
//! The task is in exercises/24-lag-seconds/README.md.

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::{group_lag, producer};
use rdkafka::producer::BaseRecord;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, topic) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("TOPIC")?);
    let (group, report) = (env::var("GROUP")?, env::var("REPORT")?);
    let lag = group_lag(&brokers, &group, &topic).await?;
    println!("{lag}");

    let mut seconds: BTreeMap<i32, f64> = BTreeMap::new();
    for partition in &lag.partitions {
        // Your part: how old is the record that the group processes next?
        seconds.insert(partition.partition, f64::NAN);
    }

    let producer = producer(&brokers).await?;
    for (partition, seconds) in seconds {
        let value = json!({"partition": partition, "seconds": seconds}).to_string();
        producer.send(BaseRecord::to(&report).key(&partition.to_string()).payload(&value))?;
    }
    let summary = producer.flush(Duration::from_secs(20))?;
    ensure!(summary.failed + summary.still_queued == 0, "{summary}");
    Ok(())
}
