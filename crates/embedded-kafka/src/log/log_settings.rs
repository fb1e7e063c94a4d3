//! The part of a topic's configuration that concerns the log.

use crate::time::Timestamp;

use super::compression::Compression;

/// The source of a record's timestamp (`message.timestamp.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimestampType {
    /// The time that the producer set.
    CreateTime,
    /// The time at which the broker appended the record.
    LogAppendTime,
}

/// The settings of a partition's log. They may change while it is open.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogSettings {
    /// Bytes at which a segment is closed (`segment.bytes`).
    pub(crate) segment_bytes: u64,
    /// Milliseconds after which a segment is closed (`segment.ms`).
    pub(crate) segment_ms: Timestamp,
    /// The largest number of ms, never all of `segment.ms`, by which a segment is closed early
    /// (`segment.jitter.ms`).
    pub(crate) segment_jitter_ms: Timestamp,
    /// Bytes between two entries of an index (`index.interval.bytes`).
    pub(crate) index_interval_bytes: u64,
    /// Bytes at which an index is full (`segment.index.bytes`).
    pub(crate) index_max_bytes: u64,
    /// Bytes of the largest batch (`max.message.bytes`).
    pub(crate) max_message_bytes: usize,
    /// The source of a record's timestamp (`message.timestamp.type`).
    pub(crate) timestamp_type: TimestampType,
    /// The number of ms that a record may be old (`message.timestamp.before.max.ms`).
    pub(crate) timestamp_before_max_ms: Timestamp,
    /// The number of ms that a record may be ahead (`message.timestamp.after.max.ms`).
    pub(crate) timestamp_after_max_ms: Timestamp,
    /// The codec that batches are stored in, `None` for the producer's own (`compression.type`).
    pub(crate) compression: Option<Compression>,
    /// Tells whether `cleanup.policy` includes `compact`, which makes keys mandatory.
    pub(crate) compacted: bool,
    /// Tells whether `cleanup.policy` includes `delete`: Kafka deletes old segments by age and
    /// size.
    pub(crate) deleted: bool,
    /// The age in ms at which segments are deleted, `None` for never (`retention.ms`).
    pub(crate) retention_ms: Option<Timestamp>,
    /// The size in bytes above which the oldest segments are deleted, `None` for no limit
    /// (`retention.bytes`).
    pub(crate) retention_bytes: Option<u64>,
    /// The number of ms for which compaction keeps a tombstone that it has seen
    /// (`delete.retention.ms`).
    pub(crate) delete_retention_ms: Timestamp,
    /// The age in ms before which a record is not compacted away (`min.compaction.lag.ms`).
    pub(crate) min_compaction_lag_ms: Timestamp,
    /// The age in ms at which a record is compacted in any case (`max.compaction.lag.ms`).
    pub(crate) max_compaction_lag_ms: Timestamp,
    /// The share of uncompacted bytes above which the log is compacted
    /// (`min.cleanable.dirty.ratio`).
    pub(crate) min_dirty_ratio: f64,
    /// The number of ms for which the log remembers an idle producer id
    /// (`producer.id.expiration.ms`).
    pub(crate) producer_id_expiration_ms: Timestamp,
}

impl Default for LogSettings {
    /// Returns Kafka 4.3's defaults.
    fn default() -> Self {
        Self {
            segment_bytes: 1024 * 1024 * 1024,
            segment_ms: 7 * 24 * 60 * 60 * 1000,
            segment_jitter_ms: 0,
            index_interval_bytes: 4096,
            index_max_bytes: 10 * 1024 * 1024,
            max_message_bytes: 1024 * 1024 + LOG_OVERHEAD_BYTES,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 60 * 60 * 1000,
            compression: None,
            compacted: false,
            deleted: true,
            retention_ms: Some(7 * 24 * 60 * 60 * 1000),
            retention_bytes: None,
            delete_retention_ms: 24 * 60 * 60 * 1000,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            min_dirty_ratio: 0.5,
            producer_id_expiration_ms: 24 * 60 * 60 * 1000,
        }
    }
}

/// Kafka's default for `max.message.bytes`: 1 MiB plus the base offset and length in front of it.
const LOG_OVERHEAD_BYTES: usize = super::batch::LOG_OVERHEAD;
