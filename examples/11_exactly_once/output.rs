//! What comes out: a record for each departure, with the count of its airport so far. The topic is
//! the worker's memory as well: its last counts are in it.

use std::collections::BTreeMap;

use anyhow::Result;
use helpers::{ConsumerBuilder, EndOfPartitions, unique_name};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use serde::{Deserialize, Serialize};

use crate::departures::{Departure, PARTITIONS};

/// A departure, and how many the airport has had with it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) flight: String,
    pub(crate) from: String,
    pub(crate) count: u64,
}

/// How many departures each airport has had.
#[derive(Debug, Default)]
pub(crate) struct Counts(BTreeMap<String, u64>);

impl Counts {
    // ANCHOR: rebuild
    /// What is in the output already: the last record of an airport has its count.
    pub(crate) async fn rebuild(brokers: &str, output: &str) -> Result<Counts> {
        let counted = read(brokers, output, "read_committed").await?;
        Ok(Counts(counted.into_iter().map(|it| (it.from, it.count)).collect()))
    }

    /// Counts one more departure.
    pub(crate) fn count(&mut self, departure: Departure) -> Counted {
        let Departure { flight, from } = departure;
        let count = self.0.entry(from.clone()).or_default();
        *count += 1;
        Counted { flight, from, count: *count }
    }
    // ANCHOR_END: rebuild

    pub(crate) fn of(&self, airport: &str) -> u64 {
        self.0.get(airport).copied().unwrap_or(0)
    }
}

/// Everything in the topic, up to its end as such a reader sees it.
pub(crate) async fn read(brokers: &str, topic: &str, isolation: &str) -> Result<Vec<Counted>> {
    let consumer = ConsumerBuilder::new(brokers, unique_name("counts-reader"))
        .set("isolation.level", isolation)
        .set("fetch.wait.max.ms", "50")
        .enable_partition_eof()
        .build()
        .await?;
    let mut partitions = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        partitions.add_partition_offset(topic, partition, Offset::Offset(0))?;
    }
    consumer.assign(&partitions)?;
    let (mut counted, mut end) = (Vec::new(), EndOfPartitions::new());
    while !end.all_of(&partitions) {
        match consumer.recv().await {
            Ok(message) => {
                counted.push(serde_json::from_slice(message.payload().unwrap_or_default())?);
            }
            Err(KafkaError::PartitionEOF(partition)) => end.ended(partition),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(counted)
}
