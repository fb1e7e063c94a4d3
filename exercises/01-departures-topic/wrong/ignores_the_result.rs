//! Sees only the error of the whole request, not the result of its topic.
//!
//! Message: a rejected request ends the program with an error

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
    let new = NewTopic::new(&topic, 4, TopicReplication::Fixed(replicas));
    let results = admin.create_topics([&new], &AdminOptions::new()).await?;
    println!("{results:?}");
    Ok(())
}
