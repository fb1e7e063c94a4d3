//! The connection of the coordinators of groups and transactions to a cluster.
//!
//! `group` and `txn` are state machines, and declare as traits what they need of their
//! surroundings: a log, and a writer of markers. This module implements them: the logs are the
//! topics `__consumer_offsets` and `__transaction_state`, and the markers go to the partitions of a
//! cluster.

mod append_error;
mod cluster_markers;
#[cfg(test)]
mod killed_tests;
mod load_all;
mod offsets_topic;
mod transaction_topic;

pub(crate) use self::load_all::{recover_groups, recover_transactions};
pub(crate) use cluster_markers::ClusterMarkers;
pub(crate) use offsets_topic::{OffsetsTopic, read_offsets_topic};
pub(crate) use transaction_topic::{TransactionTopic, read_transaction_topic};
