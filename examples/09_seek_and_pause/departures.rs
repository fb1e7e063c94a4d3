//! The departures of the topic, and what every scene does with them.

use std::time::Duration;

use anyhow::Result;
use rdkafka::consumer::{ConsumerContext, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};

/// Each airport has a partition: its departures are in order, and start at offset 0.
pub(crate) const AIRPORTS: [(&str, i64); 2] = [("JFK", 20), ("LGA", 30)];
/// Midnight of 5 January 2026 (UTC), in milliseconds.
pub(crate) const MIDNIGHT: i64 = 1_767_571_200_000;
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Returns the next record, or `None` at the end of a partition.
pub(crate) async fn next<C: ConsumerContext + 'static>(
    consumer: &StreamConsumer<C>,
) -> Result<Option<BorrowedMessage<'_>>> {
    match tokio::time::timeout(LIMIT, consumer.recv()).await? {
        Ok(message) => Ok(Some(message)),
        Err(KafkaError::PartitionEOF(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Describes a record in a few words, such as `JFK 09:20 at offset 10`.
pub(crate) fn shown(message: Option<&BorrowedMessage<'_>>) -> String {
    let Some(message) = message else { return "the end of the partition".to_owned() };
    let airport = AIRPORTS[message.partition() as usize].0;
    let minutes = (message.timestamp().to_millis().unwrap_or(MIDNIGHT) - MIDNIGHT) / 60_000;
    format!("{airport} {:02}:{:02} at offset {}", minutes / 60, minutes % 60, message.offset())
}
