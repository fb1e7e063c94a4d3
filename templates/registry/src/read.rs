//! Reads Avro as a member of a group, and processes each record at least once.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use backon::{ExponentialBuilder, Retryable};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::message::{BorrowedMessage, Message};

use crate::avro::{DecodeError, Decoder, registry};
use crate::blocking::{LIMIT, check_topic, within};
use crate::commits::{self, Commits, commit_before_revoke};
use crate::config::Config;
use crate::dead_letters::DeadLetters;
use crate::errors::PollErrors;
use crate::order::{Order, SCHEMA};
use crate::stop::Stop;

pub struct Callbacks;

impl ClientContext for Callbacks {}

impl ConsumerContext for Callbacks {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        commit_before_revoke(consumer, rebalance);
    }
}

pub async fn run(config: &Config, stop: &Stop) -> Result<()> {
    let topic = config.required("TOPIC")?;
    let defaults = [
        ("group.id", &*config.required("GROUP")?),
        ("auto.offset.reset", "earliest"),
        // The program itself commits, and only processed records.
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("queued.max.messages.kbytes", "16384"),
    ];
    let client = config.client(&defaults, "KAFKA_CONSUMER_SETTINGS")?;
    let consumer: Arc<StreamConsumer<Callbacks>> = Arc::new(client.create_with_context(Callbacks)?);
    let (asked, name) = (Arc::clone(&consumer), topic.clone());
    within(2 * LIMIT, move || check_topic(asked.client(), &name)).await??;
    let dead_letters = DeadLetters::connect(config).await?;
    let decoder = Decoder::new(registry(config)?, SCHEMA)?;
    consumer.subscribe(&[&topic])?;
    let ended = consume(&consumer, &decoder, &dead_letters, stop).await;
    let closed = commits::close(consumer).await;
    ended.and(closed)
}

async fn consume(
    consumer: &Arc<StreamConsumer<Callbacks>>,
    decoder: &Decoder,
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
            handled = handle(&message, decoder, dead_letters) => handled?,
            () = stop.overdue() => return Ok(()),
        }
        commits.store(consumer, &message)?;
    }
}

/// Processes a record, or sends it to the dead-letter topic. If the registry stays unreachable, it
/// returns an error, and the program begins with this record after a restart.
async fn handle(
    message: &BorrowedMessage<'_>,
    decoder: &Decoder,
    dead_letters: &DeadLetters,
) -> Result<()> {
    let Some(value) = message.payload() else {
        tracing::info!(key = ?message.key(), "deleted");
        return Ok(());
    };
    // At most 5 * 10 s and the pauses, which is less than max.poll.interval.ms.
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_times(4)
        .with_jitter();
    let attempt = || decoder.decode::<Order>(value);
    match attempt.retry(pauses).when(|error| matches!(error, DecodeError::Registry(_))).await {
        Ok(order) => process(&order),
        Err(DecodeError::Registry(error)) => Err(error.context("the registry does not respond")),
        Err(DecodeError::Value(error)) => {
            let (partition, offset) = (message.partition(), message.offset());
            tracing::error!(partition, offset, "sent to the dead-letter topic: {error:#}");
            dead_letters.send(message, &format!("{error:#}")).await
        }
    }
}

/// Processes an order. The same order can come again, so write this as an upsert by its id.
fn process(order: &Order) -> Result<()> {
    let line = serde_json::to_string(order)?;
    writeln!(std::io::stdout(), "{line}").context("cannot write to stdout")
}
