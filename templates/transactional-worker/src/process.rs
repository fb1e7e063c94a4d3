//! Processes a record. Replace this file with your own code.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Order {
    id: u64,
    cents: u64,
}

#[derive(Serialize)]
struct Invoice {
    order: u64,
    cents: u64,
    tax_cents: u64,
}

/// Converts the value of an order into the value of an invoice. An error means that the record can
/// never be processed, and sends it to the dead-letter topic.
///
/// Effects outside Kafka are not part of the transaction, and happen again after an abort. All
/// records of a transaction together must take less than `transaction.timeout.ms`.
pub fn process(order: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
    // A tombstone deletes the order, and so the invoice, which has the same key.
    let Some(order) = order else { return Ok(None) };
    let Order { id, cents } = serde_json::from_slice(order)?;
    let tax_cents = cents.checked_mul(19).context("the amount is too large")? / 100;
    let invoice = Invoice { order: id, cents, tax_cents };
    Ok(Some(serde_json::to_vec(&invoice)?))
}
