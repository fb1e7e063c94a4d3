//! 16 · Avro
//!
//! Departures, fares and airports are written as Avro and read back into Rust types. The schema is
//! in the registry, so a message is five bytes and the values. And what saves bytes has its errors
//! too.
//!
//! Run:      cargo run --example 16_avro
//! Chapter:  docs/16-avro.md

mod copy;
mod fares;

use std::time::Duration;

use anyhow::Result;
use helpers::{producer, unique_name};
use rdkafka::Message;
use rdkafka::producer::BaseRecord;
use schema_examples::{create_topic, first_records};
use serde::{Deserialize, Serialize};
use serdes::{
    AvroDeserializer, AvroSerializer, Options, Part, Registration, RegistryClient, Schema,
};

const DEPARTURE: &str = include_str!("../../../data/schemas/departure.avsc");

// ANCHOR: departure
#[derive(Debug, Serialize, Deserialize)]
struct Departure {
    flight: String,
    from: String,
    to: String,
    /// Milliseconds since 1970, in UTC.
    at: i64,
    gate: Option<String>,
}
// ANCHOR_END: departure

#[derive(Serialize)]
struct Departing {
    flight: &'static str,
    from: &'static str,
}

#[tokio::main]
async fn main() -> Result<()> {
    let topics = [unique_name("departures"), unique_name("fares"), unique_name("airports")];
    let subjects = topics.each_ref().map(|topic| format!("{topic}-value"));
    schema_examples::run(&topics, &subjects, async |brokers, registry| {
        departures(brokers, registry, &topics[0]).await?;
        fares::write_and_read(registry, &topics[1]).await?;
        copy::copy_airports(brokers, registry, &topics[2]).await
    })
    .await
}

async fn departures(brokers: &str, registry: &RegistryClient, topic: &str) -> Result<()> {
    create_topic(brokers, topic).await?;
    let producer = producer(brokers).await?;
    let [flight, from, to] = ["WS104", "JFK", "LHR"].map(str::to_owned);
    let departure = Departure { flight, from, to, at: 1_795_291_200_000, gate: None };

    // ANCHOR: required
    let required = Options { registration: Registration::Required, ..Options::default() };
    let careful = AvroSerializer::new(registry, Schema::avro(DEPARTURE))?.with(required);
    if let Err(error) = careful.serialize(topic, Part::Value, &departure).await {
        println!("required   {error}\n");
    }
    // ANCHOR_END: required

    // ANCHOR: write
    let serializer = AvroSerializer::new(registry, Schema::avro(DEPARTURE))?;
    let value = serializer.serialize(topic, Part::Value, &departure).await?;
    producer.send(BaseRecord::to(topic).key(&departure.flight).payload(&value))?;
    // ANCHOR_END: write
    producer.flush_within(Duration::from_secs(10)).await?;

    // ANCHOR: unfit
    let unfit = Departing { flight: "WS105", from: "JFK" };
    if let Err(error) = serializer.serialize(topic, Part::Value, &unfit).await {
        println!("not sent   {error}\n");
    }
    // ANCHOR_END: unfit

    // ANCHOR: read
    let deserializer = AvroDeserializer::new(registry);
    let record = &first_records(brokers, topic, 1).await?[0];
    println!("bytes      {:02x?}", record.payload().unwrap_or_default());
    let departure: Option<Departure> = deserializer.value(record).await?;
    println!("value      {departure:?}\n");
    // ANCHOR_END: read
    Ok(())
}
