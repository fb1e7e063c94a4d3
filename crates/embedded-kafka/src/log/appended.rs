//! The position that a batch got in a log.

use crate::time::Timestamp;

/// Where a batch went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    /// Offset of the first record.
    pub(crate) base_offset: i64,
    /// Offset of the last record.
    pub(crate) last_offset: i64,
    /// The time of the append where the topic's records carry it. For a batch that was in the log
    /// already its timestamp, as Kafka answers.
    pub(crate) log_append_time: Option<Timestamp>,
    /// The first offset that the log holds.
    pub(crate) log_start_offset: i64,
    /// Whether the batch was in the log already and nothing was written.
    pub(crate) is_duplicate: bool,
}
