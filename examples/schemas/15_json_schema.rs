//! 15 · JSON Schema
//!
//! Departures and airports are written as JSON that a schema in the registry describes, and read
//! back into Rust types. A value that does not fit is rejected before it is sent, field by field.
//! And the first byte shows which message was sent without the registry.
//!
//! Run:      cargo run --example 15_json_schema
//! Chapter:  docs/15-json-schema.md

use std::time::Duration;

use airports::Airport;
use anyhow::{Result, ensure};
use helpers::{producer, unique_name};
use rdkafka::Message;
use rdkafka::producer::BaseRecord;
use schema_examples::{create_topic, first_records};
use serde::{Deserialize, Serialize};
use serdes::{JsonDeserializer, JsonSerializer, Part, RegistryClient, Schema, prefix};

const AIRPORT: &str = include_str!("../../data/schemas/airport.schema.json");
const DEPARTURE: &str = include_str!("../../data/schemas/departure.schema.json");

// ANCHOR: departure
#[derive(Debug, Serialize, Deserialize)]
struct Departure {
    flight: String,
    from: String,
    to: String,
    /// Milliseconds since 1970, in UTC.
    at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<String>,
}
// ANCHOR_END: departure

#[tokio::main]
async fn main() -> Result<()> {
    let topics = [unique_name("departures"), unique_name("airports")];
    let subjects = topics.each_ref().map(|topic| format!("{topic}-value"));
    schema_examples::run(&topics, &subjects, async |brokers, registry| {
        show(brokers, registry, &topics).await
    })
    .await
}

async fn show(brokers: &str, registry: &RegistryClient, topics: &[String; 2]) -> Result<()> {
    write_departures(brokers, registry, &topics[0]).await?;
    read_departures(brokers, registry, &topics[0]).await?;
    copy_airports(brokers, registry, &topics[1]).await
}

async fn write_departures(brokers: &str, registry: &RegistryClient, topic: &str) -> Result<()> {
    create_topic(brokers, topic).await?;
    let producer = producer(brokers).await?;
    // ANCHOR: write
    let serializer = JsonSerializer::new(registry, Schema::json(DEPARTURE))?;
    for (flight, to, gate) in [("WS104", "LHR", Some("B22")), ("ws-5", "Narita", Some(""))] {
        let (from, gate) = ("JFK".to_owned(), gate.map(str::to_owned));
        let (flight, to, at) = (flight.to_owned(), to.to_owned(), 1_795_291_200_000);
        let departure = Departure { flight, from, to, at, gate };
        match serializer.serialize(topic, Part::Value, &departure).await {
            Ok(value) => producer.send(BaseRecord::<(), _>::to(topic).payload(&value))?,
            Err(error) => println!("not sent   {error}\n"),
        }
    }
    // ANCHOR_END: write
    // ANCHOR: plain
    let plain = r#"{"flight":"WS106","from":"JFK","to":"SIN","at":1795294800000}"#;
    producer.send(BaseRecord::<(), _>::to(topic).payload(plain))?;
    // ANCHOR_END: plain
    producer.flush_within(Duration::from_secs(10)).await?;
    Ok(())
}

async fn read_departures(brokers: &str, registry: &RegistryClient, topic: &str) -> Result<()> {
    // ANCHOR: read
    let deserializer = JsonDeserializer::new(registry);
    for record in first_records(brokers, topic, 2).await? {
        let bytes = record.payload().unwrap_or_default();
        let (shown, rest) = bytes.split_at(prefix::LENGTH.min(bytes.len()));
        println!("bytes      {shown:02x?} {}", String::from_utf8_lossy(rest));
        if let Ok((id, _)) = prefix::split(bytes) {
            println!("schema     {id}");
        }
        match deserializer.value::<Departure>(&record).await {
            Ok(departure) => println!("value      {departure:?}\n"),
            Err(error) => println!("error      {error}\n"),
        }
    }
    // ANCHOR_END: read
    Ok(())
}

async fn copy_airports(brokers: &str, registry: &RegistryClient, topic: &str) -> Result<()> {
    create_topic(brokers, topic).await?;
    let (producer, all) = (producer(brokers).await?, airports::all()?);
    let serializer = JsonSerializer::new(registry, Schema::json(AIRPORT))?;
    for airport in &all {
        let value = serializer.serialize(topic, Part::Value, airport).await?;
        producer.send(BaseRecord::to(topic).key(&airport.iata).payload(&value))?;
    }
    producer.flush_within(Duration::from_secs(30)).await?;
    let deserializer = JsonDeserializer::new(registry);
    for (record, sent) in first_records(brokers, topic, all.len()).await?.iter().zip(&all) {
        let read: Option<Airport> = deserializer.value(record).await?;
        ensure!(read.as_ref() == Some(sent), "{} was changed on its way", sent.iata);
    }
    println!("{} airports written, and read back as they were", all.len());
    Ok(())
}
