//! Sends every airport instead of the high ones.
//!
//! Message: found     7,884 records

use std::env;

use anyhow::{Result, anyhow, bail};
use futures_util::future::try_join_all;
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let topic = env::var("TOPIC")?;
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "15000")
        .create()?;

    let mut reports = Vec::new();
    for airport in &airports::all()? {
        let value = serde_json::to_vec(airport)?;
        let elevation = format!("{:.0}", airport.elevation_ft);
        let header = Header { key: "elevation", value: Some(&elevation) };
        let headers = OwnedHeaders::new().insert(header);
        let record = FutureRecord::to(&topic).key(&airport.iata).payload(&value).headers(headers);
        reports.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    // One report for each record: the program knows of every loss, and ends with an error then.
    let reports = try_join_all(reports).await.map_err(|_| anyhow!("the producer is gone"))?;
    for report in &reports {
        if let Err((error, _)) = report {
            bail!("a record was not delivered: {error}");
        }
    }
    println!("{} airports delivered", reports.len());
    Ok(())
}
