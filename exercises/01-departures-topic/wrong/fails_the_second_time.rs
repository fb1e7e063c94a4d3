//! Treats a topic that exists already as an error.
//!
//! Message: the second run, with the topic there, ends with exit code 0

use std::env;

use anyhow::{Result, bail};
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
    let new = NewTopic::new(&topic, 4, TopicReplication::Fixed(replicas));
    for result in admin.create_topics([&new], &AdminOptions::new()).await? {
        if let Err((topic, code)) = result {
            bail!("{topic} was not created: {code}");
        }
    }
    Ok(())
}
