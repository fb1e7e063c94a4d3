//! Processes a record. Replace this file with your own code.

use std::io::Write;

use anyhow::Error;
use rdkafka::message::{BorrowedMessage, Message};
use serde::Deserialize;

/// Why a record was not processed.
pub enum Failure {
    /// The record is not the cause: a database is down, or a call timed out. The program retries,
    /// and then ends with an error. After a restart it begins with this record.
    Transient(Error),
    /// The record is the cause: it is not an order, or the order breaks a rule. It goes to the
    /// dead-letter topic.
    Permanent(Error),
}

#[derive(Deserialize)]
struct Order {
    id: u64,
    cents: u64,
}

/// Processes one record. The same record can come again after a crash or a rebalance, so write this
/// as an upsert by the order's id, or check whether the order is already done.
///
/// Do not block: put blocking calls and long computations into `tokio::task::spawn_blocking`.
pub async fn process(message: &BorrowedMessage<'_>) -> Result<(), Failure> {
    let Some(payload) = message.payload() else {
        // A tombstone: the producer has deleted the order with this key.
        tracing::info!(key = ?message.key(), "deleted");
        return Ok(());
    };
    let order: Order =
        serde_json::from_slice(payload).map_err(|error| Failure::Permanent(error.into()))?;
    writeln!(std::io::stdout(), "order {} of {} cents", order.id, order.cents)
        .map_err(|error| Failure::Transient(error.into()))
}
