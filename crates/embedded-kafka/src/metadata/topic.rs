//! A topic: its identity, its settings and its partitions.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::RwLock;
use uuid::Uuid;

use super::names;
use super::partition::Partition;
use super::partition_state::NodeLogSettings;
use super::replication::{NodeAvailability, Replication};
use super::store::{Store, TopicRecord};
use crate::config::{HandedDown, Inherited, TopicConfig};
use crate::log::{Log, LogError, LogSettings, OpenFiles};
use crate::time::Timestamp;

/// The surroundings that a topic needs to open its logs.
pub(super) struct Place<'a> {
    pub(super) store: &'a Store,
    /// The nodes of the cluster.
    pub(super) nodes: &'a [NodeAvailability],
    /// The smallest epoch of a partition's first leader.
    pub(super) epoch: i32,
    pub(super) open_files: &'a Arc<OpenFiles>,
    pub(super) now: Timestamp,
    /// The settings that topics inherit from the brokers.
    pub(super) handed_down: Arc<HandedDown>,
}

/// The settings of a topic at the nodes that differ, and at all others.
#[derive(Debug, Clone)]
struct Configs {
    of_all: Arc<TopicConfig>,
    of_nodes: BTreeMap<i32, Arc<TopicConfig>>,
}

impl Configs {
    fn new(own: &TopicConfig, handed_down: &HandedDown) -> Self {
        let of_node = |(node, inherited): (&i32, &Inherited)| {
            (*node, Arc::new(own.inheriting(inherited.clone())))
        };
        Self {
            of_all: Arc::new(own.inheriting(handed_down.of_all.clone())),
            of_nodes: handed_down.of_nodes.iter().map(of_node).collect(),
        }
    }

    fn at(&self, node: Option<i32>) -> &Arc<TopicConfig> {
        node.and_then(|node| self.of_nodes.get(&node)).unwrap_or(&self.of_all)
    }

    fn log_settings(&self) -> NodeLogSettings {
        let of_node = |(node, config): (&i32, &Arc<TopicConfig>)| (*node, log_settings(config));
        NodeLogSettings {
            of_all: log_settings(&self.of_all),
            of_nodes: self.of_nodes.iter().map(of_node).collect(),
        }
    }
}

/// A topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: Arc<str>,
    /// A topic that is deleted and created again has another id (KIP-516).
    pub(crate) id: Uuid,
    configs: RwLock<Configs>,
    /// Shared, so that a request works on one list while partitions are added.
    partitions: RwLock<Arc<[Arc<Partition>]>>,
}

impl Topic {
    /// Opens the logs of a persisted topic.
    pub(super) fn open(record: TopicRecord, place: &Place<'_>) -> Result<Self, LogError> {
        let own = TopicConfig::from_overrides(record.config, Inherited::default()).map_err(
            |rejection| {
                LogError::from(io::Error::new(io::ErrorKind::InvalidData, rejection.message))
            },
        )?;
        let topic = Self {
            name: record.name.into(),
            id: record.id,
            configs: RwLock::new(Configs::new(&own, &place.handed_down)),
            partitions: RwLock::default(),
        };
        let partitions = topic.open_partitions(record.replicas, place)?;
        topic.add_partitions(partitions);
        Ok(topic)
    }

    /// Opens the logs of further partitions, numbered on from the last, which no request sees yet.
    pub(super) fn open_partitions(
        &self,
        replicas: Vec<Vec<i32>>,
        place: &Place<'_>,
    ) -> Result<Vec<Arc<Partition>>, LogError> {
        let configs = self.configs.read().clone();
        let settings = configs.log_settings();
        let config = &configs.of_all;
        let present = self.partitions().len();
        let mut opened = Vec::with_capacity(replicas.len());
        for (number, replicas) in (present..).zip(replicas) {
            let index = number as i32;
            let directory = place.store.partition_directory(&self.name, index);
            let opened_with = settings.of_all.clone();
            let (log, recovery) =
                Log::open(directory, opened_with, self.id, place.open_files, place.now)?;
            if recovery.cut_bytes > 0 {
                let (topic, bytes) = (&self.name, recovery.cut_bytes);
                tracing::warn!(%topic, index, bytes, "a torn end was cut off the log");
            }
            let replicas = availability_of(place.nodes, replicas, number);
            let epoch = log.latest_epoch().map_or(place.epoch, |latest| latest.max(place.epoch));
            let min_in_sync = min_in_sync(config);
            let replication = Replication::new(&replicas, epoch, min_in_sync, log.end_offset());
            let is_unclean_allowed = config.unclean_leader_election_enable();
            let partition = Partition::new(index, replication, log, is_unclean_allowed);
            if !settings.of_nodes.is_empty() {
                partition.configure(settings.clone(), min_in_sync, is_unclean_allowed);
            }
            opened.push(Arc::new(partition));
        }
        Ok(opened)
    }

    /// Publishes partitions that were opened.
    pub(super) fn add_partitions(&self, opened: Vec<Arc<Partition>>) {
        let mut partitions = self.partitions.write();
        *partitions = partitions.iter().cloned().chain(opened).collect();
    }

    pub(crate) fn partitions(&self) -> Arc<[Arc<Partition>]> {
        Arc::clone(&self.partitions.read())
    }

    pub(crate) fn partition(&self, index: i32) -> Option<Arc<Partition>> {
        self.partitions.read().get(usize::try_from(index).ok()?).cloned()
    }

    /// Returns the settings of the topic with the defaults of all nodes.
    pub(crate) fn config(&self) -> Arc<TopicConfig> {
        Arc::clone(&self.configs.read().of_all)
    }

    /// Returns the settings of the topic at one node, whose own defaults may differ.
    pub(crate) fn config_at(&self, node: Option<i32>) -> Arc<TopicConfig> {
        Arc::clone(self.configs.read().at(node))
    }

    /// Applies settings to later appends.
    pub(super) fn configure(&self, own: &TopicConfig, handed_down: &HandedDown) {
        let configs = Configs::new(own, handed_down);
        let (settings, config) = (configs.log_settings(), &configs.of_all);
        for partition in self.partitions().iter() {
            let is_unclean_allowed = config.unclean_leader_election_enable();
            partition.configure(settings.clone(), min_in_sync(config), is_unclean_allowed);
        }
        *self.configs.write() = configs;
    }

    /// Returns whether the topic is internal.
    pub(crate) fn is_internal(&self) -> bool {
        names::is_internal(&self.name)
    }

    /// Returns its persisted form.
    pub(super) fn record(&self, config: &TopicConfig, added: Vec<Vec<i32>>) -> TopicRecord {
        let partitions = self.partitions();
        // A reassignment that has begun is done when the cluster starts again.
        let replicas = partitions.iter().map(|partition| {
            let led = partition.leadership();
            led.replicas.into_iter().filter(|node| !led.removing.contains(node)).collect()
        });
        TopicRecord {
            name: self.name.to_string(),
            id: self.id,
            replicas: replicas.chain(added).collect(),
            config: config.overrides().clone(),
        }
    }
}

/// Returns the states of a partition's nodes. A data directory may have been written with more
/// nodes than there are: their replicas stay assigned and are out of sync until they come back. A
/// partition that lost all of its nodes moves to one that exists, since its log is there too.
fn availability_of(
    nodes: &[NodeAvailability],
    replicas: Vec<i32>,
    partition: usize,
) -> Vec<NodeAvailability> {
    let find = |id: i32| nodes.iter().copied().find(|node| node.id == id);
    if !replicas.iter().any(|id| find(*id).is_some()) {
        return vec![nodes[partition % nodes.len()]];
    }
    let absent = |id| NodeAvailability { id, is_up: false, is_replication_paused: false };
    replicas.into_iter().map(|id| find(id).unwrap_or_else(|| absent(id))).collect()
}

fn min_in_sync(config: &TopicConfig) -> usize {
    usize::try_from(config.min_insync_replicas()).unwrap_or(1)
}

/// Returns the part of a topic's settings that concerns its logs. No number is negative:
/// `TopicConfig` has rejected negative ones.
fn log_settings(config: &TopicConfig) -> LogSettings {
    let policy = config.cleanup_policy();
    LogSettings {
        segment_bytes: u64::try_from(config.segment_bytes()).unwrap_or(0),
        segment_ms: segment_ms(config),
        segment_jitter_ms: config.segment_jitter_ms().min(config.segment_ms()),
        index_interval_bytes: u64::try_from(config.index_interval_bytes()).unwrap_or(0),
        index_max_bytes: u64::try_from(config.segment_index_bytes()).unwrap_or(0),
        max_message_bytes: usize::try_from(config.max_message_bytes()).unwrap_or(0),
        timestamp_type: config.message_timestamp_type(),
        timestamp_before_max_ms: config.message_timestamp_before_max_ms(),
        timestamp_after_max_ms: config.message_timestamp_after_max_ms(),
        compression: config.compression_type(),
        compacted: policy.compact,
        deleted: policy.delete,
        retention_ms: Some(config.retention_ms()).filter(|age| *age >= 0),
        retention_bytes: u64::try_from(config.retention_bytes()).ok(),
        delete_retention_ms: config.delete_retention_ms(),
        min_compaction_lag_ms: config.min_compaction_lag_ms(),
        max_compaction_lag_ms: config.max_compaction_lag_ms(),
        min_dirty_ratio: config.min_cleanable_dirty_ratio(),
        producer_id_expiration_ms: config.producer_id_expiration_ms(),
    }
}

/// Limits the age of a segment, so that it ends before its records must be compacted.
fn segment_ms(config: &TopicConfig) -> Timestamp {
    if config.cleanup_policy().compact {
        return config.segment_ms().min(config.max_compaction_lag_ms());
    }
    config.segment_ms()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_on_missing_nodes_stay_assigned_and_are_out_of_sync() {
        let replicas = availability_of(&[1, 2].map(NodeAvailability::up), vec![3, 2, 1], 0);
        let led = Replication::new(&replicas, 0, 1, 0).leadership();
        assert_eq!((led.leader, led.replicas), (2, vec![3, 2, 1]));
        assert_eq!((led.in_sync, led.offline), (vec![2, 1], vec![3]));
    }

    #[test]
    fn a_partition_without_any_of_its_nodes_moves_to_an_existing_one() {
        let replicas = availability_of(&[1, 2].map(NodeAvailability::up), vec![3], 1);
        assert_eq!(replicas, [NodeAvailability::up(2)]);
    }
}
