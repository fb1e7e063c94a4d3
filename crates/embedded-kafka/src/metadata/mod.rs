//! The cluster's metadata: nodes, topics, partitions and their settings.
//!
//! A reader takes a short read lock and shares the result. Changes go one at a time, as through
//! Kafka's controller, and are on disk before they are seen.

mod assignment;
mod changes;
mod internal_topic;
mod maintenance;
mod new_topic;
mod node_list;
mod nodes;
mod offsets_topic;
mod partition;
mod partition_state;
mod reassign;
pub(crate) mod replication;
mod store;
mod topic;
mod transaction_topic;

pub(crate) mod names;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kafka_protocol::ResponseError;
use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use self::node_list::Nodes;
use self::replication::{NO_LEADER, NodeAvailability};
use self::store::{ClusterRecord, Store, StoreError};
use crate::config::layers::{Given, HandedDown};
use crate::config::{Layers, Settings, started};
use crate::error::StartError;
use crate::event::Events;
use crate::log::{OpenFiles, is_partition_directory};
use crate::rejection::Rejection;
use crate::time::{Clock, Timestamp};

pub(crate) use self::new_topic::{MOST_PARTITIONS, NewTopic};
pub use self::node_list::Node;
pub(crate) use self::node_list::Voter;
pub(crate) use self::partition::Partition;
pub(crate) use self::partition_state::{PartitionState, READ_COMMITTED, READ_UNCOMMITTED, Written};
use self::topic::Place;
pub(crate) use self::topic::Topic;

/// The number of producer ids in a block, which is allocated with one write to the disk.
const PRODUCER_ID_BLOCK: i64 = 1000;

const MIN_IN_SYNC: &str = "min.insync.replicas";

/// The limit of open segment files of idle partitions.
const OPEN_FILES: usize = 512;

/// The cluster's metadata.
#[derive(Debug)]
pub(crate) struct Metadata {
    cluster_id: String,
    nodes: Nodes,
    settings: Settings,
    store: Store,
    topics: RwLock<Topics>,
    internal_partitions: InternalPartitions,
    /// Held while a topic is created, changed or deleted: one change at a time.
    changing: Mutex<()>,
    counters: Mutex<Counters>,
    /// The settings that topics inherit from the nodes.
    handed_down: RwLock<Arc<HandedDown>>,
    open_files: Arc<OpenFiles>,
    /// Set when the logs are about to be closed: no background work begins to change them any more.
    is_closing: AtomicBool,
    pub(crate) clock: Arc<Clock>,
    events: Events,
}

#[derive(Debug, Default)]
struct Topics {
    by_name: BTreeMap<Arc<str>, Arc<Topic>>,
    by_id: HashMap<Uuid, Arc<Topic>>,
}

/// The number of partitions that groups and transactional ids are spread over. As in Kafka, it is
/// fixed when the cluster starts, even if the topics change later.
#[derive(Debug)]
struct InternalPartitions {
    offsets: i32,
    transactions: i32,
}

impl InternalPartitions {
    fn of(settings: &Settings, topics: &Topics) -> Self {
        let of = |name: &str, default: i32| {
            topics.by_name.get(name).map_or(default, |topic| topic.partitions().len() as i32)
        };
        Self {
            offsets: of(names::CONSUMER_OFFSETS, settings.offsets_topic_partitions),
            transactions: of(names::TRANSACTION_STATE, settings.transaction_topic_partitions),
        }
    }
}

#[derive(Debug)]
struct Counters {
    /// The files on disk.
    record: ClusterRecord,
    next_producer_id: i64,
}

impl Metadata {
    /// Reads a data directory and opens the log of every partition in it.
    pub(crate) fn open(
        directory: &Path,
        nodes: &[Node],
        settings: &Settings,
        clock: &Arc<Clock>,
        events: Events,
    ) -> Result<Self, StartError> {
        let store = Store::open(directory)?;
        let mut record = store.cluster()?;
        if record.elections > 0 {
            // Leaders have new epochs, so that clients do not take them for the leaders that they
            // knew.
            record.elections += 1;
            store
                .write_cluster(&record)
                .map_err(|source| StartError::DataDirectory { path: directory.into(), source })?;
        }
        let nodes = Nodes::new(nodes);
        let open_files = OpenFiles::new(OPEN_FILES);
        let mut topics = Topics::default();
        let availability = nodes.availability();
        let handed_down =
            Arc::new(HandedDown::of(&settings.given, &with_min_in_sync(&record, settings)));
        let place = Place {
            store: &store,
            nodes: &availability,
            epoch: record.elections,
            open_files: &open_files,
            now: clock.now(),
            handed_down: Arc::clone(&handed_down),
        };
        for record in store.read_topics()? {
            let topic = record.name.clone();
            let topic = Topic::open(record, &place)
                .map_err(|source| StartError::Log { topic, source: Box::new(source) })?;
            topics.insert(Arc::new(topic));
        }
        let internal_partitions = InternalPartitions::of(settings, &topics);
        let metadata = Self {
            cluster_id: record.cluster_id.clone(),
            nodes,
            settings: settings.clone(),
            topics: RwLock::new(topics),
            internal_partitions,
            changing: Mutex::new(()),
            // The first request for an id allocates a new block: which ids of the last block were
            // allocated is unknown.
            counters: Mutex::new(Counters { next_producer_id: record.next_producer_id, record }),
            handed_down: RwLock::new(handed_down),
            open_files,
            is_closing: AtomicBool::new(false),
            clock: Arc::clone(clock),
            events,
            store,
        };
        metadata
            .sweep()
            .map_err(|source| StartError::DataDirectory { path: metadata.store.logs(), source })?;
        Ok(metadata)
    }

    pub(crate) fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// Returns the nodes in clients' metadata, by id.
    pub(crate) fn nodes(&self) -> Arc<[Node]> {
        self.nodes.listed()
    }

    /// Returns a node in clients' metadata.
    pub(crate) fn node(&self, id: i32) -> Option<Node> {
        self.nodes().iter().find(|node| node.id == id).cloned()
    }

    /// Returns the nodes in a rack.
    pub(crate) fn nodes_in(&self, rack: &str) -> Vec<i32> {
        let ids = self.node_ids().into_iter();
        ids.filter(|node| self.settings.rack(*node) == Some(rack)).collect()
    }

    /// Returns the sources of a node's settings, the nearest first.
    pub(crate) fn layers(&self, node: i32) -> Layers {
        let place = started::Place {
            node,
            address: self.node(node).map(|node| node.address.to_string()).unwrap_or_default(),
            log_dir: self.store.logs().display().to_string(),
            rack: self.settings.rack(node).map(str::to_owned),
            internal_replication_factor: self.internal_replication_factor(),
        };
        Layers {
            own: self.node_overrides(&node.to_string()),
            of_all: self.node_overrides(""),
            started: started::started(&self.settings, &place),
        }
    }

    /// Returns the settings that topics inherit from the nodes.
    pub(super) fn handed_down(&self) -> Arc<HandedDown> {
        Arc::clone(&self.handed_down.read())
    }

    /// Computes the inherited settings again, for the topics that are created from now on.
    fn make_handed_down(&self) -> Arc<HandedDown> {
        let overrides = with_min_in_sync(&self.counters.lock().record, &self.settings);
        let handed_down = Arc::new(HandedDown::of(&self.settings.given, &overrides));
        *self.handed_down.write() = Arc::clone(&handed_down);
        handed_down
    }

    /// Returns the directory of the logs, which all nodes share.
    pub(crate) fn log_dir(&self) -> std::path::PathBuf {
        self.store.logs()
    }

    /// Returns the dynamic settings of a node, or of all nodes if `name` is empty.
    pub(crate) fn node_overrides(&self, name: &str) -> Given {
        let counters = self.counters.lock();
        with_min_in_sync(&counters.record, &self.settings).remove(name).unwrap_or_default()
    }

    /// Persists other dynamic settings of the nodes.
    fn write_node_overrides(&self, name: &str, mut overrides: Given) -> Result<(), Rejection> {
        if name.is_empty() && overrides.get(MIN_IN_SYNC) == Some(&min_in_sync(&self.settings)) {
            overrides.remove(MIN_IN_SYNC);
        }
        self.change_record(|record| put(&mut record.node_overrides, name, overrides))
    }

    /// Returns the settings of a consumer group.
    pub(crate) fn group_overrides(&self) -> Overrides {
        self.counters.lock().record.group_overrides.clone()
    }

    /// Replaces the settings of a consumer group.
    ///
    /// # Errors
    /// `KAFKA_STORAGE_ERROR` if they cannot be persisted.
    pub(crate) fn set_group_overrides(
        &self,
        group: &str,
        overrides: BTreeMap<String, String>,
    ) -> Result<(), Rejection> {
        self.change_record(|record| put(&mut record.group_overrides, group, overrides))
    }

    /// Returns the subscriptions to clients' metrics that have settings, by name.
    pub(crate) fn metrics_subscriptions(&self) -> Vec<String> {
        self.counters.lock().record.metrics_overrides.keys().cloned().collect()
    }

    /// Returns the settings of a subscription to clients' metrics.
    pub(crate) fn metrics_overrides(&self, subscription: &str) -> Given {
        let counters = self.counters.lock();
        counters.record.metrics_overrides.get(subscription).cloned().unwrap_or_default()
    }

    /// Replaces the settings of a subscription to clients' metrics.
    ///
    /// # Errors
    /// `KAFKA_STORAGE_ERROR` if they cannot be persisted.
    pub(crate) fn set_metrics_overrides(
        &self,
        subscription: &str,
        overrides: Given,
    ) -> Result<(), Rejection> {
        self.change_record(|record| put(&mut record.metrics_overrides, subscription, overrides))
    }

    fn change_record(&self, change: impl FnOnce(&mut ClusterRecord)) -> Result<(), Rejection> {
        let mut counters = self.counters.lock();
        let mut record = counters.record.clone();
        change(&mut record);
        self.store
            .write_cluster(&record)
            .map_err(|error| Rejection::new(ResponseError::KafkaStorageError, error.to_string()))?;
        counters.record = record;
        Ok(())
    }

    /// Returns the controller: the node that responds for the whole cluster's metadata. Every node
    /// can; clients expect one.
    pub(crate) fn controller(&self) -> i32 {
        self.nodes().first().map_or(NO_LEADER, |node| node.id)
    }

    /// Returns the controller's epoch: how often the controller has changed so far, plus one.
    pub(crate) fn controller_epoch(&self) -> i32 {
        self.counters.lock().record.elections.saturating_add(1)
    }

    /// Returns the number of changes of the metadata since the cluster started, plus one: the end
    /// of the log of Kafka's controllers.
    pub(crate) fn changes(&self) -> i64 {
        self.store.changes()
    }

    /// Returns all topics, by name.
    pub(crate) fn topics(&self) -> Vec<Arc<Topic>> {
        self.topics.read().by_name.values().cloned().collect()
    }

    pub(crate) fn topic(&self, name: &str) -> Option<Arc<Topic>> {
        self.topics.read().by_name.get(name).cloned()
    }

    pub(crate) fn topic_by_id(&self, id: Uuid) -> Option<Arc<Topic>> {
        self.topics.read().by_id.get(&id).cloned()
    }

    /// Returns a partition of a topic.
    ///
    /// # Errors
    /// `UNKNOWN_TOPIC_OR_PARTITION`
    pub(crate) fn partition(
        &self,
        topic: &str,
        partition: i32,
    ) -> Result<Arc<Partition>, ResponseError> {
        self.topic(topic)
            .and_then(|topic| topic.partition(partition))
            .ok_or(ResponseError::UnknownTopicOrPartition)
    }

    pub(crate) fn has_partition(&self, topic: &str, partition: i32) -> bool {
        self.partition(topic, partition).is_ok()
    }

    /// Allocates a producer id.
    ///
    /// # Errors
    /// `KAFKA_STORAGE_ERROR` if the next block of ids cannot be persisted.
    pub(crate) fn allocate_producer_id(&self) -> Result<i64, ResponseError> {
        let mut ids = self.counters.lock();
        if ids.next_producer_id >= ids.record.next_producer_id {
            let mut record = ids.record.clone();
            record.next_producer_id += PRODUCER_ID_BLOCK;
            self.store.write_cluster(&record).map_err(|error| {
                tracing::error!(%error, "no new producer ids");
                ResponseError::KafkaStorageError
            })?;
            ids.record = record;
        }
        ids.next_producer_id += 1;
        Ok(ids.next_producer_id - 1)
    }

    /// Expires the idle producers of every log.
    pub(crate) fn expire_idle_producers(&self, now: Timestamp) {
        for partition in self.topics().iter().flat_map(|topic| topic.partitions().to_vec()) {
            partition.with(|state| state.log.tick(now));
        }
    }

    /// Closes the files without a reader.
    pub(crate) fn close_idle_files(&self) {
        self.open_files.close_idle();
    }

    /// Closes every log in order, so that the next start need not check it.
    pub(crate) fn close(&self) {
        for partition in self.topics().iter().flat_map(|topic| topic.partitions().to_vec()) {
            if let Err(error) = partition.with(|state| state.log.close()) {
                tracing::warn!(%error, partition = partition.index, "a log was not closed cleanly");
            }
        }
    }

    fn place_for_logs<'a>(&'a self, nodes: &'a [NodeAvailability]) -> Place<'a> {
        let now = self.clock.now();
        let (store, open_files, handed_down) = (&self.store, &self.open_files, self.handed_down());
        Place { store, nodes, epoch: 0, open_files, now, handed_down }
    }

    fn node_ids(&self) -> Vec<i32> {
        self.nodes.availability().iter().map(|node| node.id).collect()
    }

    /// Removes the files of deleted topics that a crash left. Other files are not the cluster's.
    fn sweep(&self) -> io::Result<()> {
        let logs = match std::fs::read_dir(self.store.logs()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            logs => logs?,
        };
        for log in logs {
            let log = log?;
            let name = log.file_name();
            let known = name.to_str().and_then(|name| name.rsplit_once('-')).is_some_and(
                |(topic, partition)| {
                    partition.parse().is_ok_and(|partition| self.has_partition(topic, partition))
                },
            );
            if !known && is_partition_directory(&log.path()) {
                std::fs::remove_dir_all(log.path())?;
            }
        }
        Ok(())
    }
}

impl Topics {
    fn insert(&mut self, topic: Arc<Topic>) {
        self.by_id.insert(topic.id, Arc::clone(&topic));
        self.by_name.insert(Arc::clone(&topic.name), topic);
    }

    fn remove(&mut self, name: &str) -> Option<Arc<Topic>> {
        let topic = self.by_name.remove(name)?;
        self.by_id.remove(&topic.id);
        Some(topic)
    }
}

/// Returns the dynamic settings of the nodes. A cluster with eligible leader replicas has one
/// `min.insync.replicas` for all of them, set as if by an administrator (KIP-966): the one that it
/// was started with. It is not persisted, so that the next start can choose another.
fn with_min_in_sync(record: &ClusterRecord, settings: &Settings) -> Overrides {
    let mut overrides = record.node_overrides.clone();
    let of_all = overrides.entry(String::new()).or_default();
    of_all.entry(MIN_IN_SYNC.to_owned()).or_insert_with(|| min_in_sync(settings));
    overrides
}

fn min_in_sync(settings: &Settings) -> String {
    settings.given.get(MIN_IN_SYNC).cloned().unwrap_or_else(|| "1".to_owned())
}

/// Settings by the name of the node, group or subscription that they are for.
pub(crate) type Overrides = BTreeMap<String, BTreeMap<String, String>>;

/// Replaces the settings of `name`; an empty list removes the entry.
fn put(all: &mut Overrides, name: &str, overrides: BTreeMap<String, String>) {
    if overrides.is_empty() {
        all.remove(name);
    } else {
        all.insert(name.to_owned(), overrides);
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Io { path, source } => Self::DataDirectory { path, source },
            StoreError::Format { path, reason } => Self::Incompatible { path, reason },
        }
    }
}
