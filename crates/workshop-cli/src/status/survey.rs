//! What is on a cluster, asked with rdkafka's consumer handle.
//!
//! A consumer that neither subscribes nor assigns joins no group, and asked with its handle
//! metadata creates no topic.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Context;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::groups::GroupInfo;
use rdkafka::metadata::{Metadata, MetadataPartition, MetadataTopic};
use rdkafka::{Offset, TopicPartitionList};

use super::assignment::assigned_topics;
use super::kinds::{self, Described};

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a cluster may take to miss a node that has gone, and how often that is looked at.
const MISS_LIMIT: Duration = Duration::from_secs(2);
const MISS_INTERVAL: Duration = Duration::from_millis(50);

/// What is on a cluster, at about one moment.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) cluster_id: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) topics: Vec<Topic>,
    /// An error where a node does not answer that the cluster has not missed yet.
    pub(crate) groups: anyhow::Result<Vec<Group>>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: i32,
    /// `None` for a node that holds replicas and is not in the metadata: it is down.
    pub(crate) address: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    /// The replicas of a partition, of the first one where they differ.
    pub(crate) replication: usize,
    pub(crate) partitions: Vec<Partition>,
}

/// A partition's ends, each `None` where no leader answered for it.
#[derive(Debug)]
pub(crate) struct Partition {
    id: i32,
    low_watermark: Option<i64>,
    high_watermark: Option<i64>,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// `None` where only a client with the cluster's security settings can ask.
    pub(crate) state: Option<String>,
    pub(crate) members: Option<usize>,
    /// One entry per topic that the group has committed to or is assigned.
    pub(crate) progress: Vec<Progress>,
}

/// How far a group is in a topic.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) topic: String,
    pub(crate) partitions: usize,
    /// How many of the partitions have a committed offset.
    pub(crate) committed: usize,
    /// Offsets from the committed ones to the high watermarks, `None` where nothing is committed.
    pub(crate) lag: Option<i64>,
}

impl Survey {
    /// Asks the cluster at `servers`, of whose nodes some are known to be absent. Blocks.
    pub(crate) fn take(servers: &str, absent: &[i32]) -> anyhow::Result<Self> {
        wait_until_missed(servers, absent)?;
        let consumer = observer(servers, None)?;
        let client = consumer.client();
        let metadata = consumer.fetch_metadata(None, LIMIT).context("asking for the topics")?;
        let nodes = nodes(&metadata);
        let mut topics = topics_with_watermarks(&consumer, metadata.topics())?;
        topics.sort_by(|one, other| one.name.cmp(&other.name));
        let addresses: Vec<String> = nodes.iter().filter_map(|node| node.address.clone()).collect();
        let groups = groups(servers, &addresses, &consumer, &topics);
        let cluster_id =
            client.fetch_cluster_id(LIMIT).unwrap_or_else(|| "without an id".to_owned());
        Ok(Self { cluster_id, nodes, topics, groups })
    }
}

/// A node that has just gone is in the metadata for a moment more, and a request to it waits.
fn wait_until_missed(servers: &str, absent: &[i32]) -> anyhow::Result<()> {
    let begin = Instant::now();
    while !absent.is_empty() && begin.elapsed() < MISS_LIMIT {
        let consumer = observer(servers, None)?;
        let metadata = consumer.fetch_metadata(None, LIMIT).context("asking for the nodes")?;
        if !metadata.brokers().iter().any(|node| absent.contains(&node.id())) {
            break;
        }
        std::thread::sleep(MISS_INTERVAL);
    }
    Ok(())
}

/// The nodes that run, and those that only their replicas tell of, by id.
fn nodes(metadata: &Metadata) -> Vec<Node> {
    let partitions = metadata.topics().iter().flat_map(MetadataTopic::partitions);
    let holders = partitions.flat_map(MetadataPartition::replicas);
    let mut nodes: BTreeMap<i32, Option<String>> = holders.map(|id| (*id, None)).collect();
    nodes.extend(
        metadata
            .brokers()
            .iter()
            .map(|node| (node.id(), Some(format!("{}:{}", node.host(), node.port())))),
    );
    nodes.into_iter().map(|(id, address)| Node { id, address }).collect()
}

/// The groups by name. Every node is asked for those that it coordinates.
fn groups(
    servers: &str,
    addresses: &[String],
    consumer: &BaseConsumer,
    topics: &[Topic],
) -> anyhow::Result<Vec<Group>> {
    let listed = consumer.client().fetch_group_list(None, LIMIT);
    let listed = listed.context("asking for the groups")?;
    let is_unknown = |group: &GroupInfo| group.state() == "Dead";
    let mut others = if listed.groups().iter().any(is_unknown) {
        kinds::described(addresses)
    } else {
        BTreeMap::new()
    };
    let mut groups = Vec::new();
    for group in listed.groups() {
        let (state, members, assigned) = match others.remove(group.name()) {
            Some(Described { state, members, topics }) => (Some(state), members, topics),
            None if is_unknown(group) => (None, None, BTreeSet::new()),
            None => {
                let assigned = group.members().iter().filter_map(|member| member.assignment());
                let assigned = assigned.flat_map(assigned_topics).collect();
                (Some(group.state().to_owned()), Some(group.members().len()), assigned)
            }
        };
        let progress = progress_of(servers, group.name(), &assigned, topics)?;
        groups.push(Group { name: group.name().to_owned(), state, members, progress });
    }
    groups.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(groups)
}

impl Topic {
    /// Kafka keeps its own state in topics that start so.
    pub(crate) fn is_internal(&self) -> bool {
        self.name.starts_with("__")
    }

    /// How many offsets the topic holds, `None` where a partition did not answer.
    pub(crate) fn records(&self) -> Option<i64> {
        self.partitions.iter().map(|one| Some(one.high_watermark? - one.low_watermark?)).sum()
    }
}

/// A consumer that only asks. A read_committed one would get the last stable offset in place
/// of the high watermark, and that is librdkafka's default.
fn observer(servers: &str, group: Option<&str>) -> anyhow::Result<BaseConsumer> {
    let mut config = workshop::client_config(servers);
    config.set("isolation.level", "read_uncommitted").set("enable.auto.commit", "false");
    if let Some(group) = group {
        config.set("group.id", group);
    }
    config.create().context("creating a client")
}

fn topics_with_watermarks(
    consumer: &BaseConsumer,
    topics: &[MetadataTopic],
) -> anyhow::Result<Vec<Topic>> {
    let low = ends(consumer, topics, Offset::Beginning)?;
    let high = ends(consumer, topics, Offset::End)?;
    let with_watermarks = |topic: &MetadataTopic| Topic {
        name: topic.name().to_owned(),
        replication: topic.partitions().first().map_or(0, |one| one.replicas().len()),
        partitions: topic
            .partitions()
            .iter()
            .map(|partition| {
                let key = (topic.name().to_owned(), partition.id());
                Partition {
                    id: partition.id(),
                    low_watermark: low.get(&key).copied(),
                    high_watermark: high.get(&key).copied(),
                }
            })
            .collect(),
    };
    Ok(topics.iter().map(with_watermarks).collect())
}

/// One end of every partition that has a leader, asked for in one request per node: ListOffsets
/// takes Kafka's two special offsets where it takes timestamps.
fn ends(
    consumer: &BaseConsumer,
    topics: &[MetadataTopic],
    end: Offset,
) -> anyhow::Result<BTreeMap<(String, i32), i64>> {
    let mut wanted = TopicPartitionList::new();
    for topic in topics {
        for partition in topic.partitions().iter().filter(|partition| partition.leader() >= 0) {
            wanted.add_partition_offset(topic.name(), partition.id(), end)?;
        }
    }
    if wanted.count() == 0 {
        return Ok(BTreeMap::new());
    }
    let answered = consumer.offsets_for_times(wanted, LIMIT).context("asking for the offsets")?;
    Ok(answered
        .elements()
        .iter()
        .filter(|element| element.error().is_ok())
        .filter_map(|element| match element.offset() {
            Offset::Offset(offset) => {
                Some(((element.topic().to_owned(), element.partition()), offset))
            }
            _ => None,
        })
        .collect())
}

/// How far `group` is in each topic that it has committed to or that its members are assigned.
fn progress_of(
    servers: &str,
    group: &str,
    assigned: &BTreeSet<String>,
    topics: &[Topic],
) -> anyhow::Result<Vec<Progress>> {
    let mut wanted = TopicPartitionList::new();
    for topic in topics {
        for partition in &topic.partitions {
            wanted.add_partition(&topic.name, partition.id);
        }
    }
    if wanted.count() == 0 {
        return Ok(Vec::new());
    }
    let committed = observer(servers, Some(group))?
        .committed_offsets(wanted, LIMIT)
        .with_context(|| format!("asking for the committed offsets of group {group}"))?;
    let committed: BTreeMap<(String, i32), i64> = committed
        .elements()
        .iter()
        .filter_map(|element| match element.offset() {
            Offset::Offset(offset) => {
                Some(((element.topic().to_owned(), element.partition()), offset))
            }
            _ => None,
        })
        .collect();
    Ok(topics
        .iter()
        .map(|topic| progress_in(topic, &committed))
        .filter(|progress| progress.committed > 0 || assigned.contains(&progress.topic))
        .collect())
}

fn progress_in(topic: &Topic, committed: &BTreeMap<(String, i32), i64>) -> Progress {
    let mut progress = Progress {
        topic: topic.name.clone(),
        partitions: topic.partitions.len(),
        committed: 0,
        lag: None,
    };
    for partition in &topic.partitions {
        let Some(offset) = committed.get(&(topic.name.clone(), partition.id)) else {
            continue;
        };
        progress.committed += 1;
        if let Some(high_watermark) = partition.high_watermark {
            // A group may have committed to a log that was cut since.
            *progress.lag.get_or_insert(0) += (high_watermark - offset).max(0);
        }
    }
    progress
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(high_watermarks: &[Option<i64>]) -> Topic {
        let partitions = (0..).zip(high_watermarks).map(|(id, &high_watermark)| Partition {
            id,
            low_watermark: Some(2),
            high_watermark,
        });
        Topic { name: "airports".to_owned(), replication: 3, partitions: partitions.collect() }
    }

    fn committed(offsets: &[(i32, i64)]) -> BTreeMap<(String, i32), i64> {
        offsets.iter().map(|&(id, offset)| (("airports".to_owned(), id), offset)).collect()
    }

    #[test]
    fn lag_is_the_high_watermark_minus_the_committed_offset_of_each_committed_partition() {
        let progress = progress_in(&topic(&[Some(10), Some(20)]), &committed(&[(0, 7)]));
        assert_eq!((progress.committed, progress.partitions, progress.lag), (1, 2, Some(3)));
    }

    #[test]
    fn nothing_committed_is_no_lag_rather_than_none() {
        let progress = progress_in(&topic(&[Some(10)]), &committed(&[]));
        assert_eq!((progress.committed, progress.lag), (0, None));
    }

    #[test]
    fn a_commit_beyond_the_end_of_a_log_that_was_cut_is_no_negative_lag() {
        assert_eq!(progress_in(&topic(&[Some(10)]), &committed(&[(0, 12)])).lag, Some(0));
    }

    #[test]
    fn records_of_a_topic_with_a_silent_partition_are_unknown() {
        assert_eq!(topic(&[Some(10), Some(20)]).records(), Some(26));
        assert_eq!(topic(&[Some(10), None]).records(), None);
    }
}
