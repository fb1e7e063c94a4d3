//! Three departures: one from before the registry, and one of each version of the schema.

use std::time::Duration;

use anyhow::Result;
use helpers::producer;
use rdkafka::producer::BaseRecord;
use serde::{Deserialize, Serialize};
use serdes::{AvroSerializer, Part, RegistryClient, Schema};

pub(crate) const FIRST: &str = include_str!("../../../data/schemas/departure.avsc");
pub(crate) const SECOND: &str = include_str!("../../../data/schemas/departure-2.avsc");

// ANCHOR: types
/// The fields that programs of the first version read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Departure {
    pub(crate) flight: String,
    pub(crate) to: String,
    pub(crate) from: String,
    pub(crate) at: i64,
}

/// The fields that programs of the second version read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DepartureWithTerminal {
    pub(crate) flight: String,
    pub(crate) to: String,
    pub(crate) from: String,
    pub(crate) at: i64,
    pub(crate) terminal: String,
}
// ANCHOR_END: types

pub(crate) async fn write(brokers: &str, registry: &RegistryClient, topic: &str) -> Result<()> {
    let producer = producer(brokers).await?;
    // ANCHOR: write
    let plain = r#"{"flight":"WS103","to":"SIN","from":"JFK","at":1795287600000}"#;
    producer.send(BaseRecord::to(topic).key("WS103, before the registry").payload(plain))?;

    let first = AvroSerializer::new(registry, Schema::avro(FIRST))?;
    let [flight, to, from] = ["WS104", "LHR", "JFK"].map(str::to_owned);
    let departure = Departure { flight, to, from, at: 1_795_291_200_000 };
    let value = first.serialize(topic, Part::Value, &departure).await?;
    producer.send(BaseRecord::to(topic).key("WS104, first version").payload(&value))?;

    let second = AvroSerializer::new(registry, Schema::avro(SECOND))?;
    let [flight, to, from, terminal] = ["WS105", "NRT", "JFK", "4"].map(str::to_owned);
    let departure = DepartureWithTerminal { flight, to, from, at: 1_795_294_800_000, terminal };
    let value = second.serialize(topic, Part::Value, &departure).await?;
    producer.send(BaseRecord::to(topic).key("WS105, second version").payload(&value))?;
    // ANCHOR_END: write
    producer.flush_within(Duration::from_secs(10)).await?;
    Ok(())
}
