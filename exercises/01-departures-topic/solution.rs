//! Creates the topic of departures.

use std::env;

use anyhow::{Result, bail};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::RDKafkaErrorCode;

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let topic = env::var("TOPIC")?;
    let replicas: i32 = env::var("REPLICAS").unwrap_or("2".to_owned()).parse()?;

    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &brokers).create()?;
    let new = NewTopic::new(&topic, 4, TopicReplication::Fixed(replicas));
    for result in admin.create_topics([&new], &AdminOptions::new()).await? {
        match result {
            Ok(topic) => println!("{topic} is new"),
            Err((topic, RDKafkaErrorCode::TopicAlreadyExists)) => println!("{topic} exists"),
            Err((topic, code)) => bail!("{topic} was not created: {code}"),
        }
    }
    Ok(())
}
