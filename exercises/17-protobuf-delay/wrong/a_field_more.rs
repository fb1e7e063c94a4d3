//! Adds the minutes to the departure, and sends it again.
//!
//! Message: --  an old reader gets the three departures as before, and nothing else

use std::env;
use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::producer;
use rdkafka::producer::BaseRecord;
use serdes::{Part, ProtobufSerializer, RegistryClient, Schema};

const AERO: &str = r#"
syntax = "proto3";

package aero;

message Departure {
  string flight = 1;
  string to = 2;
  uint32 minutes = 3;
}
"#;

#[derive(Clone, PartialEq, prost::Message)]
struct Departure {
    #[prost(string, tag = "1")]
    flight: String,
    #[prost(string, tag = "2")]
    to: String,
    #[prost(uint32, tag = "3")]
    minutes: u32,
}

impl prost::Name for Departure {
    const PACKAGE: &'static str = "aero";
    const NAME: &'static str = "Departure";
}

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, topic) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("TOPIC")?);
    let registry = RegistryClient::builder(&env::var("SCHEMA_REGISTRY_URL")?).build()?;
    let serializer = ProtobufSerializer::new(&registry, Schema::protobuf(AERO))?;
    let producer = producer(&brokers).await?;
    for (flight, to) in [("AA1", "LHR"), ("AA2", "NRT"), ("AA3", "SIN")] {
        let departure = Departure { flight: flight.to_owned(), to: to.to_owned(), minutes: 0 };
        let value = serializer.serialize(&topic, Part::Value, &departure).await?;
        producer.send(BaseRecord::to(&topic).key(flight).payload(&value))?;
        let delay = Departure { minutes: 35, ..departure };
        let value = serializer.serialize(&topic, Part::Value, &delay).await?;
        producer.send(BaseRecord::to(&topic).key(flight).payload(&value))?;
    }
    let summary = producer.flush(Duration::from_secs(20))?;
    ensure!(summary.failed + summary.still_queued == 0, "{summary}");
    Ok(())
}
