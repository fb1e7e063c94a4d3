//! Tracks which records are in the open transaction.
//!
//! The consumer's position and stored offsets do not work for this: a seek resets neither, so after
//! an abort both would still point past the records that must be read again.

use std::collections::BTreeMap;

use rdkafka::error::KafkaResult;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};

/// The first and the last offset of each partition.
#[derive(Default)]
pub struct Offsets {
    partitions: BTreeMap<(String, i32), (i64, i64)>,
    records: usize,
}

impl Offsets {
    pub fn add(&mut self, message: &BorrowedMessage<'_>) {
        let partition = (message.topic().to_owned(), message.partition());
        let offsets = self.partitions.entry(partition).or_insert((message.offset(), 0));
        offsets.1 = message.offset();
        self.records += 1;
    }

    pub fn records(&self) -> usize {
        self.records
    }

    /// Returns where to resume after an abort.
    pub fn first(&self) -> KafkaResult<TopicPartitionList> {
        self.list(|(first, _)| first)
    }

    /// Returns the offsets to commit: those of the next records.
    pub fn next(&self) -> KafkaResult<TopicPartitionList> {
        self.list(|(_, last)| last + 1)
    }

    fn list(&self, offset: impl Fn((i64, i64)) -> i64) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for ((topic, partition), offsets) in &self.partitions {
            list.add_partition_offset(topic, *partition, Offset::Offset(offset(*offsets)))?;
        }
        Ok(list)
    }
}
