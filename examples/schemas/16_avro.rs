//! 16 · Avro
//!
//! Departures, fares and airports are written as Avro and read back into Rust types. The schema is
//! in the registry, so a message is five bytes and the values. And what saves bytes has its errors
//! too.
//!
//! Run:      cargo run --example 16_avro
//! Chapter:  docs/16-avro.md

use std::time::Duration;

use anyhow::{Result, ensure};
use bigdecimal::BigDecimal;
use helpers::{Airport, airports, producer, unique_name};
use rdkafka::Message;
use rdkafka::producer::BaseRecord;
use schema_examples::{create_topic, first_records, registry, tidy_up};
use serde::{Deserialize, Serialize};
use serdes::{
    AvroDeserializer, AvroSerializer, Options, Part, Registration, RegistryClient, Schema,
};
use uuid::Uuid;

const AIRPORT: &str = include_str!("../../data/schemas/airport.avsc");
const DEPARTURE: &str = include_str!("../../data/schemas/departure.avsc");
const FARE: &str = include_str!("../../data/schemas/fare.avsc");

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

// ANCHOR: fare
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Fare {
    booking: Uuid,
    price: BigDecimal,
    seat: i64,
}
// ANCHOR_END: fare

#[derive(Serialize)]
struct Departing {
    flight: &'static str,
    from: &'static str,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cluster = workshop::cluster().await?;
    let brokers = cluster.bootstrap_servers();
    let (chosen, registry) = registry(brokers).await?;
    let topics = [unique_name("departures"), unique_name("fares"), unique_name("airports")];
    let ended = tokio::select! {
        ended = async {
            departures(brokers, &registry, &topics[0]).await?;
            fares(&registry, &topics[1]).await?;
            copy_airports(brokers, &registry, &topics[2]).await
        } => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    let subjects = topics.each_ref().map(|topic| format!("{topic}-value"));
    tidy_up(brokers, &registry, &topics, &subjects).await?;
    ended?;
    chosen.close().await;
    cluster.close().await?;
    Ok(())
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
    producer.flush(Duration::from_secs(10))?;

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

async fn fares(registry: &RegistryClient, topic: &str) -> Result<()> {
    // ANCHOR: decimal
    let serializer = AvroSerializer::new(registry, Schema::avro(FARE))?;
    let booking = Uuid::from_u128(0x6ba7_b810_9dad_11d1_80b4_00c0_4fd4_30c8);
    let fare = Fare { booking, price: "118.50".parse()?, seat: 14 };
    let bytes = serializer.serialize(topic, Part::Value, &fare).await?;
    let read: Fare = AvroDeserializer::new(registry).deserialize(&bytes).await?;
    ensure!(read == fare, "the fare was changed on its way");
    println!("fare       {} for booking {}", read.price, read.booking);
    println!("bytes      {bytes:02x?}");
    // ANCHOR_END: decimal

    // ANCHOR: unheld
    for (price, seat) in [("118.505", 14), ("118.50", 4_294_967_310)] {
        let fare = Fare { booking, price: price.parse()?, seat };
        if let Err(error) = serializer.serialize(topic, Part::Value, &fare).await {
            println!("not sent   {error}");
        }
    }
    // ANCHOR_END: unheld
    println!();
    Ok(())
}

async fn copy_airports(brokers: &str, registry: &RegistryClient, topic: &str) -> Result<()> {
    create_topic(brokers, topic).await?;
    let (producer, all) = (producer(brokers).await?, airports()?);
    let serializer = AvroSerializer::new(registry, Schema::avro(AIRPORT))?;
    let (mut as_avro, mut as_json) = (0, 0);
    for airport in &all {
        let value = serializer.serialize(topic, Part::Value, airport).await?;
        (as_avro, as_json) = (as_avro + value.len(), as_json + serde_json::to_vec(airport)?.len());
        producer.send(BaseRecord::to(topic).key(&airport.iata).payload(&value))?;
    }
    producer.flush(Duration::from_secs(30))?;
    let deserializer = AvroDeserializer::new(registry);
    for (record, sent) in first_records(brokers, topic, all.len()).await?.iter().zip(&all) {
        let read: Option<Airport> = deserializer.value(record).await?;
        ensure!(read.as_ref() == Some(sent), "{} was changed on its way", sent.iata);
    }
    println!("airports   {}, written and read back as they were", all.len());
    println!("bytes      {as_json} as JSON, {as_avro} as Avro with the prefix of each");
    Ok(())
}
