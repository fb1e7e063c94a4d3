//! What a cluster is told when it starts.

use std::net::{IpAddr, Ipv4Addr};

/// The most bytes in one answer to a fetch, whatever a client asks for (`fetch.max.bytes`).
pub(crate) const FETCH_MAX_BYTES: usize = 55 << 20;

/// The choices of a [`ClusterBuilder`](crate::ClusterBuilder), with Kafka's names in the comments.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where the nodes listen, and what they tell clients to connect to (`listeners`).
    pub(crate) listen_on: IpAddr,
    /// `auto.create.topics.enable`
    pub(crate) auto_create_topics: bool,
    /// `num.partitions`
    pub(crate) default_partitions: i32,
    /// `default.replication.factor`
    pub(crate) default_replication_factor: i16,
    /// `socket.request.max.bytes`
    pub(crate) max_frame_bytes: usize,
    /// `offsets.topic.num.partitions`
    pub(crate) offsets_topic_partitions: i32,
    /// `transaction.state.log.num.partitions`
    pub(crate) transaction_topic_partitions: i32,
    /// `group.initial.rebalance.delay.ms`
    pub(crate) initial_rebalance_delay_ms: i32,
    /// How long after it was killed a node is missed (`broker.session.timeout.ms`).
    pub(crate) failover_delay_ms: i64,
    /// The rack of each node, by its place (`broker.rack`).
    pub(crate) racks: Vec<String>,
    /// `replica.lag.time.max.ms`
    pub(crate) replica_lag_time_max_ms: i64,
    /// `log.retention.check.interval.ms`
    pub(crate) retention_check_interval_ms: i64,
    /// `log.cleaner.backoff.ms`
    pub(crate) cleaner_backoff_ms: i64,
}

impl Settings {
    /// The rack of a node, where it has one.
    pub(crate) fn rack(&self, node: i32) -> Option<&str> {
        let place = usize::try_from(node).ok()?.checked_sub(1)?;
        self.racks.get(place).map(String::as_str)
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
            offsets_topic_partitions: 50,
            transaction_topic_partitions: 50,
            initial_rebalance_delay_ms: 50,
            failover_delay_ms: 300,
            racks: Vec::new(),
            replica_lag_time_max_ms: 30_000,
            retention_check_interval_ms: 300_000,
            cleaner_backoff_ms: 15_000,
        }
    }
}
