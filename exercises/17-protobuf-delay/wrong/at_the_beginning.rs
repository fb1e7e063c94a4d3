//! Puts the new message first, in the order of the alphabet.
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

message Delay {
  string flight = 1;
  uint32 minutes = 2;
}

message Departure {
  string flight = 1;
  string to = 2;
}
"#;

#[derive(Clone, PartialEq, prost::Message)]
struct Departure {
    #[prost(string, tag = "1")]
    flight: String,
    #[prost(string, tag = "2")]
    to: String,
}

impl prost::Name for Departure {
    const PACKAGE: &'static str = "aero";
    const NAME: &'static str = "Departure";
}

#[derive(Clone, PartialEq, prost::Message)]
struct Delay {
    #[prost(string, tag = "1")]
    flight: String,
    #[prost(uint32, tag = "2")]
    minutes: u32,
}

impl prost::Name for Delay {
    const PACKAGE: &'static str = "aero";
    const NAME: &'static str = "Delay";
}

#[tokio::main]
async fn main() -> Result<()> {
    let (brokers, topic) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("TOPIC")?);
    let registry = RegistryClient::builder(&env::var("SCHEMA_REGISTRY_URL")?).build()?;
    let serializer = ProtobufSerializer::new(&registry, Schema::protobuf(AERO))?;
    let producer = producer(&brokers).await?;
    for (flight, to) in [("AA1", "LHR"), ("AA2", "NRT"), ("AA3", "SIN")] {
        let departure = Departure { flight: flight.to_owned(), to: to.to_owned() };
        let value = serializer.serialize(&topic, Part::Value, &departure).await?;
        producer.send(BaseRecord::to(&topic).key(flight).payload(&value))?;
        let delay = Delay { flight: flight.to_owned(), minutes: 35 };
        let value = serializer.serialize(&topic, Part::Value, &delay).await?;
        producer.send(BaseRecord::to(&topic).key(flight).payload(&value))?;
    }
    let summary = producer.flush(Duration::from_secs(20))?;
    ensure!(summary.failed + summary.still_queued == 0, "{summary}");
    Ok(())
}
