//! The choices before a cluster starts, and the checks of them.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::cluster::{Choices, Cluster};
use crate::config::Settings;
use crate::error::StartError;
use crate::group;
use crate::metadata::MOST_PARTITIONS;
use crate::topic_at_start::{self, TopicAtStart};

/// Configures a cluster before it starts. Every choice has a default that suits a test: one node, a
/// temporary directory, free ports on 127.0.0.1.
#[derive(Debug, Clone)]
#[must_use]
pub struct ClusterBuilder {
    nodes: usize,
    ports: Vec<u16>,
    data_directory: Option<PathBuf>,
    settings: Settings,
    properties: Vec<(String, String)>,
    topics: Vec<TopicAtStart>,
}

impl Cluster {
    /// Begins with a cluster of one node in a temporary directory, to be changed before it starts.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder {
            nodes: 1,
            ports: Vec::new(),
            data_directory: None,
            settings: Settings::default(),
            properties: Vec::new(),
            topics: Vec::new(),
        }
    }
}

impl ClusterBuilder {
    /// Sets the number of nodes, 1 to 9.
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// Sets the port of each node; 0, or none given, means any free one.
    pub fn ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.ports = ports.into_iter().collect();
        self
    }

    /// Sets the data directory. Without it, everything is in a temporary directory that is deleted
    /// with the cluster.
    pub fn data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.data_directory = Some(directory.into());
        self
    }

    /// Sets the address that the nodes listen on and that clients connect to, so not 0.0.0.0. The
    /// default is 127.0.0.1, which cannot be reached from outside this machine.
    pub fn listen_on(mut self, address: IpAddr) -> Self {
        self.settings.listen_on = address;
        self
    }

    /// Sets whether a topic is created when a producer asks for one that does not exist
    /// (`auto.create.topics.enable`, true as in Kafka).
    pub fn auto_create_topics(mut self, create: bool) -> Self {
        self.settings.auto_create_topics = create;
        self
    }

    /// Sets the number of partitions of a topic whose creator leaves it open (`num.partitions`, 1).
    pub fn default_partitions(mut self, partitions: i32) -> Self {
        self.settings.default_partitions = partitions;
        self
    }

    /// Sets the number of nodes that hold each partition of a topic whose creator leaves it open
    /// (`default.replication.factor`, 1).
    pub fn default_replication_factor(mut self, factor: i16) -> Self {
        self.settings.default_replication_factor = factor;
        self
    }

    /// Sets a property of a broker by its name in Kafka's `server.properties`, for all nodes, such
    /// as `log.retention.ms`. It takes precedence over the methods that set the same.
    ///
    /// The start rejects a property that has no effect in this cluster, and a value that Kafka
    /// rejects.
    pub fn set(mut self, property: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.push((property.into(), value.into()));
        self
    }

    /// Creates a topic at the start. One that the data directory has already stays as it is; the
    /// start rejects one that has other partitions or replicas there.
    pub fn topic(mut self, topic: TopicAtStart) -> Self {
        self.topics.push(topic);
        self
    }

    /// Sets the largest request in bytes (`socket.request.max.bytes`, 100 MiB).
    pub fn max_frame_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_frame_bytes = bytes;
        self
    }

    /// Sets the time in ms that an empty group waits for more members before its first rebalance
    /// (`group.initial.rebalance.delay.ms`; 50, compared with Kafka's 3,000).
    pub fn initial_rebalance_delay_ms(mut self, delay: i32) -> Self {
        self.settings.initial_rebalance_delay_ms = delay;
        self
    }

    /// Sets the time until the cluster notices a killed node and others lead in its place
    /// (`broker.session.timeout.ms`; 300 ms, compared with Kafka's 9 s).
    pub fn failover_delay(mut self, delay: Duration) -> Self {
        self.settings.failover_delay_ms = delay.as_millis() as i64;
        self
    }

    /// Sets the time for which a follower may be behind before it leaves the in-sync replicas
    /// (`replica.lag.time.max.ms`, 30 s).
    pub fn replica_lag_time_max(mut self, longest: Duration) -> Self {
        self.settings.replica_lag_time_max_ms = longest.as_millis() as i64;
        self
    }

    /// Sets the interval of the search for segments that are too old or too many
    /// (`log.retention.check.interval.ms`, 5 minutes).
    pub fn retention_check_interval(mut self, interval: Duration) -> Self {
        self.settings.retention_check_interval_ms = (interval.as_millis() as i64).max(1);
        self
    }

    /// Sets the time that the cleaner waits before it looks again for logs to compact
    /// (`log.cleaner.backoff.ms`, 15 s).
    pub fn log_cleaner_backoff(mut self, backoff: Duration) -> Self {
        self.settings.cleaner_backoff_ms = (backoff.as_millis() as i64).max(1);
        self
    }

    /// Sets the rack of each node (`broker.rack`), and lets consumers read from the nearest replica
    /// (`client.rack` with `replica.selector.class` RackAwareReplicaSelector, KIP-392). Without
    /// racks all read from leaders, as in Kafka.
    pub fn racks(mut self, racks: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.settings.racks = racks.into_iter().map(Into::into).collect();
        self
    }

    /// Starts the cluster. When it returns, every node accepts connections.
    ///
    /// Raises the process's limit of open files to the highest that it may have (`ulimit -H -n`):
    /// each connection takes one.
    ///
    /// # Errors
    /// An invalid choice, a port that is in use, a data directory that cannot be used or that
    /// another cluster uses, a topic that cannot be created.
    pub async fn start(mut self) -> Result<Cluster, StartError> {
        self.take_properties()?;
        self.check()?;
        let Self { nodes, ports, data_directory, settings, topics, .. } = self;
        let choices = Choices { nodes, ports, data_directory, settings, topics };
        // Opening a large data directory reads from disk, which would block the caller's runtime.
        tokio::task::spawn_blocking(move || Cluster::start(choices))
            .await
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    fn take_properties(&mut self) -> Result<(), StartError> {
        for (property, value) in std::mem::take(&mut self.properties) {
            self.settings.set(&property, &value).map_err(StartError::InvalidSetting)?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), StartError> {
        let reject = |reason: String| Err(StartError::InvalidSetting(reason));
        let Settings { listen_on, default_partitions, default_replication_factor, .. } =
            self.settings;
        if !(1..=9).contains(&self.nodes) {
            return reject(format!("a cluster has 1 to 9 nodes, not {}", self.nodes));
        }
        if self.ports.len() > self.nodes {
            let (ports, nodes) = (self.ports.len(), self.nodes);
            return reject(format!("{ports} ports were given for {nodes} node(s)"));
        }
        if self.settings.racks.len() > self.nodes {
            let (racks, nodes) = (self.settings.racks.len(), self.nodes);
            return reject(format!("{racks} racks were given for {nodes} node(s)"));
        }
        if listen_on.is_unspecified() {
            // As in Kafka, whose advertised.listeners cannot be 0.0.0.0 either.
            return reject(format!(
                "clients cannot connect to {listen_on}: listen on an address of this machine"
            ));
        }
        if !(1..=MOST_PARTITIONS).contains(&default_partitions) {
            return reject(format!(
                "a topic has 1 to {MOST_PARTITIONS} partitions, not {default_partitions}"
            ));
        }
        if !(1..=self.nodes as i64).contains(&i64::from(default_replication_factor)) {
            return reject(format!(
                "{} node(s) cannot hold {default_replication_factor} replicas of a partition",
                self.nodes
            ));
        }
        self.check_properties()?;
        topic_at_start::check(&self.topics, self.nodes)
    }

    /// Checks the requirements that involve several choices.
    fn check_properties(&self) -> Result<(), StartError> {
        let reject = |reason: String| Err(StartError::InvalidSetting(reason));
        for name in ["offsets.topic.replication.factor", "transaction.state.log.replication.factor"]
        {
            let factor = self.settings.number::<usize>(name).unwrap_or(1);
            if factor > self.nodes {
                let nodes = self.nodes;
                return reject(format!(
                    "{nodes} node(s) cannot hold {factor} replicas of a partition ({name})"
                ));
            }
        }
        let groups = group::Settings::chosen(&self.settings);
        if groups.min_session_timeout_ms > groups.max_session_timeout_ms {
            return reject(
                "group.min.session.timeout.ms is more than group.max.session.timeout.ms".to_owned(),
            );
        }
        let heartbeat = groups.consumer_heartbeat_interval_ms;
        if heartbeat >= groups.consumer_session_timeout_ms {
            return reject(
                "group.consumer.session.timeout.ms must be greater than \
                 group.consumer.heartbeat.interval.ms"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(mut builder: ClusterBuilder) -> Result<(), StartError> {
        builder.take_properties()?;
        builder.check()
    }

    fn rejection(builder: ClusterBuilder) -> StartError {
        checked(builder).unwrap_err()
    }

    fn topic(name: &str) -> TopicAtStart {
        TopicAtStart::new(name)
    }

    #[test]
    fn an_invalid_choice_is_rejected_with_a_reason() {
        let builder = Cluster::builder;
        let rows = [
            (builder().nodes(0), "a cluster has 1 to 9 nodes, not 0"),
            (builder().ports([1, 2]), "2 ports were given for 1 node(s)"),
            (builder().racks(["a", "b"]), "2 racks were given for 1 node(s)"),
            (builder().listen_on([0, 0, 0, 0].into()), "clients cannot connect to 0.0.0.0"),
            (builder().default_partitions(0), "a topic has 1 to 10000 partitions, not 0"),
            (builder().default_partitions(10_001), "1 to 10000 partitions, not 10001"),
            (builder().default_replication_factor(2), "1 node(s) cannot hold 2 replicas"),
            (builder().set("num.partitions", "10001"), "1 to 10000 partitions, not 10001"),
            (builder().set("default.replication.factor", "2"), "1 node(s) cannot hold 2 replicas"),
            (builder().set("offsets.topic.replication.factor", "2"), "cannot hold 2 replicas"),
            (builder().set("group.max.session.timeout.ms", "10"), "min.session.timeout.ms is more"),
            (builder().set("num.io.threads", "9"), "num.io.threads has no effect"),
            (builder().set("log.retention", "9"), "a broker has no setting \"log.retention\""),
            (builder().topic(topic("a b")), "Topic name is invalid: 'a b'"),
            (builder().topic(topic("orders").replicas(2)), "1 node(s) cannot hold 2 replicas"),
            (builder().topic(topic("orders").partitions(0)), "1 to 10000 partitions, not 0"),
            (builder().topic(topic("orders")).topic(topic("orders")), "topic orders twice"),
            (builder().topic(topic("a.b")).topic(topic("a_b")), "collides with existing topic"),
            (builder().topic(topic("__consumer_offsets")), "the cluster's own"),
        ];
        for (builder, reason) in rows {
            let rejected = rejection(builder).to_string();
            assert!(rejected.contains(reason), "{rejected}");
        }
        let taken = builder().nodes(3).set("num.partitions", "4").set("log.retention.ms", "5");
        assert!(checked(taken).is_ok());
        assert!(builder().nodes(3).default_replication_factor(3).check().is_ok());
    }
}
