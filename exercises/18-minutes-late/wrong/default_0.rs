//! Gives the number the default 0: old records are on time.
//!
//! Message: --  a new reader sees that a record of version 1 has no number

use std::env;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use helpers::producer;
use rdkafka::producer::BaseRecord;
use serde_json::json;
use serdes::{AvroSerializer, Part, RegistryClient, Schema};

/// Version 2, for as long as there are readers that know version 1 only.
const BOTH: &str = r#"{"type": "record", "name": "Departure", "namespace": "aero", "fields": [
    {"name": "flight", "type": "string"},
    {"name": "late", "type": "string", "default": ""},
    {"name": "minutes_late", "type": "int", "default": 0}
]}"#;

/// Version 3. The default of `late` in version 1 allows that it goes.
const NUMBER: &str = r#"{"type": "record", "name": "Departure", "namespace": "aero", "fields": [
    {"name": "flight", "type": "string"},
    {"name": "minutes_late", "type": "int", "default": 0}
]}"#;

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, topic) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("TOPIC")?);
    let registry = RegistryClient::builder(&env::var("SCHEMA_REGISTRY_URL")?).build()?;
    let old_readers = match env::var("STEP")?.as_str() {
        "both" => true,
        "new" => false,
        step => bail!("STEP is {step}, and not both or new"),
    };
    let schema = if old_readers { BOTH } else { NUMBER };
    let serializer = AvroSerializer::new(&registry, Schema::avro(schema))?;
    let producer = producer(&brokers).await?;
    for (flight, minutes) in [("AA1", 0), ("AA2", 35), ("AA3", 90)] {
        let mut departure = json!({"flight": flight, "minutes_late": minutes});
        if old_readers {
            departure["late"] = json!(format!("{minutes} min"));
        }
        let value = serializer.serialize(&topic, Part::Value, &departure).await?;
        producer.send(BaseRecord::to(&topic).key(flight).payload(&value))?;
    }
    let summary = producer.flush(Duration::from_secs(20))?;
    ensure!(summary.failed + summary.still_queued == 0, "{summary}");
    Ok(())
}
