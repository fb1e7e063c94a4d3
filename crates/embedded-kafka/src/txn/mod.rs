//! Transactions as in Apache Kafka's transaction coordinator for clients that do not know KIP-890:
//! a producer names itself by a transactional id, adds the partitions that it will write to, and
//! then commits or aborts all of them at once (KIP-98).
//!
//! A [`Transaction`] is a state machine of plain functions: given a request and the time, it
//! returns the next state of the transaction, or an error, and changes nothing.
//! [`TransactionCoordinator`] holds one for each transactional id, each with a lock of its own. It
//! writes the next state to `__transaction_state`, and only then applies it. Once PrepareCommit or
//! PrepareAbort is written the outcome is decided: markers go to every partition, and the next
//! start completes what a crash leaves undone.
//!
//! The log applies a marker to a partition, the group applies it to pending offsets:
//! [`markers::Markers`] connects them.

mod list;
mod load_ids;
mod markers;
mod transaction;
mod transaction_coordinator;
mod transition;

#[cfg(test)]
mod tests;

use crate::config::Settings as ClusterSettings;
use crate::time::Timestamp;

pub(crate) use list::Listed;
pub(crate) use markers::{Marker, Markers, TransactionLog};
pub(crate) use transaction::{Partitions, State, Transaction};
pub(crate) use transaction_coordinator::{Outcome, TransactionCoordinator};

/// The limits of all transactions, in milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The longest transaction timeout that a producer may choose (`transaction.max.timeout.ms`).
    pub(crate) max_timeout_ms: i32,
    /// The time for which a transactional id without an open transaction is kept
    /// (`transactional.id.expiration.ms`).
    pub(crate) id_expiration_ms: Timestamp,
    /// The time after a failure until markers are written again (`retry.backoff.ms` in Kafka).
    pub(crate) retry_ms: Timestamp,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_timeout_ms: 900_000, id_expiration_ms: 604_800_000, retry_ms: 100 }
    }
}

impl Settings {
    /// Takes the settings that the cluster started with, and the defaults for the rest.
    pub(crate) fn chosen(cluster: &ClusterSettings) -> Self {
        let default = Self::default();
        Self {
            max_timeout_ms: cluster
                .number("transaction.max.timeout.ms")
                .unwrap_or(default.max_timeout_ms),
            id_expiration_ms: cluster
                .number("transactional.id.expiration.ms")
                .unwrap_or(default.id_expiration_ms),
            ..default
        }
    }
}
