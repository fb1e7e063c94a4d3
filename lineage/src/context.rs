//! Receives what librdkafka reports to a consumer besides records: revoked partitions, and errors.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use helpers::{RepeatedErrors, commit_before_revoke};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;

/// How often the same error is logged.
const INTERVAL: Duration = Duration::from_secs(10);

/// Keeps the revoked partitions until the reader takes them. What was processed is committed before
/// they are revoked.
pub(super) struct Revocations {
    partitions: Mutex<Vec<(String, i32)>>,
    errors: Mutex<RepeatedErrors>,
}

impl Revocations {
    pub(super) fn new() -> Self {
        let errors = Mutex::new(RepeatedErrors::new(INTERVAL));
        Revocations { partitions: Mutex::default(), errors }
    }

    pub(super) fn take(&self) -> Vec<(String, i32)> {
        std::mem::take(&mut *self.partitions.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ClientContext for Revocations {
    fn error(&self, error: KafkaError, reason: &str) {
        let line = self.errors.lock().unwrap_or_else(PoisonError::into_inner).line(&error);
        if let Some(error) = line {
            tracing::warn!(error, reason, "consumer");
        }
    }
}

impl ConsumerContext for Revocations {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        commit_before_revoke(consumer, rebalance);
        if let Rebalance::Revoke(list) = rebalance {
            let elements = list.elements();
            let revoked = elements.iter().map(|it| (it.topic().to_owned(), it.partition()));
            self.partitions.lock().unwrap_or_else(PoisonError::into_inner).extend(revoked);
        }
    }
}
