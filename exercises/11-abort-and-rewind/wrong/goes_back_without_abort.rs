//! Goes back, and leaves the transaction as it is.
//!
//! Message: found     exit code 1

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
const FAILURES: usize = 3;

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

    let (mut batch, mut end, mut failures) = (Batch::default(), EndOfPartitions::new(), 0);
    loop {
        let polled = consumer.poll(Duration::from_millis(100));
        ensure!(!consumer.context().is_lost.load(Ordering::Relaxed), "partitions were taken away");
        let added = match polled {
            None => Ok(()),
            Some(Ok(order)) => {
                end.message_from(order.partition());
                batch.add(&producer, &order)
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                end.ended(partition);
                Ok(())
            }
            Some(Err(error)) => return Err(error.into()),
        };
        let is_end = end.all_of(&consumer.assignment()?);
        let is_due = batch.orders == BATCH || (is_end && batch.orders > 0);
        let done = match added {
            Ok(()) if is_due => {
                let committed = batch.commit(&producer, &consumer, &topic);
                failures = if committed.is_ok() { 0 } else { failures };
                committed
            }
            added => added,
        };
        match done {
            Ok(()) if is_end => return Ok(()),
            Ok(()) => {}
            Err(error) => {
                if producer.client().fatal_error().is_some() {
                    return Err(error);
                }
                failures += 1;
                if failures == FAILURES {
                    return Err(error);
                }
                eprintln!("aborted, and once more: {error:#}");
                batch.rewind(&consumer, &topic, &mut end)?;
            }
        }
    }
}

/// The orders of a transaction: how many, and where each partition begins and continues.
#[derive(Default)]
struct Batch {
    orders: usize,
    first: BTreeMap<i32, i64>,
    next: BTreeMap<i32, i64>,
}

impl Batch {
    /// Sends the invoice of an order.
    fn add(&mut self, producer: &Publisher, order: &BorrowedMessage<'_>) -> Result<()> {
        if self.orders == 0 {
            producer.begin_transaction()?;
        }
        self.orders += 1;
        self.first.entry(order.partition()).or_insert(order.offset());
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

    /// Goes back to the first order of each partition. What was prefetched is fetched again.
    fn rewind(
        &mut self,
        consumer: &BaseConsumer<Membership>,
        topic: &str,
        end: &mut EndOfPartitions,
    ) -> Result<()> {
        for (partition, first) in &self.first {
            consumer.seek(topic, *partition, Offset::Offset(*first), LIMIT)?;
            // There is something to read again.
            end.message_from(*partition);
        }
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
