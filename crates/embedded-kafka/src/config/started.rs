//! The settings that a node was started with and that differ from Kafka's defaults, under the names
//! of a broker's properties.

use super::apache::{self, Of};
use super::cluster_settings::Settings;
use super::group_defaults::{ASSIGNORS, CONSUMER_HEARTBEAT_INTERVAL_MS, MIGRATION_POLICY};
use super::layers::Given;

/// The properties of a node that depend on where it runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    pub(crate) node: i32,
    /// The address, as in `127.0.0.1:9092`.
    pub(crate) address: String,
    pub(crate) log_dir: String,
    pub(crate) rack: Option<String>,
    /// The number of nodes that hold an internal topic.
    pub(crate) internal_replication_factor: i16,
}

/// Returns all settings that a node was started with and that differ from Kafka's defaults.
pub(crate) fn started(settings: &Settings, place: &Place) -> Given {
    let listener = format!("PLAINTEXT://{}", place.address);
    let id = place.node.to_string();
    let mut given = chosen(settings, place.internal_replication_factor);
    given.retain(|(name, value)| {
        let default = apache::definition(Of::Broker, name).and_then(|it| it.default.as_ref());
        default != Some(value) || settings.given.contains_key(*name)
    });
    given.extend([
        ("advertised.listeners", listener.clone()),
        ("listeners", listener),
        ("log.dirs", place.log_dir.clone()),
        ("node.id", id.clone()),
        ("broker.id", id),
        ("process.roles", "broker,controller".to_owned()),
    ]);
    if let Some(rack) = &place.rack {
        let selector = "org.apache.kafka.common.replica.RackAwareReplicaSelector";
        given.push(("broker.rack", rack.clone()));
        given.push(("replica.selector.class", selector.to_owned()));
    }
    let given = given.into_iter().map(|(name, value)| (name.to_owned(), value));
    settings.given.clone().into_iter().chain(given).collect()
}

fn chosen(settings: &Settings, internal_factor: i16) -> Vec<(&'static str, String)> {
    let heartbeat = settings.number("group.consumer.heartbeat.interval.ms");
    let heartbeat: i32 = heartbeat.unwrap_or(CONSUMER_HEARTBEAT_INTERVAL_MS);
    let number = |number: i64| number.to_string();
    vec![
        ("auto.create.topics.enable", settings.auto_create_topics.to_string()),
        ("broker.session.timeout.ms", number(settings.failover_delay_ms)),
        ("default.replication.factor", settings.default_replication_factor.to_string()),
        ("fetch.max.bytes", settings.fetch_max_bytes.to_string()),
        ("group.consumer.assignors", ASSIGNORS.join(",")),
        ("group.consumer.heartbeat.interval.ms", heartbeat.to_string()),
        ("group.consumer.migration.policy", MIGRATION_POLICY.to_owned()),
        ("group.consumer.min.heartbeat.interval.ms", "100".to_owned()),
        ("group.consumer.min.session.timeout.ms", "6000".to_owned()),
        ("group.initial.rebalance.delay.ms", settings.initial_rebalance_delay_ms.to_string()),
        ("log.cleaner.backoff.ms", number(settings.cleaner_backoff_ms)),
        ("log.retention.check.interval.ms", number(settings.retention_check_interval_ms)),
        ("num.partitions", settings.default_partitions.to_string()),
        ("offsets.topic.num.partitions", settings.offsets_topic_partitions.to_string()),
        (
            "offsets.topic.replication.factor",
            settings.offsets_topic_replication_factor.unwrap_or(internal_factor).to_string(),
        ),
        ("replica.lag.time.max.ms", number(settings.replica_lag_time_max_ms)),
        ("socket.request.max.bytes", settings.max_frame_bytes.to_string()),
        (
            "transaction.state.log.min.isr",
            settings.transaction_topic_min_in_sync(internal_factor).to_string(),
        ),
        ("transaction.state.log.num.partitions", settings.transaction_topic_partitions.to_string()),
        (
            "transaction.state.log.replication.factor",
            settings.transaction_topic_replication_factor.unwrap_or(internal_factor).to_string(),
        ),
    ]
}
