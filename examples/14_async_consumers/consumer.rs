//! A consumer as a stream, with several records in flight at once.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures_util::StreamExt;
use helpers::{
    Closed, CommitEvery, Committed, ConsumerBuilder, Error, RepeatedErrors, close_within,
    commit_stored_within, store_through,
};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message, OwnedMessage};

use super::callbacks::{Callbacks, Shares};

/// How many records are finished between two commits, if that does not take longer than
/// [`COMMIT_AFTER`].
pub(crate) const COMMIT_EVERY: usize = 100;
pub(crate) const COMMIT_AFTER: Duration = Duration::from_secs(1);
const LIMIT: Duration = Duration::from_secs(10);

/// Shared with the thread that waits for the response to a commit.
pub(crate) type EventConsumer = Arc<StreamConsumer<Callbacks>>;

// ANCHOR: build
pub(crate) async fn consumer(
    brokers: &str,
    group: &str,
    name: &'static str,
    shares: &Shares,
) -> Result<EventConsumer, Error> {
    let builder = ConsumerBuilder::new(brokers, group).set("client.id", name);
    Ok(Arc::new(builder.build_with(Callbacks::new(name, shares)).await?))
}

/// Leaves the group. What is still in flight is read again.
pub(crate) async fn close(consumer: EventConsumer) -> Result<(), Error> {
    match close_within(consumer, LIMIT).await? {
        Closed::Left(Committed::Done | Committed::Nothing) => {}
        closed => eprintln!("{closed:?}: what is not committed comes again"),
    }
    Ok(())
}
// ANCHOR_END: build

// ANCHOR: work
/// What to do with the records.
pub(crate) trait Work: Send + Sync {
    /// May wait: others are started in that time.
    fn process(&self, message: &OwnedMessage) -> impl Future<Output = ()> + Send;

    /// Called when a record is finished, with the offset that may be committed then, if it has
    /// moved.
    fn finished(&self, _message: &OwnedMessage, _to_commit: Option<i64>) {}
}
// ANCHOR_END: work

// ANCHOR: consume
/// Reads until `stop`, with up to `in_flight` records at once, and commits what is finished.
/// Returns how many were processed.
pub(crate) async fn consume(
    consumer: &EventConsumer,
    work: &impl Work,
    in_flight: usize,
    stop: impl Future<Output = ()> + Send,
) -> Result<usize> {
    let offsets = || consumer.context().offsets();
    let finished = consumer
        .stream()
        .map(detached)
        // Then no new ones are started, and the stream ends when those in flight are finished.
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
        .buffer_unordered(in_flight);
    let mut finished = pin!(finished);
    let mut commits = CommitEvery::new(COMMIT_EVERY, COMMIT_AFTER);
    let mut errors = RepeatedErrors::new(LIMIT);
    let mut processed = 0;
    loop {
        let message = tokio::select! {
            message = finished.next() => message,
            // By time as well as by count: otherwise the last few wait when traffic stops.
            () = commits.due() => {
                commits.committed(commit_stored_within(consumer, LIMIT).await?);
                continue;
            }
        };
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => return Err(error.into()),
            Some(Err(error)) => {
                errors.line(&error).iter().for_each(|line| eprintln!("{line}"));
                continue;
            }
            None => break,
        };
        let (topic, partition) = (message.topic(), message.partition());
        let to_commit = offsets().finished(topic, partition, message.offset());
        if let Some(next) = to_commit {
            // It takes the last offset that is done, and commits the next one.
            store_through(&**consumer, topic, partition, next - 1)?;
            commits.stored();
        }
        work.finished(&message, to_commit);
        processed += 1;
    }
    if let Committed::Later(why) = commit_stored_within(consumer, LIMIT).await? {
        eprintln!("not committed: {why}");
    }
    Ok(processed)
}

/// A copy of its own for each record in flight: a borrowed one would keep all that was fetched with
/// it in memory.
fn detached(message: KafkaResult<BorrowedMessage<'_>>) -> KafkaResult<OwnedMessage> {
    message.map(|message| message.detach())
}
// ANCHOR_END: consume
