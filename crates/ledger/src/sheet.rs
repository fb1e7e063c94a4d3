//! The numbers of a ledger, and what explains them.

use serde::{Deserialize, Serialize};

/// Counts of records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Numbers {
    /// Records that came to a node. A record that was sent again because its batch had failed
    /// counts once. Records that never left their producer are unknown to the cluster.
    pub sent: u64,
    /// Of these, the records whose producer got an acknowledgement.
    pub acknowledged: u64,
    /// Records in the logs that consumers of committed records read, each copy for itself.
    pub on_the_cluster: u64,
    /// Records that at least one consumer got in a response. Whether a program did anything with
    /// them is known to the program alone; see [`GroupSheet`] for what groups have committed.
    pub read: u64,
    /// Acknowledged records of which no log has a copy, though no one deleted them.
    pub lost: u64,
    /// Copies beyond the first of a record. Equal records that were sent twice are two records.
    pub duplicated: u64,
    /// Records that are in the log behind one that their producer sent after them.
    pub out_of_order: u64,
    /// Records in transactions that have not ended.
    pub open: u64,
    /// Records in transactions that were aborted.
    pub aborted: u64,
    /// How many times a record was sent again.
    pub resent: u64,
    /// Acknowledged records that were deleted: with their topic, by retention, compaction, or
    /// DeleteRecords. They are not lost.
    pub deleted: u64,
    /// Records in the logs that the ledger did not see come.
    pub not_noted: u64,
}

impl Numbers {
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { sent, acknowledged, on_the_cluster, read, lost, duplicated, .. } = other;
        self.sent += sent;
        self.acknowledged += acknowledged;
        self.on_the_cluster += on_the_cluster;
        self.read += read;
        self.lost += lost;
        self.duplicated += duplicated;
        self.out_of_order += other.out_of_order;
        self.open += other.open;
        self.aborted += other.aborted;
        self.resent += other.resent;
        self.deleted += other.deleted;
        self.not_noted += other.not_noted;
    }
}

/// The numbers of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PartitionSheet {
    /// The partition.
    pub partition: i32,
    /// Its numbers.
    #[serde(flatten)]
    pub numbers: Numbers,
}

/// The numbers of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TopicSheet {
    /// The topic.
    pub topic: String,
    /// The sums over its partitions.
    #[serde(flatten)]
    pub numbers: Numbers,
    /// Its partitions, by number.
    pub partitions: Vec<PartitionSheet>,
    /// A sentence for each of lost, duplicated and out of order that is not 0.
    pub explanations: Vec<String>,
}

/// What a group has committed of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupSheet {
    /// The group's id.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// The number of records below the offsets that the group has committed.
    pub committed: u64,
    /// The number of records in the partitions of the topic.
    pub of: u64,
}

/// What a program did with its records.
///
/// Its text is a table, with a line for each number that should be 0 and is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sheet {
    /// The topics, by name.
    pub topics: Vec<TopicSheet>,
    /// The sums over all topics.
    pub total: Numbers,
    /// The groups that have committed offsets, by group and topic.
    pub groups: Vec<GroupSheet>,
    /// What makes the numbers less certain, and what stands behind the numbers that are shown
    /// separately.
    pub notes: Vec<String>,
}

impl Sheet {
    /// Returns the numbers of a topic, zeros if the program did not use it.
    pub fn topic(&self, topic: &str) -> Numbers {
        let found = self.topics.iter().find(|it| it.topic == topic);
        found.map(|it| it.numbers).unwrap_or_default()
    }
}
