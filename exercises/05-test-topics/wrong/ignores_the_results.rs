//! Looks at the result of the request only, not at those of its topics.
//!
//! Message: --  a topic that cannot be deleted ends the program with an error

use std::env;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use helpers::list_topics;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;

const LIMIT: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let prefix = env::var("PREFIX")?;
    ensure!(!prefix.is_empty(), "PREFIX is empty: every topic begins with it");

    let mut topics = list_topics(&brokers).await?;
    topics.retain(|topic| topic.starts_with(&prefix));
    if topics.is_empty() {
        println!("no topic begins with {prefix}");
        return Ok(());
    }
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &brokers).create()?;
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    let options = AdminOptions::new().request_timeout(Some(LIMIT)).operation_timeout(Some(LIMIT));
    let results = admin.delete_topics(&names, &options).await;
    let results = results.context("the controller did not respond")?;
    println!("{} topics deleted", results.len());
    Ok(())
}
