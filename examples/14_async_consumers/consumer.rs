//! A consumer as a stream, with several records in work at once.

use std::future::Future;
use std::pin::pin;

use anyhow::Result;
use futures_util::StreamExt;
use helpers::client_config;
use rdkafka::ClientConfig;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message, OwnedMessage};

use super::callbacks::{Callbacks, Shares, commit};

/// How many records are finished between two commits.
pub(crate) const COMMIT_EVERY: usize = 100;

pub(crate) type EventConsumer = StreamConsumer<Callbacks>;

pub(crate) fn consumer(
    brokers: &str,
    group: &str,
    name: &'static str,
    shares: &Shares,
) -> Result<EventConsumer> {
    let callbacks = Callbacks::new(name, shares);
    Ok(config(brokers, group, name)?.create_with_context(callbacks)?)
}

pub(crate) fn config(brokers: &str, group: &str, name: &str) -> Result<ClientConfig> {
    // ANCHOR: config
    let mut config = client_config(brokers)?;
    config
        .set("group.id", group)
        .set("client.id", name)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        // What is handed over is not done yet: this program says what may be committed.
        .set("enable.auto.offset.store", "false");
    // ANCHOR_END: config
    Ok(config)
}

// ANCHOR: work
/// What is to be done with the records.
pub(crate) trait Work: Send + Sync {
    /// May wait: meanwhile others are begun.
    fn process(&self, message: &OwnedMessage) -> impl Future<Output = ()> + Send;

    /// Called when a record is finished, with the offset that may be committed then, if it has
    /// moved.
    fn finished(&self, _message: &OwnedMessage, _to_commit: Option<i64>) {}
}
// ANCHOR_END: work

// ANCHOR: consume
/// Reads until `stop`, with up to `in_work` records at once, and commits what is finished. Returns
/// how many were processed.
pub(crate) async fn consume(
    consumer: &EventConsumer,
    work: &impl Work,
    in_work: usize,
    stop: impl Future<Output = ()> + Send,
) -> Result<usize> {
    let offsets = || consumer.context().offsets();
    let finished = consumer
        .stream()
        .map(detached)
        // Then no new ones are begun, and the stream ends when those in work are finished.
        .take_until(stop)
        .map(|message| {
            if let Ok(message) = &message {
                offsets().begun(message.topic(), message.partition(), message.offset());
            }
            async {
                let message = message?;
                work.process(&message).await;
                Ok(message)
            }
        })
        .buffer_unordered(in_work);
    let mut finished = pin!(finished);
    let mut processed = 0;
    while let Some(message) = finished.next().await {
        let message = match message {
            Ok(message) => message,
            Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
            Err(error) => {
                eprintln!("{error}");
                continue;
            }
        };
        let (topic, partition) = (message.topic(), message.partition());
        let to_commit = offsets().finished(topic, partition, message.offset());
        if let Some(next) = to_commit {
            // It takes the last offset that is done, and commits the one behind.
            consumer.store_offset(topic, partition, next - 1)?;
        }
        work.finished(&message, to_commit);
        processed += 1;
        if processed % COMMIT_EVERY == 0 {
            commit(consumer, CommitMode::Async)?;
        }
    }
    commit(consumer, CommitMode::Sync)?;
    Ok(processed)
}

/// A copy of its own for each record in work: a borrowed one would keep all that was fetched with
/// it in memory.
fn detached(message: KafkaResult<BorrowedMessage<'_>>) -> KafkaResult<OwnedMessage> {
    message.map(|message| message.detach())
}
// ANCHOR_END: consume
