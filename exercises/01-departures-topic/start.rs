//! Creates the topic of departures.
//!
//! The task is in exercises/01-departures-topic/README.md.

use std::env;

use anyhow::Result;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let topic = env::var("TOPIC")?;
    let replicas: i32 = env::var("REPLICAS").unwrap_or("2".to_owned()).parse()?;

    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &brokers).create()?;
    let new = NewTopic::new(&topic, 1, TopicReplication::Fixed(replicas));
    // Your part: the topic must have four partitions. The client returns a result for each topic:
    // which ones are a success, and which ones must end the program with an error?
    let results = admin.create_topics([&new], &AdminOptions::new()).await?;
    println!("{results:?}");
    Ok(())
}
