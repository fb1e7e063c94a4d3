//! What the coordinators of groups and of transactions are connected to in a cluster.
//!
//! `group` and `txn` are state machines, and say by traits what they need of their surroundings: a
//! log, and somebody who writes markers. Here are the logs, which are the topics
//! `__consumer_offsets` and `__transaction_state`, and the markers in the partitions of a cluster.

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
