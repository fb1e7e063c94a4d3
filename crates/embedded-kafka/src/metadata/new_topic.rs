//! A request to create a topic.

/// The most partitions that one topic may have here, and that one request may create (as in Kafka),
/// so that a typing error does not make a million.
pub(crate) const MOST_PARTITIONS: i32 = 10_000;

/// A topic to create.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewTopic {
    pub(crate) name: String,
    /// `None` for the cluster's default (-1 on the wire).
    pub(crate) partitions: Option<i32>,
    /// `None` for the cluster's default (-1 on the wire).
    pub(crate) replication_factor: Option<i16>,
    /// The replicas of each partition, if the caller chooses them.
    pub(crate) assignments: Vec<(i32, Vec<i32>)>,
    /// Settings other than the defaults.
    pub(crate) config: Vec<(String, Option<String>)>,
}
