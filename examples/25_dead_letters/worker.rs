//! Scene 2: one consumer for the topic and its retry topics, in which records wait.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Result;
use helpers::{
    CommitEvery, ConsumerBuilder, RepeatedErrors, commit_stored_within, is_permanent, seek_back,
    store_processed,
};
use rdkafka::consumer::Consumer;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::FutureProducer;

use super::commit::{GroupConsumer, LIMIT, PAUSE, close};
use super::departure::{Board, Departure};
use super::forward::{Forwarded, Origin, forward};
use super::topics::Topics;
use super::waiting::{Waiting, partition, resume};

pub(crate) struct Worker<'a> {
    topics: &'a Topics,
    producer: &'a FutureProducer,
    consumer: GroupConsumer<Waiting>,
}

/// How far a record came.
enum Step {
    Ended(Outcome),
    /// It is in another topic, and comes again from there.
    Forwarded,
    /// It could not be forwarded, and must come again from here.
    NotForwarded,
}

/// How a record ended.
pub(crate) struct Outcome {
    pub(crate) key: String,
    attempts: usize,
    /// Since the worker's first record.
    after: Duration,
    end: String,
}

impl<'a> Worker<'a> {
    pub(crate) async fn start(
        builder: ConsumerBuilder,
        topics: &'a Topics,
        producer: &'a FutureProducer,
    ) -> Result<Worker<'a>> {
        // ANCHOR: subscribe
        let consumer = Arc::new(builder.build_with(Waiting::default()).await?);
        let [(first, _), (second, _)] = &topics.retries;
        consumer.subscribe(&[&topics.departures, first, second])?;
        // ANCHOR_END: subscribe
        Ok(Worker { topics, producer, consumer })
    }

    // ANCHOR: wait
    /// Works until `records` records have come to their end, or until `stop`, which never comes
    /// between a record and its offset.
    pub(crate) async fn work(
        &self,
        board: &mut Board,
        records: usize,
        stop: impl Future<Output = ()>,
    ) -> Result<Vec<Outcome>> {
        let mut stop = pin!(stop);
        let (mut ended, mut begun) = (Vec::new(), None);
        // After each record, and again after a second where a rebalance came in between.
        let mut commits = CommitEvery::new(1, Duration::from_secs(1));
        let mut errors = RepeatedErrors::new(LIMIT);
        while ended.len() < records {
            self.resume_what_is_due()?;
            let polled = tokio::select! {
                biased;
                () = &mut stop => break,
                () = commits.due() => None,
                polled = self.consumer.recv() => Some(polled),
                // It keeps polling while it waits, so that the group keeps it as a member.
                () = self.next_due() => continue,
            };
            match polled {
                None => commits.committed(commit_stored_within(&self.consumer, LIMIT).await?),
                // Too early: its partition is paused, and later resumes with this record.
                Some(Ok(message)) if self.due(&message) > now() => {
                    self.postpone(&message, self.due(&message))?;
                }
                Some(Ok(message)) => {
                    let begun = *begun.get_or_insert_with(now);
                    match self.process(&message, board).await? {
                        Step::Ended(end) => ended.push(Outcome { after: now() - begun, ..end }),
                        Step::Forwarded => {}
                        Step::NotForwarded => {
                            self.postpone(&message, now() + PAUSE)?;
                            continue;
                        }
                    }
                    store_processed(&*self.consumer, &message)?;
                    commits.stored();
                }
                Some(Err(error)) if is_permanent(&error) => {
                    return Err(helpers::Error::from(error).into());
                }
                // A transient error: the client keeps trying.
                Some(Err(error)) => errors.line(&error).iter().for_each(|it| eprintln!("{it}")),
            }
        }
        Ok(ended)
    }

    /// Goes back to a record, and pauses its partition until `until`. Neither call waits for a
    /// broker. If the partition no longer belongs to this worker, its owner reads the record.
    fn postpone(&self, message: &BorrowedMessage<'_>, until: Duration) -> Result<()> {
        let (topic, number) = (message.topic(), message.partition());
        if seek_back(&*self.consumer, topic, number, message.offset())? {
            self.consumer.pause(&partition(topic, number))?;
            self.consumer.context().add((topic.to_owned(), number), until);
        }
        Ok(())
    }

    fn resume_what_is_due(&self) -> Result<()> {
        for place in self.consumer.context().take_due(now()) {
            resume(&*self.consumer, &place)?;
        }
        Ok(())
    }

    /// Waits until a partition is due, forever if none is paused.
    async fn next_due(&self) {
        match self.consumer.context().first_due() {
            Some(due) => tokio::time::sleep(due.saturating_sub(now())).await,
            None => std::future::pending().await,
        }
    }

    /// When a record may be processed: a retry topic's delay after it arrived there.
    fn due(&self, message: &BorrowedMessage<'_>) -> Duration {
        let retry = self.topics.retries.iter().find(|(topic, _)| topic == message.topic());
        let arrived = message.timestamp().to_millis().unwrap_or(0).unsigned_abs();
        Duration::from_millis(arrived) + retry.map_or(Duration::ZERO, |(_, delay)| *delay)
    }
    // ANCHOR_END: wait

    // ANCHOR: process
    /// Processes a record or sends it on.
    async fn process(&self, message: &BorrowedMessage<'_>, board: &mut Board) -> Result<Step> {
        let mut origin = Origin::of(message);
        let (error, worth_a_retry) = match Departure::decode(message) {
            Ok(departure) => match board.put_up(&departure) {
                Ok(()) => return Ok(Step::Ended(outcome(message, &origin, "board".to_owned()))),
                Err(error) => (error.to_string(), true),
            },
            Err(error) => (error.to_string(), false),
        };
        // The first attempt is followed by the first retry topic, and the last by none.
        let retry =
            self.topics.retries.get(origin.attempt.saturating_sub(1)).filter(|_| worth_a_retry);
        origin.attempt += usize::from(retry.is_some());
        let topic = retry.map_or(&self.topics.dead_letters, |(topic, _)| topic);
        match forward(self.producer, message, &origin, topic, &error).await? {
            Forwarded::NotYet => Ok(Step::NotForwarded),
            Forwarded::Yes if retry.is_some() => Ok(Step::Forwarded),
            Forwarded::Yes => {
                Ok(Step::Ended(outcome(message, &origin, format!("dead letters: {error}"))))
            }
        }
    }
    // ANCHOR_END: process

    /// Commits what was processed, and leaves the group. Returns what the work returned.
    pub(crate) async fn close<T>(self, worked: Result<T>) -> Result<T> {
        close(self.consumer, worked).await
    }
}

fn outcome(message: &BorrowedMessage<'_>, origin: &Origin, end: String) -> Outcome {
    Outcome {
        key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
        attempts: origin.attempt,
        after: Duration::ZERO,
        end,
    }
}

/// The time since 1970, as Kafka counts it.
fn now() -> Duration {
    UNIX_EPOCH.elapsed().unwrap_or_default()
}

/// Sorted by flight: the order in which they ended depends on who waited.
pub(crate) fn print(mut outcomes: Vec<Outcome>) {
    outcomes.sort_by(|one, other| one.key.cmp(&other.key));
    println!("   flight  attempts    after  ends in");
    for Outcome { key, attempts, after, end } in outcomes {
        println!("   {key:<6}  {attempts:>8}  {:>4} ms  {end}", after.as_millis());
    }
}
