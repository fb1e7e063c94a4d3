//! Writes departures, whose delay changes from a text to a number.
//!
//! The task is in exercises/18-minutes-late/README.md.

use std::env;
use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::producer;
use rdkafka::producer::BaseRecord;
use serde_json::json;
use serdes::{AvroSerializer, Part, RegistryClient, Schema};

/// Version 1.
const TEXT: &str = r#"{"type": "record", "name": "Departure", "namespace": "aero", "fields": [
    {"name": "flight", "type": "string"},
    {"name": "late", "type": "string", "default": ""}
]}"#;

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, topic) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("TOPIC")?);
    let registry = RegistryClient::builder(&env::var("SCHEMA_REGISTRY_URL")?).build()?;
    let step = env::var("STEP")?;
    // Your part: which schema does each step have, and which fields does it write?
    println!("step {step}");
    let schema = TEXT;
    let serializer = AvroSerializer::new(&registry, Schema::avro(schema))?;
    let producer = producer(&brokers).await?;
    for (flight, minutes) in [("AA1", 0), ("AA2", 35), ("AA3", 90)] {
        let departure = json!({"flight": flight, "late": format!("{minutes} min")});
        let value = serializer.serialize(&topic, Part::Value, &departure).await?;
        producer.send(BaseRecord::to(&topic).key(flight).payload(&value))?;
    }
    let summary = producer.flush(Duration::from_secs(20))?;
    ensure!(summary.failed + summary.still_queued == 0, "{summary}");
    Ok(())
}
