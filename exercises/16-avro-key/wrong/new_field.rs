//! Adds a field to the key, with a default, and registers the version.
//!
//! Message: --  the schema is that of the subject for keys

use std::env;
use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::producer;
use rdkafka::producer::BaseRecord;
use serde::Serialize;
use serde_json::json;
use serdes::{AvroSerializer, Part, RegistryClient, Schema};

/// The schema of the keys.
const KEY: &str = r#"{"type": "record", "name": "DepartureKey", "namespace": "aero", "fields": [
    {"name": "flight", "type": "string"},
    {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    {"name": "airline", "type": "string", "default": ""}
]}"#;

#[derive(Serialize)]
struct DepartureKey {
    flight: String,
    /// Days since 1970.
    day: i32,
}

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, topic) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("TOPIC")?);
    let registry = RegistryClient::builder(&env::var("SCHEMA_REGISTRY_URL")?).build()?;
    let producer = producer(&brokers).await?;
    let serializer = AvroSerializer::new(&registry, Schema::avro(KEY))?;
    for number in 0..60 {
        let key = DepartureKey { flight: format!("AA{}", number % 30), day: 20_000 + number / 30 };
        let value = json!({"flight": key.flight, "day": key.day}).to_string();
        let key = serializer.serialize(&topic, Part::Key, &key).await?;
        producer.send(BaseRecord::to(&topic).key(&key).payload(&value))?;
    }
    let summary = producer.flush(Duration::from_secs(20))?;
    ensure!(summary.failed + summary.still_queued == 0, "{summary}");
    Ok(())
}
