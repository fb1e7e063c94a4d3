//! Reads a topic as a member of a group, and processes each record at least once.
//!
//! The program stores an offset after the record is processed or is in the dead-letter topic. It
//! commits stored offsets every few seconds, before partitions are revoked, and at the end. It ends
//! at Ctrl-C and SIGTERM. If it cannot continue, it ends with an error, and the orchestrator
//! restarts it.

mod blocking;
mod callbacks;
mod commits;
mod config;
mod dead_letters;
mod errors;
mod process;
mod stop;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use backon::{ExponentialBuilder, Retryable};
use rdkafka::consumer::Consumer;
use rdkafka::message::{BorrowedMessage, Message};
use tokio::time::timeout;

use blocking::{LIMIT, check_topic, within};
use callbacks::{Callbacks, GroupConsumer};
use commits::Commits;
use config::Config;
use dead_letters::DeadLetters;
use errors::PollErrors;
use process::{Failure, process};
use stop::Stop;

/// How long one attempt to process a record may take, and how many retries follow it.
const ATTEMPT: Duration = Duration::from_secs(20);
const RETRIES: usize = 4;

#[tokio::main]
async fn main() -> Result<()> {
    let config = Config::load()?;
    config.start_log();
    let stop = Stop::listen()?;
    callbacks::serve_metrics(&config)?;
    let topic = config.required("TOPIC")?;
    let dead_letters = DeadLetters::connect(&config).await?;
    let consumer = consumer(&config)?;
    let (asked, name) = (Arc::clone(&consumer), topic.clone());
    within(2 * LIMIT, move || check_topic(asked.client(), &name)).await??;
    consumer.subscribe(&[&topic])?;
    tracing::info!(topic, "reading");
    let ended = consume(&consumer, &dead_letters, &stop).await;
    let closed = commits::close(consumer).await;
    ended.and(closed)
}

fn consumer(config: &Config) -> Result<Arc<GroupConsumer>> {
    let defaults = [
        ("group.id", &*config.required("GROUP")?),
        // A new group begins with the oldest record. `latest` would skip records that are written
        // before the group's first commit.
        ("auto.offset.reset", "earliest"),
        // The program itself commits, and only processed records.
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        // Members keep their other partitions in a rebalance. All members must use the same
        // strategy.
        ("partition.assignment.strategy", "cooperative-sticky"),
        // Longer than one record can take: ATTEMPT * (1 + RETRIES), the pauses and a dead letter.
        ("max.poll.interval.ms", "300000"),
        // How much is fetched ahead, for all partitions together.
        ("queued.max.messages.kbytes", "16384"),
        ("statistics.interval.ms", "5000"),
    ];
    let client = config.client(&defaults, "KAFKA_CONSUMER_SETTINGS")?;
    Ok(Arc::new(client.create_with_context(Callbacks)?))
}

async fn consume(
    consumer: &Arc<GroupConsumer>,
    dead_letters: &DeadLetters,
    stop: &Stop,
) -> Result<()> {
    let (mut commits, mut errors) = (Commits::default(), PollErrors::default());
    loop {
        // Callbacks run inside `recv`, so no partition is revoked while a record is being
        // processed.
        let message = tokio::select! {
            biased;
            () = stop.received() => return Ok(()),
            () = commits.due() => {
                commits.commit(consumer).await?;
                continue;
            }
            polled = consumer.recv() => match polled {
                Ok(message) => message,
                Err(error) => {
                    errors.check(error)?;
                    continue;
                }
            },
        };
        tokio::select! {
            handled = handle(&message, dead_letters) => handled?,
            () = stop.overdue() => {
                let (partition, offset) = (message.partition(), message.offset());
                tracing::warn!(partition, offset, "abandoned to stop in time, read again after a restart");
                return Ok(());
            }
        }
        commits.store(consumer, &message)?;
    }
}

/// Processes a record, or sends it to the dead-letter topic.
async fn handle(message: &BorrowedMessage<'_>, dead_letters: &DeadLetters) -> Result<()> {
    let attempt = || async {
        let late = |_| Err(Failure::Transient(anyhow!("it took longer than {ATTEMPT:?}")));
        timeout(ATTEMPT, process(message)).await.unwrap_or_else(late)
    };
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_times(RETRIES)
        .with_jitter();
    let processed =
        attempt.retry(pauses).when(|failure| matches!(failure, Failure::Transient(_))).await;
    let error = match processed {
        Ok(()) => {
            metrics::counter!("records_processed_total").increment(1);
            return Ok(());
        }
        // Other records would fail too, so this is not a dead letter.
        Err(Failure::Transient(error)) => return Err(error.context("cannot process records now")),
        Err(Failure::Permanent(error)) => format!("{error:#}"),
    };
    let (partition, offset) = (message.partition(), message.offset());
    tracing::error!(partition, offset, error, "sent to the dead-letter topic");
    dead_letters.send(message, &error).await?;
    metrics::counter!("dead_letters_total").increment(1);
    Ok(())
}
