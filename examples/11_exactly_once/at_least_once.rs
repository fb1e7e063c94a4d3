//! The worker that counts at least once: it writes, makes sure that all was delivered, and then
//! commits how far it came. Between the two it can die.

use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::connection::blocking;
use helpers::{
    Committed, EndOfPartitions, ProducerBuilder, commit_stored, producer::Publisher,
    store_processed,
};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::BaseRecord;

use crate::job::{self, BATCH, Job, LIMIT, Membership};
use crate::output::Counts;

/// Counts departures until there are no more.
pub(crate) async fn work(job: Job) -> Result<()> {
    let producer = ProducerBuilder::new(&job.brokers).set("linger.ms", "0").build().await?;
    let counts = Counts::rebuild(&job.brokers, &job.output).await?;
    let consumer = job.consumer().await?;
    // A flush, a synchronous commit and the work block: they have a thread of their own.
    blocking(move || count(&producer, &consumer, counts, &job.output)).await
}

fn count(
    producer: &Publisher,
    consumer: &BaseConsumer<Membership>,
    mut counts: Counts,
    output: &str,
) -> Result<()> {
    let (mut since_commit, mut end) = (0, EndOfPartitions::new());
    loop {
        let polled = consumer.poll(Duration::from_millis(100));
        consumer.context().check()?;
        match polled {
            None => {}
            Some(Ok(message)) => {
                end.message_from(message.partition());
                process(producer, &message, &mut counts, output)?;
                store_processed(consumer, &message)?;
                since_commit += 1;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => end.ended(partition),
            Some(Err(error)) => return Err(error.into()),
        }
        let is_end = end.all_of(&consumer.assignment()?);
        let is_due = since_commit >= BATCH || (is_end && since_commit > 0);
        if is_due && commit(producer, consumer)? {
            since_commit = 0;
        }
        if is_end && since_commit == 0 {
            return Ok(());
        }
    }
}

/// Counts a departure, and writes the new count to the partition of the same number.
fn process(
    producer: &Publisher,
    message: &BorrowedMessage<'_>,
    counts: &mut Counts,
    output: &str,
) -> Result<()> {
    let departure = serde_json::from_slice(message.payload().unwrap_or_default())?;
    let counted = counts.count(departure);
    let value = serde_json::to_string(&counted)?;
    let record = BaseRecord::to(output).partition(message.partition());
    producer.send(record.key(&counted.from).payload(&value))?;
    job::work();
    Ok(())
}

// ANCHOR: commit
/// Waits until the counts are delivered, and only then commits the offsets. The other way round
/// counts would be lost. Returns false if the coordinator moves, and the commit must be retried.
fn commit(producer: &Publisher, consumer: &BaseConsumer<Membership>) -> Result<bool> {
    let sent = producer.flush(LIMIT)?;
    ensure!(sent.failed + sent.still_queued == 0, "{sent}");
    Ok(!matches!(commit_stored(consumer, CommitMode::Sync)?, Committed::Later(_)))
}
// ANCHOR_END: commit
