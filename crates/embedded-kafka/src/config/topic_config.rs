//! The settings of one topic, and their parsed values.

use std::collections::BTreeMap;

use super::kinds;
use super::layers::Inherited;
use super::topic_settings::{TOPIC_SETTINGS, TopicSetting, topic_setting};
use crate::log::{Compression, TimestampType};
use crate::rejection::Rejection;

/// The treatment of old records. Both can be false: then everything is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CleanupPolicy {
    /// Old segments are deleted by age and size.
    pub(crate) delete: bool,
    /// Compaction keeps the last record of each key.
    pub(crate) compact: bool,
}

/// Defines the parsed values, and a getter for each.
macro_rules! values {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq)]
        struct Values {
            $($name: $type,)*
        }

        #[allow(dead_code, reason = "a getter for each value, used or not")]
        impl TopicConfig {
            $($(#[$doc])* pub(crate) fn $name(&self) -> $type {
                self.values.$name
            })*
        }
    };
}

values! {
    /// The treatment of old records.
    cleanup_policy: CleanupPolicy,
    /// The codec of batches in the log, `None` for the producer's own.
    compression_type: Option<Compression>,
    /// The time for which compaction keeps a tombstone, in ms.
    delete_retention_ms: i64,
    /// The time for which the file of a deleted segment stays, in ms.
    file_delete_delay_ms: i64,
    /// Records after which the log is forced to disk.
    flush_messages: i64,
    /// Time after which the log is forced to disk, in ms.
    flush_ms: i64,
    /// Bytes of log between two entries of the index.
    index_interval_bytes: i32,
    /// Age at which a record is compacted in any case, in ms.
    max_compaction_lag_ms: i64,
    /// The largest batch as it is sent, in bytes.
    max_message_bytes: i32,
    /// The time by which a producer's timestamp may be in the future, in ms.
    message_timestamp_after_max_ms: i64,
    /// The time by which a producer's timestamp may be in the past, in ms.
    message_timestamp_before_max_ms: i64,
    /// The source of a record's timestamp in the log.
    message_timestamp_type: TimestampType,
    /// The share of uncompacted bytes at which a log is compacted.
    min_cleanable_dirty_ratio: f64,
    /// Age before which a record is not compacted away, in ms.
    min_compaction_lag_ms: i64,
    /// Replicas that must be in sync for acks=all.
    min_insync_replicas: i32,
    /// Tells whether a segment's file gets its full size at once.
    preallocate: bool,
    /// Bytes above which a partition's oldest segments are deleted; negative for no limit.
    retention_bytes: i64,
    /// Age at which segments are deleted, in ms; −1 for never.
    retention_ms: i64,
    /// Size at which a partition begins a new segment, in bytes.
    segment_bytes: i32,
    /// Size of an index at which a partition begins a new segment, in bytes.
    segment_index_bytes: i32,
    /// The most by which `segment_ms` is shortened at random, in ms.
    segment_jitter_ms: i64,
    /// Time after which a partition begins a new segment, in ms.
    segment_ms: i64,
    /// Tells whether a replica that is not in sync may become leader when no other is left.
    unclean_leader_election_enable: bool,
}

/// The settings of one topic: its own values, then the defaults of its broker, and then Kafka's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TopicConfig {
    /// The topic's own values, as Kafka shows them.
    overrides: BTreeMap<String, String>,
    pub(super) inherited: Inherited,
    /// All values, parsed once: every batch needs them.
    values: Values,
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self::with(BTreeMap::new(), Inherited::default())
    }
}

impl TopicConfig {
    /// Returns the settings of a new topic, from the entries of CreateTopics. Of a duplicate name
    /// the last entry counts, as in Kafka.
    ///
    /// # Errors
    ///
    /// INVALID_CONFIG for an unknown name, a null, a value that the setting does not accept, and
    /// values that contradict each other.
    pub(crate) fn create<'a>(
        entries: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
        inherited: Inherited,
    ) -> Result<Self, Rejection> {
        let (mut given, mut nulls) = (BTreeMap::new(), Vec::new());
        for (name, value) in entries {
            match value {
                Some(value) => drop(given.insert(name.to_owned(), value.to_owned())),
                None => nulls.push(name),
            }
        }
        if !nulls.is_empty() {
            let nulls = nulls.join(",");
            let message = format!("Null value not supported for topic configs: {nulls}");
            return Err(Rejection::invalid_config(message));
        }
        Self::from_overrides(given, inherited)
    }

    /// Returns the settings of a topic that sets `overrides` and inherits the rest.
    ///
    /// # Errors
    ///
    /// INVALID_CONFIG as for [`TopicConfig::create`].
    pub(crate) fn from_overrides(
        mut overrides: BTreeMap<String, String>,
        inherited: Inherited,
    ) -> Result<Self, Rejection> {
        if let Some(unknown) = overrides.keys().find(|name| topic_setting(name).is_none()) {
            let message = format!("Unknown topic config name: {unknown}");
            return Err(Rejection::invalid_config(message));
        }
        for setting in TOPIC_SETTINGS {
            if let Some(value) = overrides.get_mut(setting.name) {
                let normal = setting.kind.normalize(setting.name, value);
                *value = normal.map_err(Rejection::invalid_config)?;
            }
        }
        let config = Self::with(overrides, inherited);
        config.check_together()?;
        Ok(config)
    }

    /// Returns the topic's own values, by name: all that must be stored to recreate it with
    /// [`TopicConfig::from_overrides`].
    pub(crate) fn overrides(&self) -> &BTreeMap<String, String> {
        &self.overrides
    }

    /// Returns the time for which an idle producer id is remembered, in ms.
    pub(crate) fn producer_id_expiration_ms(&self) -> i64 {
        self.inherited.producer_id_expiration_ms
    }

    /// Returns the same topic with other defaults. Its own values were checked before.
    pub(crate) fn inheriting(&self, inherited: Inherited) -> Self {
        Self::with(self.overrides.clone(), inherited)
    }

    /// Returns the value of a setting as Kafka shows it, set, inherited or default.
    pub(crate) fn value_of(&self, setting: &TopicSetting) -> &str {
        value_of(setting, &self.overrides, &self.inherited)
    }

    fn with(overrides: BTreeMap<String, String>, inherited: Inherited) -> Self {
        let values = values_of(&overrides, &inherited);
        Self { overrides, inherited, values }
    }

    /// Checks the requirements that involve several settings.
    fn check_together(&self) -> Result<(), Rejection> {
        if self.overrides.get("remote.storage.enable").is_some_and(|value| value == "true") {
            return Err(Rejection::invalid_config(
                "Tiered Storage functionality is disabled in the broker. \
                 Topic cannot be configured with remote log storage.",
            ));
        }
        let (least, most) = (self.min_compaction_lag_ms(), self.max_compaction_lag_ms());
        if least > most {
            return Err(Rejection::invalid_config(format!(
                "conflict topic config setting min.compaction.lag.ms ({least}) > \
                 max.compaction.lag.ms ({most})"
            )));
        }
        Ok(())
    }
}

fn value_of<'a>(
    setting: &TopicSetting,
    overrides: &'a BTreeMap<String, String>,
    inherited: &'a Inherited,
) -> &'a str {
    let set = overrides.get(setting.name).map(String::as_str);
    set.or_else(|| inherited.get(setting.name)).unwrap_or(setting.default)
}

/// Parses a value that was checked before.
fn values_of(overrides: &BTreeMap<String, String>, inherited: &Inherited) -> Values {
    let text = |name: &str| {
        topic_setting(name).map_or("", |setting| value_of(setting, overrides, inherited))
    };
    let int = |name| text(name).parse().expect("an Int setting is checked before it is kept");
    let long = |name| text(name).parse().expect("a Long setting is checked before it is kept");
    let flag = |name| text(name) == "true";
    let policies = kinds::elements(text("cleanup.policy"));
    Values {
        cleanup_policy: CleanupPolicy {
            delete: policies.contains(&"delete"),
            compact: policies.contains(&"compact"),
        },
        compression_type: match text("compression.type") {
            "uncompressed" => Some(Compression::None),
            "gzip" => Some(Compression::Gzip),
            "snappy" => Some(Compression::Snappy),
            "lz4" => Some(Compression::Lz4),
            "zstd" => Some(Compression::Zstd),
            _ => None,
        },
        delete_retention_ms: long("delete.retention.ms"),
        file_delete_delay_ms: long("file.delete.delay.ms"),
        flush_messages: long("flush.messages"),
        flush_ms: long("flush.ms"),
        index_interval_bytes: int("index.interval.bytes"),
        max_compaction_lag_ms: long("max.compaction.lag.ms"),
        max_message_bytes: int("max.message.bytes"),
        message_timestamp_after_max_ms: long("message.timestamp.after.max.ms"),
        message_timestamp_before_max_ms: long("message.timestamp.before.max.ms"),
        message_timestamp_type: match text("message.timestamp.type") {
            "LogAppendTime" => TimestampType::LogAppendTime,
            _ => TimestampType::CreateTime,
        },
        min_cleanable_dirty_ratio: text("min.cleanable.dirty.ratio")
            .parse()
            .expect("a Ratio setting is checked before it is kept"),
        min_compaction_lag_ms: long("min.compaction.lag.ms"),
        min_insync_replicas: int("min.insync.replicas"),
        preallocate: flag("preallocate"),
        retention_bytes: long("retention.bytes"),
        retention_ms: long("retention.ms"),
        segment_bytes: int("segment.bytes"),
        segment_index_bytes: int("segment.index.bytes"),
        segment_jitter_ms: long("segment.jitter.ms"),
        segment_ms: long("segment.ms"),
        unclean_leader_election_enable: flag("unclean.leader.election.enable"),
    }
}
