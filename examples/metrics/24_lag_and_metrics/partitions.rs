//! Four partitions, each with something that a lag counts and that no consumer gets.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use helpers::connection::blocking;
use helpers::{group_lag, unique_name};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

const LIMIT: Duration = Duration::from_secs(30);

/// What is in each partition.
pub(crate) const PARTITIONS: [&str; 4] =
    ["records", "transactions", "an open transaction", "deleted from the front"];

/// The partitions, as long as this lives: its transaction is open.
pub(crate) struct Filled {
    open: BaseProducer,
}

impl Filled {
    /// Ends the open transaction. The call blocks, so it has a thread of its own.
    pub(crate) async fn end(self) -> Result<()> {
        Ok(blocking(move || self.open.abort_transaction(LIMIT)).await?)
    }
}

// ANCHOR: fill
/// Fills the partitions.
pub(crate) async fn fill(brokers: &str, topic: &str) -> Result<Filled> {
    let (servers, name) = (brokers.to_owned(), topic.to_owned());
    let open = blocking(move || write(&servers, &name)).await?;

    // Six of ten are deleted, as retention does it, before any consumer has read them.
    let mut first_kept = TopicPartitionList::new();
    first_kept.add_partition_offset(topic, 3, Offset::Offset(6))?;
    let admin: AdminClient<DefaultClientContext> = helpers::client_config(brokers)?.create()?;
    admin.delete_records(&first_kept, &AdminOptions::new()).await?;
    Ok(Filled { open })
}

/// Writes the records, and returns the producer of the transaction that stays open. Flushes and
/// transactions block the thread.
fn write(brokers: &str, topic: &str) -> Result<BaseProducer> {
    let producer: BaseProducer = helpers::client_config(brokers)?.create()?;
    send(&producer, topic, 0, 10)?;

    // Three records that count, and after them two that do not. Each transaction ends in a marker.
    let transactions = transactional_producer(brokers)?;
    for _ in 0..3 {
        transactions.begin_transaction()?;
        send(&transactions, topic, 1, 1)?;
        transactions.commit_transaction(LIMIT)?;
    }
    transactions.begin_transaction()?;
    send(&transactions, topic, 1, 2)?;
    transactions.abort_transaction(LIMIT)?;

    // Five records after one whose transaction is never ended.
    send(&producer, topic, 2, 2)?;
    let open = transactional_producer(brokers)?;
    open.begin_transaction()?;
    send(&open, topic, 2, 1)?;
    send(&producer, topic, 2, 5)?;
    send(&producer, topic, 3, 10)?;
    Ok(open)
}
// ANCHOR_END: fill

fn transactional_producer(brokers: &str) -> Result<BaseProducer> {
    let mut config = helpers::client_config(brokers)?;
    let producer: BaseProducer = config.set("transactional.id", unique_name("desk")).create()?;
    producer.init_transactions(LIMIT)?;
    Ok(producer)
}

fn send(producer: &BaseProducer, topic: &str, partition: i32, records: usize) -> Result<()> {
    for number in 0..records {
        let flight = format!("DL {partition}{number:02}");
        let record = BaseRecord::<(), _>::to(topic).partition(partition).payload(&flight);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    Ok(producer.flush(LIMIT)?)
}

/// Waits for the last marker: an abort returns when it is decided, and the marker is written a
/// moment later.
pub(crate) async fn wait_for_markers(brokers: &str, group: &str, topic: &str) -> Result<()> {
    let started = Instant::now();
    loop {
        let range = group_lag(brokers, group, topic).await?.partitions[1].range;
        if range.is_some_and(|it| it.last_stable == 9) {
            return Ok(());
        }
        ensure!(started.elapsed() < LIMIT, "waited in vain for the markers: {range:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
