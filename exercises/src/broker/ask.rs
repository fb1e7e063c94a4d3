//! The questions. Each is a client of its own, so that it leaves no trace in the program's group.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::broker::group::{self, Group};
use crate::broker::records::{self, Records};
use crate::broker::requests::{Recorder, Requests};
use crate::broker::transactions;
use crate::cluster::SceneCluster;

/// The time that a question may take, with a node down.
const LIMIT: Duration = Duration::from_secs(20);

/// Asks the cluster of a scene.
#[derive(Debug, Clone)]
pub(crate) struct Broker {
    servers: String,
    recorder: Option<Recorder>,
    /// The transactional ids that earlier scenes have left open, on a cluster that stays.
    left_open: BTreeSet<String>,
}

impl Broker {
    /// Begins to record requests, where the cluster is the embedded one.
    pub(crate) fn of(cluster: &SceneCluster) -> Self {
        let recorder = cluster.switchboard().map(|it| Recorder::start(it.events()));
        let servers = cluster.bootstrap_servers().to_owned();
        let left_open = match recorder {
            Some(_) => BTreeSet::new(),
            None => transactions::open(&servers, LIMIT).unwrap_or_default().into_keys().collect(),
        };
        Self { servers, recorder, left_open }
    }

    /// Returns the committed records of a topic, in the order of each partition. A topic that does
    /// not exist has none.
    pub(crate) async fn records(&self, topic: &str) -> anyhow::Result<Records> {
        self.read(topic, true).await
    }

    /// Returns all records of a topic, those of aborted and open transactions too.
    pub(crate) async fn records_with_aborted(&self, topic: &str) -> anyhow::Result<Records> {
        self.read(topic, false).await
    }

    async fn read(&self, topic: &str, committed: bool) -> anyhow::Result<Records> {
        if !self.topics().await?.iter().any(|it| it == topic) {
            return Ok(Records::default());
        }
        let (servers, name) = (self.servers.clone(), topic.to_owned());
        let read = move || records::read(&servers, &name, committed, LIMIT);
        let read = tokio::task::spawn_blocking(read).await?;
        read.with_context(|| format!("reading the topic {topic}"))
    }

    /// Returns the topics, without the cluster's own.
    pub(crate) async fn topics(&self) -> anyhow::Result<Vec<String>> {
        let mut topics = helpers::list_topics(&self.servers).await?;
        topics.retain(|topic| !topic.starts_with("__"));
        Ok(topics)
    }

    /// Returns the number of partitions and of replicas of a topic, if it exists.
    pub(crate) async fn shape(&self, topic: &str) -> anyhow::Result<Option<(usize, usize)>> {
        if !self.topics().await?.iter().any(|it| it == topic) {
            return Ok(None);
        }
        let described = helpers::topic_metadata(&self.servers, topic).await?;
        let replicas = described.partitions.first().map_or(0, |it| it.replicas.len());
        Ok(Some((described.partitions.len(), replicas)))
    }

    /// Returns the leader of each partition.
    pub(crate) async fn leaders(&self, topic: &str) -> anyhow::Result<BTreeMap<i32, Option<i32>>> {
        let described = helpers::topic_metadata(&self.servers, topic).await?;
        Ok(described.partitions.into_iter().map(|it| (it.id, it.leader)).collect())
    }

    /// Returns the number of partitions of a topic, and of those that lack an in-sync replica.
    pub(crate) async fn missing_copies(&self, topic: &str) -> anyhow::Result<(usize, usize)> {
        let described = helpers::topic_metadata(&self.servers, topic).await?;
        let lacks =
            |it: &&helpers::PartitionMetadata| it.in_sync_replicas.len() < it.replicas.len();
        Ok((described.partitions.len(), described.partitions.iter().filter(lacks).count()))
    }

    /// Tells whether a node has left the ISR of every partition, and each partition has a leader.
    pub(crate) async fn is_in_sync_without(&self, topic: &str, node: i32) -> anyhow::Result<bool> {
        let Ok(described) = helpers::topic_metadata(&self.servers, topic).await else {
            return Ok(false);
        };
        let mut partitions = described.partitions.iter();
        Ok(partitions.all(|it| it.leader.is_some() && !it.in_sync_replicas.contains(&node)))
    }

    /// Returns the sum of the offsets in use, over all partitions: quick to ask while a program
    /// writes.
    pub(crate) async fn written(&self, topic: &str) -> anyhow::Result<i64> {
        if !self.topics().await?.iter().any(|it| it == topic) {
            return Ok(0);
        }
        Ok(helpers::topic_metadata(&self.servers, topic).await?.records())
    }

    /// Does what [`written`](Self::written) does, and counts the records of open transactions too.
    pub(crate) async fn appended(&self, topic: &str) -> anyhow::Result<i64> {
        let (servers, name) = (self.servers.clone(), topic.to_owned());
        let appended = move || records::appended(&servers, &name, LIMIT);
        let appended = tokio::task::spawn_blocking(appended).await?;
        appended.with_context(|| format!("asking for the ends of the topic {topic}"))
    }

    /// Returns what a group has committed in a topic, and who its members are.
    pub(crate) async fn group(&self, name: &str, topic: &str) -> anyhow::Result<Group> {
        let lag = helpers::group_lag(&self.servers, name, topic).await?;
        let (servers, group) = (self.servers.clone(), name.to_owned());
        let (state, members) =
            tokio::task::spawn_blocking(move || group::members(&servers, &group, LIMIT)).await??;
        Ok(Group::new(lag, state, members))
    }

    /// Removes the members that a killed program has left in a group. Kafka does it when their
    /// session times out, after 45 s by default, and a check does not wait that long.
    pub(crate) async fn remove_members(&self, name: &str) -> anyhow::Result<()> {
        let (servers, group) = (self.servers.clone(), name.to_owned());
        let remove = move || group::remove_members(&servers, &group, LIMIT);
        let removed = tokio::task::spawn_blocking(remove).await?;
        removed.with_context(|| format!("removing the members of {name}"))
    }

    /// Returns the transactional ids whose transaction is open, each with its state. One that is
    /// decided is over as soon as its markers are written, and is waited for.
    pub(crate) async fn open_transactions(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let begin = Instant::now();
        loop {
            let servers = self.servers.clone();
            let ask = move || transactions::open(&servers, LIMIT);
            let mut open = tokio::task::spawn_blocking(ask).await??;
            open.retain(|id, _| !self.left_open.contains(id));
            let is_decided = open.values().any(|state| state.starts_with("Prepare"));
            if !is_decided || begin.elapsed() > LIMIT {
                return Ok(open);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Returns the requests since the program was started, if the cluster records them.
    pub(crate) fn requests(&self) -> Option<Requests> {
        self.recorder.as_ref().map(Recorder::requests)
    }

    /// Forgets the requests so far: those of the scene itself, before the program starts.
    pub(crate) fn forget_requests(&self) {
        if let Some(recorder) = &self.recorder {
            recorder.clear();
        }
    }

    /// Waits until `condition` holds, and returns whether it did within the limit.
    pub(crate) async fn until(
        &self,
        limit: Duration,
        condition: impl AsyncFn(&Self) -> anyhow::Result<bool>,
    ) -> anyhow::Result<bool> {
        let begin = Instant::now();
        while begin.elapsed() < limit {
            if condition(self).await? {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(false)
    }
}
