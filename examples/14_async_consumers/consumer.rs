//! A consumer as a stream, with several records in flight at once.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::StreamExt;
use futures_util::future::Abortable;
use helpers::{
    Closed, CommitEvery, Committed, ConsumerBuilder, Error, RepeatedErrors, close_within,
    commit_stored_within, is_permanent, store_through,
};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaResult;
use rdkafka::message::{BorrowedMessage, Message, OwnedMessage};
use tokio::sync::watch;
use tokio::time::timeout;

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

/// Leaves the group, however the work ended; its error counts first. What is still in flight is
/// read again.
pub(crate) async fn close<T>(consumer: EventConsumer, worked: Result<T>) -> Result<T> {
    let closed = close_within(consumer, LIMIT).await;
    let worked = worked?;
    match closed? {
        Closed::Left(Committed::Done | Committed::Nothing) => {}
        closed => eprintln!("{closed:?}: what is not committed comes again"),
    }
    Ok(worked)
}
// ANCHOR_END: build

// ANCHOR: work
/// What to do with the records.
pub(crate) trait Work: Send + Sync {
    /// How long a record may take. One that hangs holds back the commit of its partition, and with
    /// enough of them nothing is started any more.
    const LIMIT: Duration = Duration::from_secs(30);

    /// May wait: others are started in that time. A record whose work fails is not done: nothing
    /// is committed past it, and the consumer ends with the error.
    fn process(&self, message: &OwnedMessage) -> impl Future<Output = Result<()>> + Send;

    /// Called when a record is finished, with the offset that may be committed then, if it has
    /// moved.
    fn finished(&self, _message: &OwnedMessage, _to_commit: Option<i64>) {}
}
// ANCHOR_END: work

/// How the work on a record ended.
enum Outcome {
    Done(OwnedMessage),
    Failed(anyhow::Error),
    /// The partition was revoked: its next owner begins the record again.
    Revoked,
}

// ANCHOR: consume
/// Reads until `stop`, with up to `in_flight` records at once, and commits what is finished.
/// Returns how many were processed.
///
/// # Errors
/// The first error of the work: those in flight are finished then, and no others are started.
pub(crate) async fn consume(
    consumer: &EventConsumer,
    work: &impl Work,
    in_flight: usize,
    stop: impl Future<Output = ()> + Send,
) -> Result<usize> {
    let failing = watch::Sender::new(false);
    let mut failed = failing.subscribe();
    let stopped = async {
        tokio::select! {
            () = stop => {}
            _ = failed.wait_for(|failed| *failed) => {}
        }
    };
    let outcomes = consumer
        .stream()
        .map(detached)
        // Then no new ones are started, and the stream ends when those in flight are finished.
        .take_until(stopped)
        .map(|message| process(consumer, work, message))
        .buffer_unordered(in_flight);
    let mut outcomes = pin!(outcomes);
    let mut commits = CommitEvery::new(COMMIT_EVERY, COMMIT_AFTER);
    let mut errors = RepeatedErrors::new(LIMIT);
    let (mut processed, mut first_failure) = (0, None);
    loop {
        let outcome = tokio::select! {
            outcome = outcomes.next() => outcome,
            // By time as well as by count: otherwise the last few wait when traffic stops.
            () = commits.due() => {
                commits.committed(commit_stored_within(consumer, LIMIT).await?);
                continue;
            }
        };
        match outcome {
            Some(Ok(Outcome::Done(message))) => {
                if store_finished(consumer, work, &message)? {
                    commits.stored();
                }
                processed += 1;
            }
            Some(Ok(Outcome::Revoked)) => {}
            Some(Ok(Outcome::Failed(error))) => {
                first_failure.get_or_insert(error);
                failing.send_replace(true);
            }
            Some(Err(error)) if is_permanent(&error) => return Err(Error::from(error).into()),
            Some(Err(error)) => errors.line(&error).iter().for_each(|line| eprintln!("{line}")),
            None => break,
        }
    }
    if let Committed::Later(why) = commit_stored_within(consumer, LIMIT).await? {
        eprintln!("not committed: {why}");
    }
    first_failure.map_or(Ok(processed), Err)
}
// ANCHOR_END: consume

// ANCHOR: process
/// Works on a record, until it is done, the time is up, or the partition is revoked.
async fn process<W: Work>(
    consumer: &EventConsumer,
    work: &W,
    message: KafkaResult<OwnedMessage>,
) -> KafkaResult<Outcome> {
    let message = message?;
    let until_revoked = consumer.context().begun(&message);
    let working = timeout(W::LIMIT, work.process(&message));
    let Ok(worked) = Abortable::new(working, until_revoked).await else {
        return Ok(Outcome::Revoked);
    };
    let worked = worked.context("the work took too long").flatten();
    Ok(match worked {
        Ok(()) => Outcome::Done(message),
        Err(error) => {
            let (topic, partition) = (message.topic(), message.partition());
            Outcome::Failed(error.context(format!("{topic}/{partition} at {}", message.offset())))
        }
    })
}

/// Stores the offset up to which all records are finished, if it has moved.
fn store_finished(
    consumer: &EventConsumer,
    work: &impl Work,
    message: &OwnedMessage,
) -> Result<bool> {
    let to_commit = consumer.context().finished(message);
    work.finished(message, to_commit);
    let Some(next) = to_commit else { return Ok(false) };
    // It takes the last offset that is done, and commits the next one.
    Ok(store_through(&**consumer, message.topic(), message.partition(), next - 1)?)
}
// ANCHOR_END: process

/// A copy of its own for each record in flight: a borrowed one would keep all that was fetched with
/// it in memory.
fn detached(message: KafkaResult<BorrowedMessage<'_>>) -> KafkaResult<OwnedMessage> {
    message.map(|message| message.detach())
}
