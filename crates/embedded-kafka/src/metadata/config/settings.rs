//! The settings of a topic, in the order in which Kafka checks them.
//!
//! All that Apache Kafka 4.3 has are here, since tools and configuration files name them and
//! expect them to be taken. Which of them change anything in this cluster stands in each row.

use super::kinds::Kind::{self, Boolean, Choice, Choices, GzipLevel, Int, Long, Ratio, Replicas};

/// One setting of a topic.
#[derive(Debug)]
pub(crate) struct TopicSetting {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The value where the topic does not set its own, in the form in which Kafka shows it.
    pub(crate) default: &'static str,
    /// The node's setting that the default comes from, where Kafka lists it as a synonym.
    pub(crate) node_setting: Option<&'static str>,
    /// Whether it changes anything in this cluster.
    pub(crate) effective: bool,
    pub(crate) documentation: &'static str,
}

/// The setting called `name`.
pub(crate) fn topic_setting(name: &str) -> Option<&'static TopicSetting> {
    TOPIC_SETTINGS.iter().find(|setting| setting.name == name)
}

const FOREVER: &str = "9223372036854775807";
const COMPRESSION_TYPES: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];

/// Every setting of a topic.
pub(crate) const TOPIC_SETTINGS: &[TopicSetting] = &[
    TopicSetting {
        name: "segment.bytes",
        kind: Int(1_048_576, i32::MAX),
        default: "1073741824",
        node_setting: Some("log.segment.bytes"),
        effective: true,
        documentation: "The size, in bytes, at which a partition goes on in a new segment file.",
    },
    TopicSetting {
        name: "segment.ms",
        kind: Long(1),
        default: "604800000",
        node_setting: None,
        effective: true,
        documentation: "The time, in ms, after which a partition goes on in a new segment file \
                        though the old one is not full.",
    },
    TopicSetting {
        name: "segment.jitter.ms",
        kind: Long(0),
        default: "0",
        node_setting: None,
        effective: true,
        documentation: "The most, in ms, by which segment.ms is shortened at random, so that \
                        partitions do not all roll at once.",
    },
    TopicSetting {
        name: "segment.index.bytes",
        kind: Int(4, i32::MAX),
        default: "10485760",
        node_setting: Some("log.index.size.max.bytes"),
        effective: true,
        documentation: "The size, in bytes, of a segment's index at which the partition goes on \
                        in a new segment.",
    },
    TopicSetting {
        name: "flush.messages",
        kind: Long(1),
        default: FOREVER,
        node_setting: Some("log.flush.interval.messages"),
        effective: false,
        documentation: "The number of records after which the log is forced to disk. Here, as by \
                        default in Kafka, that is left to the operating system.",
    },
    TopicSetting {
        name: "flush.ms",
        kind: Long(0),
        default: FOREVER,
        node_setting: None,
        effective: false,
        documentation: "The time, in ms, after which the log is forced to disk. Here, as by \
                        default in Kafka, that is left to the operating system.",
    },
    TopicSetting {
        name: "retention.bytes",
        kind: Long(i64::MIN),
        default: "-1",
        node_setting: Some("log.retention.bytes"),
        effective: true,
        documentation: "The size, in bytes, above which a partition loses its oldest segments; -1 \
                        for no limit.",
    },
    TopicSetting {
        name: "retention.ms",
        kind: Long(-1),
        default: "604800000",
        node_setting: None,
        effective: true,
        documentation: "The age, in ms, at which segments are deleted; -1 for never.",
    },
    TopicSetting {
        name: "max.message.bytes",
        kind: Int(0, i32::MAX),
        default: "1048588",
        node_setting: Some("message.max.bytes"),
        effective: true,
        documentation: "The largest record batch, in bytes as it is sent, that the topic takes.",
    },
    TopicSetting {
        name: "index.interval.bytes",
        kind: Int(0, i32::MAX),
        default: "4096",
        node_setting: Some("log.index.interval.bytes"),
        effective: true,
        documentation: "About how many bytes of log lie between two entries of the index.",
    },
    TopicSetting {
        name: "delete.retention.ms",
        kind: Long(0),
        default: "86400000",
        node_setting: Some("log.cleaner.delete.retention.ms"),
        effective: true,
        documentation: "How long, in ms, compaction keeps a tombstone, so that readers learn of \
                        the deletion.",
    },
    TopicSetting {
        name: "min.compaction.lag.ms",
        kind: Long(0),
        default: "0",
        node_setting: Some("log.cleaner.min.compaction.lag.ms"),
        effective: true,
        documentation: "The age, in ms, before which a record is not compacted away.",
    },
    TopicSetting {
        name: "max.compaction.lag.ms",
        kind: Long(1),
        default: FOREVER,
        node_setting: Some("log.cleaner.max.compaction.lag.ms"),
        effective: true,
        documentation: "The age, in ms, at which a record is compacted whatever the share of \
                        dirty bytes.",
    },
    TopicSetting {
        name: "file.delete.delay.ms",
        kind: Long(0),
        default: "60000",
        node_setting: Some("log.segment.delete.delay.ms"),
        effective: false,
        documentation: "How long, in ms, a deleted segment's file stays. Here it goes as soon as \
                        nobody reads it.",
    },
    TopicSetting {
        name: "min.cleanable.dirty.ratio",
        kind: Ratio,
        default: "0.5",
        node_setting: Some("log.cleaner.min.cleanable.ratio"),
        effective: true,
        documentation: "The share of uncompacted bytes at which a log is compacted.",
    },
    TopicSetting {
        name: "cleanup.policy",
        kind: Choices(&["compact", "delete"]),
        default: "delete",
        node_setting: Some("log.cleanup.policy"),
        effective: true,
        documentation: "What becomes of old records: delete, compact, or both; empty keeps \
                        everything.",
    },
    TopicSetting {
        name: "unclean.leader.election.enable",
        kind: Boolean,
        default: "false",
        node_setting: Some("unclean.leader.election.enable"),
        effective: true,
        documentation: "Whether a replica that is not in sync may become leader when no other is \
                        left, at the price of lost records.",
    },
    TopicSetting {
        name: "min.insync.replicas",
        kind: Int(1, i32::MAX),
        default: "1",
        node_setting: Some("min.insync.replicas"),
        effective: true,
        documentation: "How many replicas must be in sync for a write with acks=all to be \
                        accepted.",
    },
    TopicSetting {
        name: "compression.type",
        kind: Choice(COMPRESSION_TYPES),
        default: "producer",
        node_setting: Some("compression.type"),
        effective: true,
        documentation: "How batches are compressed in the log; producer keeps what the producer \
                        chose.",
    },
    TopicSetting {
        name: "compression.gzip.level",
        kind: GzipLevel,
        default: "-1",
        node_setting: Some("compression.gzip.level"),
        effective: false,
        documentation: "The level for compression.type=gzip.",
    },
    TopicSetting {
        name: "compression.lz4.level",
        kind: Int(1, 17),
        default: "9",
        node_setting: Some("compression.lz4.level"),
        effective: false,
        documentation: "The level for compression.type=lz4.",
    },
    TopicSetting {
        name: "compression.zstd.level",
        kind: Int(-131_072, 22),
        default: "3",
        node_setting: Some("compression.zstd.level"),
        effective: false,
        documentation: "The level for compression.type=zstd.",
    },
    TopicSetting {
        name: "preallocate",
        kind: Boolean,
        default: "false",
        node_setting: Some("log.preallocate"),
        effective: false,
        documentation: "Whether a segment's file gets its full size at once.",
    },
    TopicSetting {
        name: "message.timestamp.type",
        kind: Choice(&["CreateTime", "LogAppendTime"]),
        default: "CreateTime",
        node_setting: Some("log.message.timestamp.type"),
        effective: true,
        documentation: "Whether a record's timestamp is the producer's or the time of the append.",
    },
    TopicSetting {
        name: "message.timestamp.before.max.ms",
        kind: Long(0),
        default: FOREVER,
        node_setting: Some("log.message.timestamp.before.max.ms"),
        effective: true,
        documentation: "How far, in ms, a producer's timestamp may lie in the past.",
    },
    TopicSetting {
        name: "message.timestamp.after.max.ms",
        kind: Long(0),
        default: "3600000",
        node_setting: Some("log.message.timestamp.after.max.ms"),
        effective: true,
        documentation: "How far, in ms, a producer's timestamp may lie in the future.",
    },
    TopicSetting {
        name: "leader.replication.throttled.replicas",
        kind: Replicas,
        default: "",
        node_setting: None,
        effective: false,
        documentation: "The replicas whose replication is throttled on the leader's side.",
    },
    TopicSetting {
        name: "follower.replication.throttled.replicas",
        kind: Replicas,
        default: "",
        node_setting: None,
        effective: false,
        documentation: "The replicas whose replication is throttled on the follower's side.",
    },
    TopicSetting {
        name: "remote.storage.enable",
        kind: Boolean,
        default: "false",
        node_setting: None,
        effective: false,
        documentation: "Whether the topic uses tiered storage, which this cluster has not.",
    },
    TopicSetting {
        name: "local.retention.ms",
        kind: Long(-2),
        default: "-2",
        node_setting: Some("log.local.retention.ms"),
        effective: false,
        documentation: "With tiered storage, how long, in ms, segments stay local; -2 for \
                        retention.ms.",
    },
    TopicSetting {
        name: "local.retention.bytes",
        kind: Long(-2),
        default: "-2",
        node_setting: Some("log.local.retention.bytes"),
        effective: false,
        documentation: "With tiered storage, how many bytes stay local; -2 for retention.bytes.",
    },
    TopicSetting {
        name: "remote.log.copy.disable",
        kind: Boolean,
        default: "false",
        node_setting: None,
        effective: false,
        documentation: "With tiered storage, whether nothing more is copied to the remote tier.",
    },
    TopicSetting {
        name: "remote.log.delete.on.disable",
        kind: Boolean,
        default: "false",
        node_setting: None,
        effective: false,
        documentation: "With tiered storage, whether the remote copies go when the topic leaves \
                        it.",
    },
];
