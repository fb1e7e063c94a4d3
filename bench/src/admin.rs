//! The AdminClient that creates and deletes the topics of the measurements.

use std::time::Duration;

use anyhow::anyhow;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, TopicResult};
use rdkafka::client::DefaultClientContext;

/// How long the cluster may take to respond to a request about topics.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Creates an AdminClient with a client's settings.
pub(crate) fn client(config: &ClientConfig) -> anyhow::Result<AdminClient<DefaultClientContext>> {
    Ok(config.create()?)
}

/// Returns options that give the cluster [`LIMIT`] for each step.
pub(crate) fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(LIMIT)).request_timeout(Some(LIMIT))
}

/// Returns the first error of a request for several topics.
pub(crate) fn all(results: Vec<TopicResult>) -> anyhow::Result<()> {
    for result in results {
        result.map_err(|(name, code)| anyhow!("{name}: {code}"))?;
    }
    Ok(())
}

/// Deletes a topic by its name.
pub(crate) async fn remove(config: &ClientConfig, name: &str) -> anyhow::Result<()> {
    all(client(config)?.delete_topics(&[name], &options()).await?)
}
