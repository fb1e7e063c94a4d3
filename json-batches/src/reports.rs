//! Reports on single records: delivered, failed, or skipped.

use std::fmt;
use std::sync::Arc;

use helpers::DeliveryReport;
use helpers::message::readable_bytes;
use rdkafka::client::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;

use crate::summary::Counts;

pub(super) type OnDelivery = Box<dyn Fn(&DeliveryReport<'_>) + Send + Sync>;
pub(super) type OnSkipped = Box<dyn Fn(&SkippedRecord) + Send + Sync>;

/// A record that cannot be sent, and why. `Display` prints it in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedRecord {
    /// Its position in the input, from 1: the line of a file, the number in a list.
    pub position: u64,
    /// Why it is not a record.
    pub reason: String,
}

impl fmt::Display for SkippedRecord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "skipped    record {}: {}", self.position, self.reason)
    }
}

/// The producer's context: receives delivery reports, and runs the callbacks of the program.
#[derive(Default)]
pub(super) struct Reports {
    pub(super) on_delivery: Option<OnDelivery>,
    pub(super) on_skipped: Option<OnSkipped>,
}

impl Reports {
    pub(super) fn skipped(&self, record: &SkippedRecord) {
        if let Some(on_skipped) = &self.on_skipped {
            on_skipped(record);
        }
    }

    /// Reports a record that was never queued: librdkafka has no delivery report for it.
    pub(super) fn refused(
        &self,
        topic: &str,
        key: Option<&[u8]>,
        value: &[u8],
        error: &KafkaError,
    ) {
        let (value, error) = (Some(value), Some(error));
        self.report(&DeliveryReport { topic, partition: -1, offset: -1, key, value, error });
    }

    fn report(&self, report: &DeliveryReport<'_>) {
        if let Some(error) = report.error {
            let key = report.key.map(readable_bytes);
            tracing::error!(topic = report.topic, key, %error, "a record was not delivered");
        }
        if let Some(on_delivery) = &self.on_delivery {
            on_delivery(report);
        }
    }
}

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "producer");
    }
}

impl ProducerContext for Reports {
    /// The counts of the worker that queued the record.
    type DeliveryOpaque = Arc<Counts>;

    fn delivery(&self, result: &DeliveryResult<'_>, counts: Self::DeliveryOpaque) {
        let report = DeliveryReport::new(result);
        self.report(&report);
        counts.reported(report.is_delivered(), report.value.map_or(0, <[u8]>::len));
    }
}
