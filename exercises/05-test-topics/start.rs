//! Deletes the topics whose names begin with a prefix.
//!
//! The task is in exercises/05-test-topics/README.md.

use std::env;
use std::time::Duration;

use anyhow::Result;
use helpers::list_topics;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;

const LIMIT: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let prefix = env::var("PREFIX")?;

    let topics = list_topics(&brokers).await?;
    println!("{} topics, of which some begin with {prefix}", topics.len());
    // Your part: choose the topics. What if there are none, and what if the prefix is empty?
    let names: Vec<&str> = Vec::new();

    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &brokers).create()?;
    let options = AdminOptions::new().request_timeout(Some(LIMIT)).operation_timeout(Some(LIMIT));
    // Your part: each topic has a result of its own. Which ones must end the program with an error?
    let results = admin.delete_topics(&names, &options).await?;
    println!("{results:?}");
    Ok(())
}
