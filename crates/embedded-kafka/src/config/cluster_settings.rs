//! The settings that a cluster starts with.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::properties::checked;

/// The choices of a [`ClusterBuilder`](crate::ClusterBuilder), with Kafka's names in the comments.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The address that the nodes listen at, and that clients connect to (`listeners`).
    pub(crate) listen_on: IpAddr,
    /// `auto.create.topics.enable`
    pub(crate) auto_create_topics: bool,
    /// `num.partitions`
    pub(crate) default_partitions: i32,
    /// `default.replication.factor`
    pub(crate) default_replication_factor: i16,
    /// `socket.request.max.bytes`
    pub(crate) max_frame_bytes: usize,
    /// The most bytes in one response to a fetch, whatever a client asks for (`fetch.max.bytes`).
    pub(crate) fetch_max_bytes: usize,
    /// `offsets.topic.num.partitions`
    pub(crate) offsets_topic_partitions: i32,
    /// `offsets.topic.replication.factor`, if it was chosen.
    pub(crate) offsets_topic_replication_factor: Option<i16>,
    /// `transaction.state.log.num.partitions`
    pub(crate) transaction_topic_partitions: i32,
    /// `transaction.state.log.replication.factor`, if it was chosen.
    pub(crate) transaction_topic_replication_factor: Option<i16>,
    /// `group.initial.rebalance.delay.ms`
    pub(crate) initial_rebalance_delay_ms: i32,
    /// The time until the cluster notices a killed node, in ms (`broker.session.timeout.ms`).
    pub(crate) failover_delay_ms: i64,
    /// The rack of each node, by its index (`broker.rack`).
    pub(crate) racks: Vec<String>,
    /// `replica.lag.time.max.ms`
    pub(crate) replica_lag_time_max_ms: i64,
    /// `log.retention.check.interval.ms`
    pub(crate) retention_check_interval_ms: i64,
    /// `log.cleaner.backoff.ms`
    pub(crate) cleaner_backoff_ms: i64,
    /// Properties of a broker by their names, checked, as Kafka shows them.
    pub(crate) given: BTreeMap<String, String>,
}

impl Settings {
    /// Returns the rack of a node, if it has one.
    pub(crate) fn rack(&self, node: i32) -> Option<&str> {
        let place = usize::try_from(node).ok()?.checked_sub(1)?;
        self.racks.get(place).map(String::as_str)
    }

    /// Sets a property of a broker.
    ///
    /// # Errors
    /// The reason why it is rejected.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let (name, value) = checked(name, value)?;
        let parsed = value.parse::<i64>().unwrap_or_default();
        let int = i32::try_from(parsed).unwrap_or(i32::MAX);
        let short = i16::try_from(parsed).unwrap_or(i16::MAX);
        let bytes = usize::try_from(parsed).unwrap_or_default();
        match name {
            "auto.create.topics.enable" => self.auto_create_topics = value == "true",
            "broker.session.timeout.ms" => self.failover_delay_ms = parsed,
            "default.replication.factor" => self.default_replication_factor = short,
            "fetch.max.bytes" => self.fetch_max_bytes = bytes,
            "group.initial.rebalance.delay.ms" => self.initial_rebalance_delay_ms = int,
            "log.cleaner.backoff.ms" => self.cleaner_backoff_ms = parsed,
            "log.retention.check.interval.ms" => self.retention_check_interval_ms = parsed,
            "num.partitions" => self.default_partitions = int,
            "offsets.topic.num.partitions" => self.offsets_topic_partitions = int,
            "offsets.topic.replication.factor" => {
                self.offsets_topic_replication_factor = Some(short);
            }
            "replica.lag.time.max.ms" => self.replica_lag_time_max_ms = parsed,
            "socket.request.max.bytes" => self.max_frame_bytes = bytes,
            "transaction.state.log.num.partitions" => self.transaction_topic_partitions = int,
            "transaction.state.log.replication.factor" => {
                self.transaction_topic_replication_factor = Some(short);
            }
            // The others are read by the code that needs them.
            _ => {}
        }
        self.given.insert(name.to_owned(), value);
        Ok(())
    }

    /// Returns a property of a broker that was chosen, if it is a number.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.given.get(name)?.parse().ok()
    }

    /// Returns `transaction.state.log.min.isr`: 2, if `__transaction_state` has as many replicas.
    pub(crate) fn transaction_topic_min_in_sync(&self, factor: i16) -> i16 {
        let factor = self.transaction_topic_replication_factor.unwrap_or(factor);
        self.number("transaction.state.log.min.isr").unwrap_or(factor.min(2))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen_on: IpAddr::V4(Ipv4Addr::LOCALHOST),
            auto_create_topics: true,
            default_partitions: 1,
            default_replication_factor: 1,
            max_frame_bytes: 100 << 20,
            fetch_max_bytes: 55 << 20,
            offsets_topic_partitions: 50,
            offsets_topic_replication_factor: None,
            transaction_topic_partitions: 50,
            transaction_topic_replication_factor: None,
            initial_rebalance_delay_ms: 50,
            failover_delay_ms: 300,
            racks: Vec::new(),
            replica_lag_time_max_ms: 30_000,
            retention_check_interval_ms: 300_000,
            cleaner_backoff_ms: 15_000,
            given: BTreeMap::new(),
        }
    }
}
