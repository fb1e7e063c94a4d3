//! The position that a batch got in a log.

use crate::time::Timestamp;

/// The outcome of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    /// Offset of the first record.
    pub(crate) base_offset: i64,
    /// Offset of the last record.
    pub(crate) last_offset: i64,
    /// The time of the append, if the topic uses log append time. For a duplicate, the timestamp of
    /// the stored batch, as in Kafka.
    pub(crate) log_append_time: Option<Timestamp>,
    /// The first offset that the log holds.
    pub(crate) log_start_offset: i64,
    /// Tells whether the batch was in the log already, so that nothing was written.
    pub(crate) is_duplicate: bool,
}
