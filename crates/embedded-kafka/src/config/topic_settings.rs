//! The settings of a topic, in the order in which Kafka checks them.
//!
//! All settings of Apache Kafka 4.4 are here, since tools and configuration files name them and
//! expect them to be accepted. Each row says whether the setting has an effect in this cluster.

use super::kinds::Kind::{self, Boolean, Choice, Choices, GzipLevel, Int, Long, Ratio, Replicas};

/// One setting of a topic.
#[derive(Debug)]
pub(crate) struct TopicSetting {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The value if the topic does not set its own, as Kafka shows it.
    pub(crate) default: &'static str,
    /// Tells whether it has an effect in this cluster.
    pub(crate) effective: bool,
}

/// Returns the setting called `name`.
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
        effective: true,
    },
    TopicSetting { name: "segment.ms", kind: Long(1), default: "604800000", effective: true },
    TopicSetting { name: "segment.jitter.ms", kind: Long(0), default: "0", effective: true },
    TopicSetting {
        name: "segment.index.bytes",
        kind: Int(4, i32::MAX),
        default: "10485760",
        effective: true,
    },
    TopicSetting { name: "flush.messages", kind: Long(1), default: FOREVER, effective: false },
    TopicSetting { name: "flush.ms", kind: Long(0), default: FOREVER, effective: false },
    TopicSetting { name: "retention.bytes", kind: Long(i64::MIN), default: "-1", effective: true },
    TopicSetting { name: "retention.ms", kind: Long(-1), default: "604800000", effective: true },
    TopicSetting {
        name: "max.message.bytes",
        kind: Int(0, i32::MAX),
        default: "1048588",
        effective: true,
    },
    TopicSetting {
        name: "max.decompressed.message.bytes",
        kind: Int(1, 2_147_483_639),
        default: "2147483639",
        effective: false,
    },
    TopicSetting {
        name: "index.interval.bytes",
        kind: Int(0, i32::MAX),
        default: "4096",
        effective: true,
    },
    TopicSetting {
        name: "delete.retention.ms",
        kind: Long(0),
        default: "86400000",
        effective: true,
    },
    TopicSetting { name: "min.compaction.lag.ms", kind: Long(0), default: "0", effective: true },
    TopicSetting {
        name: "max.compaction.lag.ms",
        kind: Long(1),
        default: FOREVER,
        effective: true,
    },
    TopicSetting {
        name: "file.delete.delay.ms",
        kind: Long(0),
        default: "60000",
        effective: false,
    },
    TopicSetting {
        name: "min.cleanable.dirty.ratio",
        kind: Ratio,
        default: "0.5",
        effective: true,
    },
    TopicSetting {
        name: "cleanup.policy",
        kind: Choices(&["compact", "delete"]),
        default: "delete",
        effective: true,
    },
    TopicSetting {
        name: "unclean.leader.election.enable",
        kind: Boolean,
        default: "false",
        effective: true,
    },
    TopicSetting {
        name: "min.insync.replicas",
        kind: Int(1, i32::MAX),
        default: "1",
        effective: true,
    },
    TopicSetting {
        name: "compression.type",
        kind: Choice(COMPRESSION_TYPES),
        default: "producer",
        effective: true,
    },
    TopicSetting {
        name: "compression.gzip.level",
        kind: GzipLevel,
        default: "-1",
        effective: false,
    },
    TopicSetting {
        name: "compression.lz4.level",
        kind: Int(1, 17),
        default: "9",
        effective: false,
    },
    TopicSetting {
        name: "compression.zstd.level",
        kind: Int(-131_072, 22),
        default: "3",
        effective: false,
    },
    TopicSetting { name: "preallocate", kind: Boolean, default: "false", effective: false },
    TopicSetting {
        name: "message.timestamp.type",
        kind: Choice(&["CreateTime", "LogAppendTime"]),
        default: "CreateTime",
        effective: true,
    },
    TopicSetting {
        name: "message.timestamp.before.max.ms",
        kind: Long(0),
        default: FOREVER,
        effective: true,
    },
    TopicSetting {
        name: "message.timestamp.after.max.ms",
        kind: Long(0),
        default: "3600000",
        effective: true,
    },
    TopicSetting {
        name: "leader.replication.throttled.replicas",
        kind: Replicas,
        default: "",
        effective: false,
    },
    TopicSetting {
        name: "follower.replication.throttled.replicas",
        kind: Replicas,
        default: "",
        effective: false,
    },
    TopicSetting {
        name: "remote.storage.enable",
        kind: Boolean,
        default: "false",
        effective: false,
    },
    TopicSetting { name: "local.retention.ms", kind: Long(-2), default: "-2", effective: false },
    TopicSetting { name: "local.retention.bytes", kind: Long(-2), default: "-2", effective: false },
    TopicSetting {
        name: "remote.log.copy.disable",
        kind: Boolean,
        default: "false",
        effective: false,
    },
    TopicSetting { name: "remote.copy.lag.ms", kind: Long(-1), default: "0", effective: false },
    TopicSetting { name: "remote.copy.lag.bytes", kind: Long(-1), default: "-1", effective: false },
    TopicSetting {
        name: "remote.log.delete.on.disable",
        kind: Boolean,
        default: "false",
        effective: false,
    },
    TopicSetting {
        name: "errors.deadletterqueue.group.enable",
        kind: Boolean,
        default: "false",
        effective: false,
    },
];
