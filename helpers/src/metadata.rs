//! Describes a topic: its partitions, their leaders and replicas, and their offsets.
//!
//! The request never creates the topic, even if the broker allows auto-creation.

use std::collections::BTreeMap;
use std::fmt;
use std::thread;
use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::{MetadataBroker, MetadataPartition};

use crate::Error;
use crate::config::client_config;
use crate::connection::{Deadline, MetadataClient, address, blocking};

const ASK_AGAIN_AFTER: Duration = Duration::from_millis(20);

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
    /// The replicas that are up to date (the ISR): only these may become leader, and a record is
    /// committed when all of them have it.
    pub in_sync_replicas: Vec<i32>,
    /// The offsets that can be read; `None` while the partition has no leader.
    pub watermarks: Option<Watermarks>,
}

/// The range of offsets that a consumer can read. Control records of transactions and compacted
/// records take offsets too, so there are at most `high - low` records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    /// The offset of the first record that is still stored.
    pub low: i64,
    /// The offset after the last record that consumers may read.
    pub high: i64,
}

impl TopicMetadata {
    /// Returns how many records the topic can hold, at most: the sum over the partitions of high −
    /// low.
    pub fn records(&self) -> i64 {
        let ranges = self.partitions.iter().filter_map(|it| it.watermarks);
        ranges.map(|range| range.high - range.low).sum()
    }
}

/// Describes a topic: partitions with leader, replicas, in-sync replicas and watermarks.
///
/// All leaders get their requests for watermarks at once, two each, however many partitions they
/// lead.
///
/// # Errors
/// [`Error::UnknownTopic`] if the topic does not exist, [`Error::InvalidTopicName`] if no topic can
/// have this name, [`Error::NotAuthorized`] if this user may not see it. Within five seconds:
/// [`Error::NoResponse`] if no broker responds, and [`Error::BrokerTimedOut`] if the leader of a
/// partition does not.
#[doc(alias = "get_metadata_topic")]
pub async fn topic_metadata(brokers: &str, topic: &str) -> Result<TopicMetadata, Error> {
    let config = client_config(brokers)?;
    let (topic, deadline) = (topic.to_owned(), Deadline::start());
    blocking(move || describe_with(&MetadataClient::new(&config, deadline)?, &topic)).await
}

/// Returns what [`topic_metadata`] returns; the watermarks depend on the client's isolation level.
///
/// A leader may change between the request for it and the request to it. Then both are sent again.
pub(crate) fn describe_with(client: &MetadataClient, topic: &str) -> Result<TopicMetadata, Error> {
    let mut before = None;
    loop {
        match (describe_once(client, topic), before.take()) {
            (Err(error), _) if may_pass(&error) && client.is_in_time() => before = Some(error),
            // The earlier error says more than that the retry timed out.
            (Err(Error::NoResponse { .. }), Some(known)) => return Err(known),
            (described, _) => return described,
        }
        thread::sleep(ASK_AGAIN_AFTER);
    }
}

fn describe_once(client: &MetadataClient, topic: &str) -> Result<TopicMetadata, Error> {
    let response = client.metadata(Some(topic))?;
    let unknown = || Error::UnknownTopic { topic: topic.to_owned() };
    let described = response.topics().first().ok_or_else(unknown)?;
    if let Some(error) = described.error() {
        return Err(topic_error(topic, error.into()));
    }
    let watermarks = all_watermarks(client, topic, described.partitions(), response.brokers())?;
    let with_watermarks = |partition: &MetadataPartition| PartitionMetadata {
        id: partition.id(),
        leader: leader(partition),
        replicas: partition.replicas().to_vec(),
        in_sync_replicas: partition.isr().to_vec(),
        watermarks: watermarks.get(&partition.id()).copied(),
    };
    let mut partitions: Vec<_> = described.partitions().iter().map(with_watermarks).collect();
    partitions.sort_by_key(|partition| partition.id);
    Ok(TopicMetadata { name: topic.to_owned(), partitions })
}

/// Kafka says -1 for "no leader". A request for such a partition would only time out.
fn leader(partition: &MetadataPartition) -> Option<i32> {
    Some(partition.leader()).filter(|id| *id >= 0)
}

/// Requests the watermarks of every partition that has a leader. Each leader gets its request on a
/// thread of its own, so that one that hangs can be named and delays no other.
fn all_watermarks(
    client: &MetadataClient,
    topic: &str,
    partitions: &[MetadataPartition],
    brokers: &[MetadataBroker],
) -> Result<BTreeMap<i32, Watermarks>, Error> {
    let mut led: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for partition in partitions {
        if let Some(leader) = leader(partition) {
            led.entry(leader).or_default().push(partition.id());
        }
    }
    let named = |id: i32| match brokers.iter().find(|broker| broker.id() == id) {
        Some(broker) => format!("broker {id} at {}", address(broker)),
        None => format!("broker {id}"),
    };
    thread::scope(|scope| {
        let ask = |(id, partitions): (i32, Vec<i32>)| {
            let leader = named(id);
            scope.spawn(move || client.watermarks(&leader, topic, &partitions))
        };
        let asked: Vec<_> = led.into_iter().map(ask).collect();
        let mut watermarks = BTreeMap::new();
        for response in asked {
            let response =
                response.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            let ranges = response.into_iter();
            watermarks.extend(ranges.map(|(id, (low, high))| (id, Watermarks { low, high })));
        }
        Ok(watermarks)
    })
}

/// Returns whether an error means that a leader is changing, so that a retry may succeed.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::BrokerTimedOut { .. } => true,
        Error::Kafka(error) => matches!(
            error.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::NotLeaderForPartition
                    | RDKafkaErrorCode::LeaderNotAvailable
                    | RDKafkaErrorCode::ReplicaNotAvailable
                    | RDKafkaErrorCode::OffsetNotAvailable
                    | RDKafkaErrorCode::FencedLeaderEpoch
                    | RDKafkaErrorCode::UnknownLeaderEpoch
                    // The topic was deleted, or its leader has not learned of it: the metadata says
                    // which.
                    | RDKafkaErrorCode::UnknownTopicOrPartition
                    | RDKafkaErrorCode::UnknownPartition
            )
        ),
        _ => false,
    }
}

/// Converts Kafka's error for one topic of a metadata response.
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
        code => Error::Rejected { action: format!("describe topic {topic}"), code },
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
