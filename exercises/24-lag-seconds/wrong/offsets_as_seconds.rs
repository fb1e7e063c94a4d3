//! Reports the distance in offsets.
//!
//! Message: --  partition 0: records wait: the age of the first of them

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::{group_lag, producer};
use rdkafka::producer::BaseRecord;
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, topic) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("TOPIC")?);
    let (group, report) = (env::var("GROUP")?, env::var("REPORT")?);
    let lag = group_lag(&brokers, &group, &topic).await?;
    let seconds: BTreeMap<i32, i64> =
        lag.partitions.iter().map(|it| (it.partition, it.lag().unwrap_or(0))).collect();

    let producer = producer(&brokers).await?;
    for (partition, seconds) in seconds {
        let value = json!({"partition": partition, "seconds": seconds}).to_string();
        producer.send(BaseRecord::to(&report).key(&partition.to_string()).payload(&value))?;
    }
    let summary = producer.flush(LIMIT)?;
    ensure!(summary.failed + summary.still_queued == 0, "{summary}");
    Ok(())
}
