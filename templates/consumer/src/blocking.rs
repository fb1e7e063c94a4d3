//! Runs blocking librdkafka calls on a separate thread, with a time limit.
//!
//! tokio's `spawn_blocking` would also keep the runtime's workers free. But a runtime that shuts
//! down waits for those calls, so a call that blocks for 45 s would delay the exit by as much.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::MetadataTopic;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long the cluster may take to respond.
pub const LIMIT: Duration = Duration::from_secs(10);

/// Waits for the result of `call`, for at most `limit`. After that the thread continues by itself.
pub async fn within<T: Send + 'static>(
    limit: Duration,
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let (tell, told) = oneshot::channel();
    // The receiver is gone after the limit.
    std::thread::Builder::new().spawn(move || drop(tell.send(call())))?;
    let result = timeout(limit, told).await;
    result.with_context(|| format!("no response within {limit:?}"))?.context("the call panicked")
}

/// Checks that the cluster responds and has the topic. Without this check, librdkafka retries a
/// wrong address forever, and reports an unknown topic only once, without its name.
pub fn check_topic<C: ClientContext>(client: &Client<C>, topic: &str) -> Result<()> {
    let metadata = client.fetch_metadata(Some(topic), LIMIT).context(
        "the cluster does not respond: check KAFKA_BOOTSTRAP_SERVERS and KAFKA_SECURITY_PROTOCOL",
    )?;
    match metadata.topics().first().and_then(MetadataTopic::error) {
        None => Ok(()),
        Some(error) => bail!("topic {topic}: {}", RDKafkaErrorCode::from(error)),
    }
}
