//! The settings of a node, as DescribeConfigs shows them: what this cluster really uses, and the
//! defaults that its topics inherit. What can be changed while the cluster runs is in `throttles`.

use super::kinds::Kind::{self, Boolean, Int, Long, Short, Texts};
use super::settings::TOPIC_SETTINGS;

/// What a node runs with. Whoever starts the node fills it in.
#[derive(Debug, Clone)]
pub(crate) struct NodeSettings {
    pub(crate) node_id: i32,
    /// Where the node stands, if that was said. Consumers may read from followers then.
    pub(crate) rack: Option<String>,
    pub(crate) replica_lag_time_max_ms: i64,
    pub(crate) retention_check_interval_ms: i64,
    pub(crate) cleaner_backoff_ms: i64,
    /// Where clients reach the node, as `127.0.0.1:9092`.
    pub(crate) address: String,
    pub(crate) log_dir: String,
    pub(crate) num_partitions: i32,
    pub(crate) default_replication_factor: i16,
    pub(crate) auto_create_topics_enable: bool,
    pub(crate) offsets_topic_num_partitions: i32,
    pub(crate) offsets_topic_replication_factor: i16,
    pub(crate) offset_metadata_max_bytes: i32,
    pub(crate) group_initial_rebalance_delay_ms: i32,
    pub(crate) group_min_session_timeout_ms: i32,
    pub(crate) group_max_session_timeout_ms: i32,
    pub(crate) socket_request_max_bytes: i32,
    pub(crate) fetch_max_bytes: i32,
    pub(crate) producer_id_expiration_ms: i32,
    pub(crate) transaction_max_timeout_ms: i32,
    pub(crate) transaction_state_log_num_partitions: i32,
    pub(crate) transaction_state_log_replication_factor: i16,
    pub(crate) transactional_id_expiration_ms: i32,
}

/// One setting of a node, with its value.
#[derive(Debug)]
pub(crate) struct NodeSetting {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) value: String,
    /// Apache Kafka's default, where it has one.
    pub(crate) default: Option<&'static str>,
    pub(crate) documentation: &'static str,
}

impl NodeSettings {
    /// Every setting of the node, by name.
    pub(crate) fn table(&self) -> Vec<NodeSetting> {
        let mut table = self.own();
        table.extend(inherited_by_topics());
        table.extend(super::groups::node_settings());
        table.sort_by_key(|setting| setting.name);
        table
    }

    fn own(&self) -> Vec<NodeSetting> {
        let any = Int(i32::MIN, i32::MAX);
        let listener = format!("PLAINTEXT://{}", self.address);
        let row = |name, kind, value: &dyn std::fmt::Display, default, documentation| NodeSetting {
            name,
            kind,
            value: value.to_string(),
            default,
            documentation,
        };
        let mut rows = vec![
            row(
                "advertised.listeners",
                Texts,
                &listener,
                None,
                "Where clients are told to connect.",
            ),
            row(
                "auto.create.topics.enable",
                Boolean,
                &self.auto_create_topics_enable,
                Some("true"),
                "Whether a topic is created when a client asks for it.",
            ),
            row("broker.id", any, &self.node_id, Some("-1"), "The number of the node."),
            row(
                "default.replication.factor",
                any,
                &self.default_replication_factor,
                Some("1"),
                "The replicas of a partition of topics that do not say.",
            ),
            row(
                "fetch.max.bytes",
                any,
                &self.fetch_max_bytes,
                Some("57671680"),
                "The most bytes that one fetch returns.",
            ),
            row(
                "group.initial.rebalance.delay.ms",
                any,
                &self.group_initial_rebalance_delay_ms,
                Some("3000"),
                "How long, in ms, an empty group waits for more members before its first rebalance.",
            ),
            row(
                "group.max.session.timeout.ms",
                any,
                &self.group_max_session_timeout_ms,
                Some("1800000"),
                "The longest session timeout that a member may ask for, in ms.",
            ),
            row(
                "group.min.session.timeout.ms",
                any,
                &self.group_min_session_timeout_ms,
                Some("6000"),
                "The shortest session timeout that a member may ask for, in ms.",
            ),
            row(
                "listeners",
                Texts,
                &listener,
                Some("PLAINTEXT://:9092"),
                "Where the node listens.",
            ),
            row(
                "log.cleaner.backoff.ms",
                Long(0),
                &self.cleaner_backoff_ms,
                Some("15000"),
                "How long, in ms, the cleaner waits when there was nothing to compact.",
            ),
            row("log.dirs", Texts, &self.log_dir, None, "Where the logs are."),
            row(
                "log.retention.check.interval.ms",
                Long(1),
                &self.retention_check_interval_ms,
                Some("300000"),
                "How often, in ms, segments are looked for that are too old or too many.",
            ),
            row("node.id", any, &self.node_id, None, "The number of the node."),
            row(
                "num.partitions",
                any,
                &self.num_partitions,
                Some("1"),
                "The partitions of topics that do not say.",
            ),
            row(
                "offset.metadata.max.bytes",
                any,
                &self.offset_metadata_max_bytes,
                Some("4096"),
                "The most bytes of metadata with a committed offset.",
            ),
            row(
                "offsets.topic.num.partitions",
                any,
                &self.offsets_topic_num_partitions,
                Some("50"),
                "The partitions of __consumer_offsets.",
            ),
            row(
                "offsets.topic.replication.factor",
                Short,
                &self.offsets_topic_replication_factor,
                Some("3"),
                "The replicas of a partition of __consumer_offsets.",
            ),
            row("process.roles", Texts, &"broker,controller", None, "What the node does."),
            row(
                "producer.id.expiration.ms",
                any,
                &self.producer_id_expiration_ms,
                Some("86400000"),
                "How long, in ms, the sequence numbers of a silent producer are remembered.",
            ),
            row(
                "replica.lag.time.max.ms",
                any,
                &self.replica_lag_time_max_ms,
                Some("30000"),
                "How long, in ms, a follower may be behind before it leaves the in-sync replicas.",
            ),
            row(
                "socket.request.max.bytes",
                any,
                &self.socket_request_max_bytes,
                Some("104857600"),
                "The largest request, in bytes.",
            ),
            row(
                "transaction.max.timeout.ms",
                any,
                &self.transaction_max_timeout_ms,
                Some("900000"),
                "The longest time that a transaction may ask to stay open, in ms.",
            ),
            row(
                "transaction.state.log.num.partitions",
                any,
                &self.transaction_state_log_num_partitions,
                Some("50"),
                "The partitions of __transaction_state.",
            ),
            row(
                "transaction.state.log.replication.factor",
                Short,
                &self.transaction_state_log_replication_factor,
                Some("3"),
                "The replicas of a partition of __transaction_state.",
            ),
            row(
                "transactional.id.expiration.ms",
                any,
                &self.transactional_id_expiration_ms,
                Some("604800000"),
                "How long, in ms, a transactional id that nobody uses is remembered.",
            ),
        ];
        if let Some(rack) = &self.rack {
            let selector = &"org.apache.kafka.common.replica.RackAwareReplicaSelector";
            rows.push(row("broker.rack", Texts, rack, None, "The rack of the node."));
            let documentation = "Which replica a consumer is told to read from.";
            rows.push(row("replica.selector.class", Texts, selector, None, documentation));
        }
        rows
    }
}

/// The node's names for the defaults of its topics' settings.
fn inherited_by_topics() -> impl Iterator<Item = NodeSetting> {
    TOPIC_SETTINGS.iter().filter_map(|setting| {
        Some(NodeSetting {
            name: setting.node_setting?,
            kind: setting.kind,
            value: setting.default.to_owned(),
            default: Some(setting.default),
            documentation: setting.documentation,
        })
    })
}
