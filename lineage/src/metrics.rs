//! Reports time and count of each batch.

use std::fmt;
use std::time::Duration;

/// The time and count of a batch, reported after its handler returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchMetrics {
    /// The service that consumes.
    pub service: String,
    /// Its group.
    pub group: String,
    /// The records, as `topic[partition=first:last+1,…]`, including skipped ones.
    pub batch: String,
    /// How many messages the handler got.
    pub messages: usize,
    /// How many records were read for that; the others were skipped.
    pub records: usize,
    /// How long the handler took.
    pub took: Duration,
    /// Whether it returned Ok.
    pub processed: bool,
}

pub(super) type OnBatch = Box<dyn Fn(&BatchMetrics) + Send + Sync>;

/// Reports to the log, and to the callback.
pub(super) fn tell(metrics: &BatchMetrics, on_batch: Option<&OnBatch>) {
    let BatchMetrics { service, group, batch, messages, records, took, processed } = metrics;
    let ms = took.as_secs_f64() * 1000.0;
    tracing::info!(service, group, batch, messages, records, ms, processed, "batch");
    if let Some(on_batch) = on_batch {
        on_batch(metrics);
    }
}

impl fmt::Display for BatchMetrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BatchMetrics { service, batch, messages, took, processed, .. } = self;
        let end = if *processed { "processed" } else { "failed" };
        let ms = took.as_secs_f64() * 1000.0;
        write!(out, "{service} {end} {messages} messages in {ms:.1} ms: {batch}")
    }
}
