//! 17 · Protobuf
//!
//! A file describes two messages, and both go into one topic. A message carries numbers in place of
//! names, and which message of the file it is. A reader decodes the types that it has; and the
//! writer's schema reads all of them, without any Rust type.
//!
//! Run:      cargo run --example 17_protobuf
//! Chapter:  docs/17-protobuf.md

use std::time::Duration;

use anyhow::Result;
use helpers::{producer, unique_name};
use rdkafka::Message;
use rdkafka::producer::BaseRecord;
use schema_examples::{create_topic, first_records};
use serdes::{
    Error, Options, Part, ProtobufDeserializer, ProtobufSerializer, RegistryClient, Schema,
    SubjectNames,
};

const AERO: &str = include_str!("../../data/schemas/aero.proto");

// ANCHOR: types
#[derive(Clone, PartialEq, prost::Message)]
struct Airport {
    #[prost(string, tag = "1")]
    iata: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(double, tag = "3")]
    elevation_ft: f64,
    #[prost(string, tag = "4")]
    time_zone: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Departure {
    #[prost(string, tag = "1")]
    flight: String,
    #[prost(string, tag = "2")]
    from: String,
    #[prost(string, tag = "3")]
    to: String,
    /// Milliseconds since 1970, in UTC.
    #[prost(int64, tag = "4")]
    at: i64,
    #[prost(string, optional, tag = "5")]
    gate: Option<String>,
}
// ANCHOR_END: types

// ANCHOR: names
impl prost::Name for Airport {
    const PACKAGE: &'static str = "aero";
    const NAME: &'static str = "Airport";
}

impl prost::Name for Departure {
    const PACKAGE: &'static str = "aero";
    const NAME: &'static str = "Departure";
}
// ANCHOR_END: names

#[tokio::main]
async fn main() -> Result<()> {
    let topic = unique_name("aero");
    let subjects = ["Airport", "Departure"].map(|name| format!("{topic}-aero.{name}"));
    let topics = std::slice::from_ref(&topic);
    schema_examples::run(topics, &subjects, async |brokers, registry| {
        show(brokers, registry, &topic).await
    })
    .await
}

async fn show(brokers: &str, registry: &RegistryClient, topic: &str) -> Result<()> {
    create_topic(brokers, topic).await?;
    let producer = producer(brokers).await?;
    // ANCHOR: write
    let by_type = Options { subject_names: SubjectNames::TopicRecordName, ..Options::default() };
    let serializer = ProtobufSerializer::new(registry, Schema::protobuf(AERO))?.with(by_type);
    let all = airports::all()?.into_iter().filter(|it| ["JFK", "SIN"].contains(&it.iata.as_str()));
    for airports::Airport { iata, name, elevation_ft, time_zone, .. } in all {
        let airport = Airport { iata, name, elevation_ft, time_zone };
        let value = serializer.serialize(topic, Part::Value, &airport).await?;
        producer.send(BaseRecord::to(topic).key(&airport.iata).payload(&value))?;
    }
    let (flight, from, to) = ("WS106".to_owned(), "JFK".to_owned(), "SIN".to_owned());
    let departure = Departure { flight, from, to, at: 1_795_291_200_000, gate: None };
    let value = serializer.serialize(topic, Part::Value, &departure).await?;
    producer.send(BaseRecord::to(topic).key(&departure.flight).payload(&value))?;
    // ANCHOR_END: write
    producer.flush_within(Duration::from_secs(10)).await?;

    // ANCHOR: read
    let deserializer = ProtobufDeserializer::new(registry);
    for record in first_records(brokers, topic, 3).await? {
        let bytes = record.payload().unwrap_or_default();
        println!("bytes      {:02x?}…", bytes.get(..12).unwrap_or(bytes));
        println!("message    {}", deserializer.dynamic(bytes).await?);
        match deserializer.value::<Departure>(&record).await {
            Ok(departure) => println!("value      {departure:?}\n"),
            // Another message of the file.
            Err(error @ Error::TypeMismatch(_)) => {
                let airport: Option<Airport> = deserializer.value(&record).await?;
                println!("departure  {error}\nvalue      {airport:?}\n");
            }
            Err(error) => return Err(error.into()),
        }
    }
    // ANCHOR_END: read
    Ok(())
}
