//! Writes an invoice for each order, exactly once, and ends at the first error.
//!
//! The task is in exercises/11-abort-and-rewind/README.md.

use std::collections::BTreeMap;
use std::env;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use helpers::{ConsumerBuilder, EndOfPartitions};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientConfig, ClientContext};

/// A producer with a thread that polls: an abort waits for the reports of what it purges.
type Publisher = ThreadedProducer<DefaultProducerContext>;

const LIMIT: Duration = Duration::from_secs(15);
const BATCH: usize = 50;

fn main() -> Result<()> {
    let (brokers, topic) = (env::var("KAFKA_BOOTSTRAP_SERVERS")?, env::var("TOPIC")?);
    let producer: Publisher = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("transactional.id", env::var("TRANSACTIONAL_ID")?)
        .set("linger.ms", "1")
        .create()?;
    producer.init_transactions(LIMIT)?;
    let group = ConsumerBuilder::new(&brokers, env::var("GROUP")?).enable_partition_eof();
    let consumer: BaseConsumer<Membership> =
        group.config()?.create_with_context(Membership::default())?;
    consumer.subscribe(&[&topic])?;

    let (mut batch, mut end) = (Batch::default(), EndOfPartitions::new());
    loop {
        let polled = consumer.poll(Duration::from_millis(100));
        ensure!(!consumer.context().is_lost.load(Ordering::Relaxed), "partitions were taken away");
        // Your part: an error of the two calls with `batch` need not end the program.
        match polled {
            None => {}
            Some(Ok(order)) => {
                end.message_from(order.partition());
                batch.add(&producer, &order)?;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => end.ended(partition),
            Some(Err(error)) => return Err(error.into()),
        }
        let is_end = end.all_of(&consumer.assignment()?);
        if batch.orders == BATCH || (is_end && batch.orders > 0) {
            batch.commit(&producer, &consumer, &topic)?;
        }
        if is_end {
            return Ok(());
        }
    }
}

/// The orders of a transaction: how many, and where each partition continues.
#[derive(Default)]
struct Batch {
    orders: usize,
    next: BTreeMap<i32, i64>,
}

impl Batch {
    /// Sends the invoice of an order.
    fn add(&mut self, producer: &Publisher, order: &BorrowedMessage<'_>) -> Result<()> {
        if self.orders == 0 {
            producer.begin_transaction()?;
        }
        self.orders += 1;
        self.next.insert(order.partition(), order.offset() + 1);
        let order = String::from_utf8_lossy(order.payload().unwrap_or_default());
        let (topic, invoice) = (env::var("INVOICES")?, format!("invoice for {order}"));
        let record = BaseRecord::<str, str>::to(&topic).payload(&invoice);
        producer.send(record).map_err(|(error, _)| error)?;
        Ok(())
    }

    /// Commits the invoices together with the offsets of their orders.
    fn commit(
        &mut self,
        producer: &Publisher,
        consumer: &BaseConsumer<Membership>,
        topic: &str,
    ) -> Result<()> {
        let mut offsets = TopicPartitionList::new();
        for (partition, next) in &self.next {
            offsets.add_partition_offset(topic, *partition, Offset::Offset(*next))?;
        }
        let member = consumer.group_metadata().context("not a member of the group")?;
        producer.send_offsets_to_transaction(&offsets, &member, LIMIT)?;
        producer.commit_transaction(LIMIT)?;
        *self = Self::default();
        Ok(())
    }
}

/// Whether the program has lost partitions, and with them the orders of its transaction.
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
