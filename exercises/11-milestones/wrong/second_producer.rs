//! Sends the milestones with a producer of their own, which has no part in the transaction.
//!
//! Message: each airport has each of its milestones once

use std::collections::BTreeMap;
use std::env;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use helpers::{ConsumerBuilder, EndOfPartitions};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientConfig, ClientContext};

const LIMIT: Duration = Duration::from_secs(15);
const BATCH: usize = 50;

fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("transactional.id", env::var("TRANSACTIONAL_ID")?)
        .set("linger.ms", "1")
        .create()?;
    // First, so that what an earlier run has left open is aborted before the counts are read.
    producer.init_transactions(LIMIT)?;
    let milestones: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("enable.idempotence", "true")
        .set("linger.ms", "1")
        .create()?;
    let mut counts = read_counts(&brokers, &env::var("COUNTS")?)?;
    let group = ConsumerBuilder::new(&brokers, env::var("GROUP")?).enable_partition_eof();
    let consumer: BaseConsumer<Membership> =
        group.config()?.create_with_context(Membership::default())?;
    consumer.subscribe(&[&env::var("TOPIC")?])?;

    let (mut in_batch, mut end) = (0, EndOfPartitions::new());
    loop {
        let polled = consumer.poll(Duration::from_millis(100));
        ensure!(!consumer.context().is_lost.load(Ordering::Relaxed), "partitions were taken away");
        match polled {
            None => {}
            Some(Ok(departure)) => {
                if in_batch == 0 {
                    producer.begin_transaction()?;
                }
                end.message_from(departure.partition());
                count(&producer, &milestones, &mut counts, &departure)?;
                in_batch += 1;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => end.ended(partition),
            Some(Err(error)) => return Err(error.into()),
        }
        let is_end = end.all_of(&consumer.assignment()?);
        if in_batch == BATCH || (is_end && in_batch > 0) {
            let member = consumer.group_metadata().context("not a member of the group")?;
            producer.send_offsets_to_transaction(&consumer.position()?, &member, LIMIT)?;
            producer.commit_transaction(LIMIT)?;
            in_batch = 0;
        }
        if is_end {
            return Ok(());
        }
    }
}

/// Counts a departure, and sends the count, and the milestone if it is one.
fn count(
    producer: &BaseProducer,
    milestones: &BaseProducer,
    counts: &mut BTreeMap<String, u64>,
    departure: &BorrowedMessage<'_>,
) -> Result<()> {
    let airport = String::from_utf8_lossy(departure.key().unwrap_or_default()).into_owned();
    let count = counts.entry(airport.clone()).or_default();
    *count += 1;
    let (topic, value) = (env::var("COUNTS")?, count.to_string());
    let record = BaseRecord::to(&topic).key(&airport).payload(&value);
    producer.send(record).map_err(|(error, _)| error)?;
    if count.is_multiple_of(10) {
        let topic = env::var("MILESTONES")?;
        let record = BaseRecord::to(&topic).key(&airport).payload(&value);
        milestones.send(record).map_err(|(error, _)| error)?;
        milestones.flush(LIMIT)?;
    }
    producer.poll(Duration::ZERO);
    Ok(())
}

/// Reads the counts that are committed.
fn read_counts(brokers: &str, topic: &str) -> Result<BTreeMap<String, u64>> {
    let config = ConsumerBuilder::new(brokers, "counts-reader").enable_partition_eof().config()?;
    let consumer: BaseConsumer = config.create()?;
    let mut partition = TopicPartitionList::new();
    partition.add_partition_offset(topic, 0, Offset::Beginning)?;
    consumer.assign(&partition)?;
    let mut counts = BTreeMap::new();
    loop {
        match consumer.poll(LIMIT) {
            Some(Ok(record)) => {
                let airport = String::from_utf8_lossy(record.key().unwrap_or_default());
                let count = String::from_utf8_lossy(record.payload().unwrap_or_default());
                counts.insert(airport.into_owned(), count.parse()?);
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(counts),
            Some(Err(error)) => return Err(error.into()),
            None => ensure!(false, "the counts cannot be read"),
        }
    }
}

/// Whether the program has lost partitions: its counts are out of date then, and it ends.
#[derive(Default)]
struct Membership {
    is_lost: AtomicBool,
}

impl ClientContext for Membership {}

impl ConsumerContext for Membership {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if matches!(rebalance, Rebalance::Revoke(_)) {
            self.is_lost.store(true, Ordering::Relaxed);
        }
    }
}
