//! Transactions as Apache Kafka's transaction coordinator does them for clients that do not know
//! KIP-890: a producer names itself by a transactional id, says which partitions it is going to
//! write to, and then commits or aborts all of them at once (KIP-98).
//!
//! A [`Transaction`] is a state machine of plain functions: told what is asked and the time, it
//! answers with the transaction that should come next, or an error, and changes nothing.
//! [`TransactionCoordinator`] holds one for each transactional id, each with a lock of its own. It
//! writes the next one to `__transaction_state`, and only then lets it hold. Once PrepareCommit or
//! PrepareAbort is written the outcome is decided: markers go to every partition, and what a crash
//! leaves undone is done at the next start.
//!
//! What a marker does to a partition is the log's matter, what it does to pending offsets the
//! group's: [`markers::Markers`] stands between.

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
    /// The longest time that a transaction may ask to stay open (`transaction.max.timeout.ms`).
    pub(crate) max_timeout_ms: i32,
    /// How long a transactional id without an open transaction is remembered
    /// (`transactional.id.expiration.ms`).
    pub(crate) id_expiration_ms: Timestamp,
    /// How long after a failure markers are written again (`retry.backoff.ms` in Kafka).
    pub(crate) retry_ms: Timestamp,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_timeout_ms: 900_000, id_expiration_ms: 604_800_000, retry_ms: 100 }
    }
}

impl Settings {
    /// Takes what was chosen for the cluster, and the defaults for the rest.
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
