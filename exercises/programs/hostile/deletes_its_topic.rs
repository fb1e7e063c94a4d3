//! Deletes the topic that it was given.

use std::env;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    helpers::delete_topic(&env::var("KAFKA_BOOTSTRAP_SERVERS")?, &env::var("TOPIC")?).await?;
    Ok(())
}
