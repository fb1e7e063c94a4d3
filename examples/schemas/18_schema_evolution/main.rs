//! 18 · Schema evolution
//!
//! Departures get a new field. Old programs read what new ones write, and new programs read what
//! old ones wrote, even from before the registry. Then a change goes too far, and the registry
//! rejects it. A table at the end shows which change passes under which rule.
//!
//! Run:      cargo run --example 18_schema_evolution
//! Chapter:  docs/18-schema-evolution.md

mod departures;
mod table;

use anyhow::{Result, bail};
use departures::{Departure, DepartureWithTerminal, FIRST, SECOND};
use helpers::unique_name;
use rdkafka::Message;
use schema_examples::{create_topic, first_records};
use serdes::{AvroDeserializer, Compatibility, Error, RegistryClient, Schema};

const THIRD: &str = include_str!("../../../data/schemas/departure-3.avsc");

#[tokio::main]
async fn main() -> Result<()> {
    let topic = unique_name("departures");
    let mut subjects = table::subjects(&topic);
    subjects.push(format!("{topic}-value"));
    let topics = std::slice::from_ref(&topic);
    schema_examples::run(topics, &subjects, async |brokers, registry| {
        show(brokers, registry, &topic).await
    })
    .await
}

async fn show(brokers: &str, registry: &RegistryClient, topic: &str) -> Result<()> {
    create_topic(brokers, topic).await?;
    departures::write(brokers, registry, topic).await?;

    // ANCHOR: read
    let old = AvroDeserializer::new(registry).reader_schema(FIRST)?;
    let new = AvroDeserializer::new(registry).reader_schema(SECOND)?;
    for record in first_records(brokers, topic, 3).await? {
        println!("{}", String::from_utf8_lossy(record.key().unwrap_or_default()));
        match old.value::<Departure>(&record).await {
            Ok(departure) => println!("  old reader  {departure:?}"),
            Err(error) => println!("  old reader  {error}"),
        }
        match new.value::<DepartureWithTerminal>(&record).await {
            // From before the registry: the topic's readers expect plain JSON.
            Err(Error::Prefix(_)) => {
                let departure: Departure =
                    serde_json::from_slice(record.payload().unwrap_or_default())?;
                println!("  new reader  no prefix, so JSON: {departure:?}");
            }
            departure => println!("  new reader  {:?}", departure?),
        }
    }
    // ANCHOR_END: read

    // ANCHOR: rejected
    let (subject, third) = (format!("{topic}-value"), Schema::avro(THIRD));
    registry.set_compatibility(&subject, Compatibility::Backward).await?;
    match registry.register(&subject, &third).await {
        Err(Error::Rejected { code, .. }) => {
            println!("\nthe third version is rejected, with code {code}");
        }
        other => bail!("the third version should be rejected, and is not: {other:?}"),
    }
    for reason in registry.incompatibilities(&subject, &third).await? {
        println!("  {reason}");
    }
    // ANCHOR_END: rejected
    table::print(registry, topic).await
}
