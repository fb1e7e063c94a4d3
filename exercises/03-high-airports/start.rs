//! Publishes the airports above 8,000 feet, with their elevation as a header.
//!
//! The task is in exercises/03-high-airports/README.md.

use std::env;
use std::time::Duration;

use anyhow::Result;
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let topic = env::var("TOPIC")?;
    let producer: ThreadedProducer<rdkafka::producer::DefaultProducerContext> =
        ClientConfig::new().set("bootstrap.servers", &brokers).create()?;

    let airports = airports::all()?;
    for airport in airports.iter().take(3) {
        // Your part: choose the airports, and give each record its key and its header.
        let value = serde_json::to_vec(airport)?;
        let headers = OwnedHeaders::new().insert(Header { key: "source", value: Some("exercise") });
        let record = BaseRecord::<str, [u8]>::to(&topic).payload(&value).headers(headers);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    // Your part: send() only fills a queue. What has to happen before the program ends?
    println!("{} records are queued", producer.in_flight_count());
    let _limit = Duration::from_secs(15);
    Ok(())
}
