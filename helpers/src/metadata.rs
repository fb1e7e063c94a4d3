//! What a topic looks like: its partitions, who leads them, who copies them, what they hold.
//!
//! The question never creates the topic that it asks for, whatever the broker allows.

use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::MetadataPartition;

use crate::Error;
use crate::config::client_config;
use crate::connection::{ClusterQuestions, blocking};

/// A topic as the cluster describes it. `Display` prints an aligned table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicMetadata {
    /// The topic's name.
    pub name: String,
    /// Its partitions, in the order of their numbers.
    pub partitions: Vec<PartitionMetadata>,
}

/// One partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionMetadata {
    /// The partition's number, from 0.
    pub id: i32,
    /// The broker that takes all reads and writes; `None` while the partition has no leader.
    pub leader: Option<i32>,
    /// The brokers that hold a copy, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Those of them that are up to date (the ISR): only these may become leader, and a record is
    /// committed when all of them have it.
    pub in_sync_replicas: Vec<i32>,
    /// What can be read; `None` while nobody leads the partition.
    pub watermarks: Option<Watermarks>,
}

/// The range of offsets that a consumer can read. Control records of transactions and compacted
/// records take offsets too: `high - low` is the most that can be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    /// The offset of the first record that is still there.
    pub low: i64,
    /// The offset after the last record that consumers may read.
    pub high: i64,
}

impl TopicMetadata {
    /// How many records can be there, at the most: the sum over the partitions of high − low.
    pub fn records(&self) -> i64 {
        let ranges = self.partitions.iter().filter_map(|it| it.watermarks);
        ranges.map(|range| range.high - range.low).sum()
    }
}

/// Describes a topic: partitions with leader, replicas, in-sync replicas and watermarks.
///
/// Each partition's leader is asked for its watermarks in turn, so this takes one round trip or two
/// for each partition.
///
/// # Errors
/// [`Error::UnknownTopic`] where there is no such topic, [`Error::InvalidTopicName`] where there
/// cannot be, [`Error::NotAuthorized`] where this user may not see it, and [`Error::NoAnswer`]
/// within five seconds where no broker answers.
#[doc(alias = "get_metadata_topic")]
pub async fn topic_metadata(brokers: &str, topic: &str) -> Result<TopicMetadata, Error> {
    let config = client_config(brokers)?;
    let topic = topic.to_owned();
    blocking(move || describe(&config, &topic)).await
}

fn describe(config: &ClientConfig, topic: &str) -> Result<TopicMetadata, Error> {
    describe_with(&ClusterQuestions::new(config)?, topic)
}

/// What [`topic_metadata`] returns; the watermarks are those for who asks.
pub(crate) fn describe_with(
    questions: &ClusterQuestions,
    topic: &str,
) -> Result<TopicMetadata, Error> {
    let answer = questions.metadata(Some(topic))?;
    let unknown = || Error::UnknownTopic { topic: topic.to_owned() };
    let described = answer.topics().first().ok_or_else(unknown)?;
    if let Some(error) = described.error() {
        return Err(topic_error(topic, error.into()));
    }
    let mut partitions = described
        .partitions()
        .iter()
        .map(|partition| describe_partition(questions, topic, partition))
        .collect::<Result<Vec<_>, _>>()?;
    partitions.sort_by_key(|partition| partition.id);
    Ok(TopicMetadata { name: topic.to_owned(), partitions })
}

fn describe_partition(
    questions: &ClusterQuestions,
    topic: &str,
    partition: &MetadataPartition,
) -> Result<PartitionMetadata, Error> {
    // Kafka says -1 for "no leader". Asking a partition without one would only run into the limit.
    let leader = Some(partition.leader()).filter(|id| *id >= 0);
    let watermarks = match leader {
        Some(_) => {
            let (low, high) = questions.watermarks(topic, partition.id())?;
            Some(Watermarks { low, high })
        }
        None => None,
    };
    Ok(PartitionMetadata {
        id: partition.id(),
        leader,
        replicas: partition.replicas().to_vec(),
        in_sync_replicas: partition.isr().to_vec(),
        watermarks,
    })
}

/// Kafka's error for one topic of a metadata answer.
fn topic_error(topic: &str, code: RDKafkaErrorCode) -> Error {
    let topic = topic.to_owned();
    match code {
        RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition => {
            Error::UnknownTopic { topic }
        }
        RDKafkaErrorCode::InvalidTopic => {
            let reason = crate::topics::name_reason(&topic);
            Error::InvalidTopicName { topic, reason }
        }
        RDKafkaErrorCode::TopicAuthorizationFailed => {
            Error::NotAuthorized { action: format!("describe topic {topic}"), code }
        }
        code => Error::Refused { action: format!("describe topic {topic}"), code },
    }
}

impl fmt::Display for TopicMetadata {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = ["partition", "leader", "replicas", "in sync", "low", "high"];
        let mut rows = vec![heading.map(str::to_owned)];
        rows.extend(self.partitions.iter().map(PartitionMetadata::cells));
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        let lines: Vec<String> = rows.iter().map(|row| aligned(row, &widths)).collect();
        write!(out, "{}", lines.join("\n"))
    }
}

impl PartitionMetadata {
    fn cells(&self) -> [String; 6] {
        let or_none = |value: Option<i64>| value.map_or("none".to_owned(), |it| it.to_string());
        [
            self.id.to_string(),
            or_none(self.leader.map(i64::from)),
            joined(&self.replicas),
            joined(&self.in_sync_replicas),
            or_none(self.watermarks.map(|watermarks| watermarks.low)),
            or_none(self.watermarks.map(|watermarks| watermarks.high)),
        ]
    }
}

fn joined(brokers: &[i32]) -> String {
    brokers.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}

fn aligned(row: &[String; 6], widths: &[usize; 6]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:>width$}"));
    cells.collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_prints_as_an_aligned_table() {
        let led = PartitionMetadata {
            id: 0,
            leader: Some(2),
            replicas: vec![2, 3, 1],
            in_sync_replicas: vec![2, 3],
            watermarks: Some(Watermarks { low: 0, high: 1577 }),
        };
        let leaderless = PartitionMetadata {
            id: 1,
            leader: None,
            replicas: vec![3],
            in_sync_replicas: vec![],
            watermarks: None,
        };
        let topic =
            TopicMetadata { name: "airports".to_owned(), partitions: vec![led, leaderless] };
        let table = [
            "partition  leader  replicas  in sync   low  high",
            "        0       2     2,3,1      2,3     0  1577",
            "        1    none         3           none  none",
        ];
        assert_eq!(topic.to_string(), table.join("\n"));
        assert_eq!(topic.records(), 1577);
    }

    #[test]
    fn an_unknown_topic_is_an_error_that_names_it() {
        let error = topic_error("airprots", RDKafkaErrorCode::UnknownTopicOrPartition);
        assert!(matches!(error, Error::UnknownTopic { .. }), "{error}");
        assert!(error.to_string().contains("airprots"), "{error}");
    }
}
