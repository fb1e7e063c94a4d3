//! All airports, as Avro and as JSON.

use std::time::Duration;

use airports::Airport;
use anyhow::{Result, ensure};
use helpers::producer;
use rdkafka::producer::BaseRecord;
use schema_examples::{create_topic, first_records};
use serdes::{AvroDeserializer, AvroSerializer, Part, RegistryClient, Schema};

const AIRPORT: &str = include_str!("../../../data/schemas/airport.avsc");

/// Writes every airport, reads all of them back, and compares the bytes with those of JSON.
pub(crate) async fn copy_airports(
    brokers: &str,
    registry: &RegistryClient,
    topic: &str,
) -> Result<()> {
    create_topic(brokers, topic).await?;
    let (producer, all) = (producer(brokers).await?, airports::all()?);
    let serializer = AvroSerializer::new(registry, Schema::avro(AIRPORT))?;
    let (mut as_avro, mut as_json) = (0, 0);
    for airport in &all {
        let value = serializer.serialize(topic, Part::Value, airport).await?;
        (as_avro, as_json) = (as_avro + value.len(), as_json + serde_json::to_vec(airport)?.len());
        producer.send(BaseRecord::to(topic).key(&airport.iata).payload(&value))?;
    }
    producer.flush_within(Duration::from_secs(30)).await?;
    let deserializer = AvroDeserializer::new(registry);
    for (record, sent) in first_records(brokers, topic, all.len()).await?.iter().zip(&all) {
        let read: Option<Airport> = deserializer.value(record).await?;
        ensure!(read.as_ref() == Some(sent), "{} was changed on its way", sent.iata);
    }
    println!("airports   {}, written and read back as they were", all.len());
    println!("bytes      {as_json} as JSON, {as_avro} as Avro with the prefix of each");
    Ok(())
}
