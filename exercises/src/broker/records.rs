//! The records of a topic.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::bail;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::metadata::MetadataPartition;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// A record as it is on the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: Option<String>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// In ms since 1970.
    pub(crate) timestamp: Option<i64>,
}

impl Record {
    /// Returns the value as text. One that is missing is empty.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.value.as_deref().unwrap_or_default()).into_owned()
    }

    /// Returns the value as JSON, or null if it is not JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(self.value.as_deref().unwrap_or_default()).unwrap_or_default()
    }

    /// Returns a header's value as text.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }
}

/// Records of a topic, sorted by partition and offset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Records(pub(crate) Vec<Record>);

impl Records {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.0.iter()
    }

    /// Keeps the records that have a header.
    pub(crate) fn with_header(self, name: &str) -> Self {
        self.filter(|record| record.header(name).is_some())
    }

    /// Keeps the records with a key.
    pub(crate) fn with_key(self, key: &str) -> Self {
        self.filter(|record| record.key.as_deref() == Some(key))
    }

    /// Keeps the records of a partition.
    pub(crate) fn in_partition(self, partition: i32) -> Self {
        self.filter(|record| record.partition == partition)
    }

    /// Keeps the records for which `keep` holds.
    pub(crate) fn filter(self, keep: impl FnMut(&Record) -> bool) -> Self {
        let mut records = self.0;
        let mut keep = keep;
        records.retain(|record| keep(record));
        Self(records)
    }

    /// Returns the values as text, in order.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.iter().map(Record::text).collect()
    }

    /// Returns the keys that occur, each once.
    pub(crate) fn keys(&self) -> BTreeSet<String> {
        self.iter().filter_map(|record| record.key.clone()).collect()
    }

    /// Returns how many records each partition has.
    pub(crate) fn per_partition(&self) -> BTreeMap<i32, usize> {
        let mut counts = BTreeMap::new();
        for record in self.iter() {
            *counts.entry(record.partition).or_insert(0) += 1;
        }
        counts
    }

    /// Returns how many records are there more than once, by what `name` makes of them.
    pub(crate) fn duplicates<T: Ord>(&self, name: impl FnMut(&Record) -> T) -> usize {
        self.len() - self.iter().map(name).collect::<BTreeSet<T>>().len()
    }
}

/// Reads a topic from its first record to the end that it had when the reading began. Blocks.
pub(crate) fn read(
    servers: &str,
    topic: &str,
    committed: bool,
    limit: Duration,
) -> anyhow::Result<Records> {
    let isolation = if committed { "read_committed" } else { "read_uncommitted" };
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("client.id", "workshop-check")
        .set("group.id", "workshop-check")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "10")
        .set("isolation.level", isolation)
        .create()?;
    let metadata = consumer.fetch_metadata(Some(topic), limit)?;
    let partitions = metadata.topics().first().map_or(&[][..], |it| it.partitions());
    let mut open: BTreeSet<i32> = partitions.iter().map(MetadataPartition::id).collect();
    let mut assignment = TopicPartitionList::new();
    for partition in &open {
        assignment.add_partition_offset(topic, *partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let (begin, mut records) = (Instant::now(), Vec::new());
    while !open.is_empty() {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => records.push(record(&message)),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            // A leader that moves is found again.
            Some(Err(_)) | None if begin.elapsed() < limit => {}
            Some(Err(error)) => return Err(error.into()),
            None => bail!("partitions {open:?} did not respond within {limit:?}"),
        }
    }
    records.sort_by_key(|record| (record.partition, record.offset));
    Ok(Records(records))
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let headers = message.headers().map(|headers| {
        let headers = headers.iter();
        headers
            .map(|it| (it.key.to_owned(), it.value.unwrap_or_default().to_vec()))
            .collect::<Vec<_>>()
    });
    Record {
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(|key| String::from_utf8_lossy(key).into_owned()),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.unwrap_or_default(),
        timestamp: message.timestamp().to_millis(),
    }
}
