//! The worker that counts exactly once: what it read, what it writes and how far it came are one
//! transaction.

use std::time::Duration;

use anyhow::{Context, Result};
use helpers::EndOfPartitions;
use helpers::connection::blocking;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::job::{self, BATCH, Job, LIMIT, Membership};
use crate::output::Counts;

/// Counts departures until there are no more. Any error ends the process: starting again is the
/// same as after a kill, and whatever was open is aborted then.
pub(crate) async fn work(job: Job) -> Result<()> {
    // ANCHOR: start
    let producer: BaseProducer = helpers::client_config(&job.brokers)?
        .set("transactional.id", &job.name)
        .set("linger.ms", "0")
        .create()?;
    // First of all, so that what the one before left open is aborted, or its commit complete …
    let producer = blocking(move || initialized(producer)).await?;
    // … and then the counts are read, and the group is asked how far it came.
    let counts = Counts::rebuild(&job.brokers, &job.output).await?;
    let consumer = job.consumer().await?;
    // The calls of a transaction block, and so does the work: they have a thread of their own.
    blocking(move || count(&producer, &consumer, counts, &job.output)).await
    // ANCHOR_END: start
}

fn initialized(producer: BaseProducer) -> Result<BaseProducer> {
    producer.init_transactions(LIMIT)?;
    Ok(producer)
}

// ANCHOR: loop
fn count(
    producer: &BaseProducer,
    consumer: &BaseConsumer<Membership>,
    mut counts: Counts,
    output: &str,
) -> Result<()> {
    let (mut in_transaction, mut end) = (0, EndOfPartitions::new());
    loop {
        let polled = consumer.poll(Duration::from_millis(100));
        consumer.context().check()?;
        match polled {
            None => {}
            Some(Ok(message)) => {
                if in_transaction == 0 {
                    producer.begin_transaction()?;
                }
                end.message_from(message.partition());
                process(producer, &message, &mut counts, output)?;
                in_transaction += 1;
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => end.ended(partition),
            Some(Err(error)) => return Err(error.into()),
        }
        let is_end = end.all_of(&consumer.assignment()?);
        if in_transaction == BATCH || (is_end && in_transaction > 0) {
            commit(producer, consumer)?;
            in_transaction = 0;
        }
        if is_end {
            return Ok(());
        }
    }
}
// ANCHOR_END: loop

// ANCHOR: process
/// Counts a departure, and writes the new count to the partition of the same number.
fn process(
    producer: &BaseProducer,
    message: &BorrowedMessage<'_>,
    counts: &mut Counts,
    output: &str,
) -> Result<()> {
    let departure = serde_json::from_slice(message.payload().unwrap_or_default())?;
    let counted = counts.count(departure);
    let value = serde_json::to_string(&counted)?;
    let record = BaseRecord::to(output).partition(message.partition());
    producer.send(record.key(&counted.from).payload(&value)).map_err(|(error, _)| error)?;
    job::work();
    Ok(())
}
// ANCHOR_END: process

// ANCHOR: commit
/// Commits the counts together with the offsets of the departures that they are made of.
fn commit(producer: &BaseProducer, consumer: &BaseConsumer<Membership>) -> Result<()> {
    let member = consumer.group_metadata().context("the worker is a member of its group")?;
    producer.send_offsets_to_transaction(&consumer.position()?, &member, LIMIT)?;
    // The commit would wait for these too, but in steps of 100 ms.
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_millis(1));
    }
    Ok(producer.commit_transaction(LIMIT)?)
}
// ANCHOR_END: commit
