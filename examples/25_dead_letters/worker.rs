//! Scene 2: one consumer for the topic and its retry topics, in which records wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Result;
use helpers::{
    CommitEvery, CommitOnRevoke, ConsumerBuilder, RepeatedErrors, commit_stored_within,
    store_processed,
};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::FutureProducer;
use rdkafka::{Offset, TopicPartitionList};

use super::commit::{GroupConsumer, LIMIT, close};
use super::departure::{Board, Departure};
use super::forward::{Origin, forward};
use super::topics::Topics;

pub(crate) struct Worker<'a> {
    topics: &'a Topics,
    producer: &'a FutureProducer,
    consumer: GroupConsumer,
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
        let consumer = Arc::new(builder.build_with(CommitOnRevoke).await?);
        let [(first, _), (second, _)] = &topics.retries;
        consumer.subscribe(&[&topics.departures, first, second])?;
        // ANCHOR_END: subscribe
        Ok(Worker { topics, producer, consumer })
    }

    // ANCHOR: wait
    /// Works until `records` records have come to their end.
    pub(crate) async fn work(&self, board: &mut Board, records: usize) -> Result<Vec<Outcome>> {
        let (mut ended, mut begun) = (Vec::new(), None);
        let mut waiting: BTreeMap<(String, i32), Duration> = BTreeMap::new();
        // After each record, and again after a second where a rebalance came in between.
        let mut commits = CommitEvery::new(1, Duration::from_secs(1));
        let mut errors = RepeatedErrors::new(LIMIT);
        while ended.len() < records {
            self.resume_what_is_due(&mut waiting)?;
            let first_due = waiting.values().min().copied().unwrap_or(Duration::MAX);
            tokio::select! {
                biased;
                () = commits.due() => {
                    commits.committed(commit_stored_within(&self.consumer, LIMIT).await?);
                }
                message = self.consumer.recv() => match message {
                    // Too early: its partition is paused, and later resumes with this record.
                    Ok(message) if self.due(&message) > now() => {
                        self.pause_before(&message)?;
                        let partition = (message.topic().to_owned(), message.partition());
                        waiting.insert(partition, self.due(&message));
                    }
                    Ok(message) => {
                        let begun = *begun.get_or_insert_with(now);
                        let end = self.process(&message, board).await?;
                        ended.extend(end.map(|end| Outcome { after: now() - begun, ..end }));
                        store_processed(&*self.consumer, &message)?;
                        commits.stored();
                    }
                    Err(error @ KafkaError::MessageConsumptionFatal(_)) => return Err(error.into()),
                    // A transient error: the client keeps trying.
                    Err(error) => errors.line(&error).iter().for_each(|line| eprintln!("{line}")),
                },
                // It keeps polling while it waits, so that the group keeps it as a member.
                () = tokio::time::sleep(first_due.saturating_sub(now())) => {}
            }
        }
        Ok(ended)
    }

    fn pause_before(&self, message: &BorrowedMessage<'_>) -> Result<()> {
        self.consumer.pause(&partition(message.topic(), message.partition()))?;
        let again = Offset::Offset(message.offset());
        Ok(self.consumer.seek(message.topic(), message.partition(), again, LIMIT)?)
    }

    fn resume_what_is_due(&self, waiting: &mut BTreeMap<(String, i32), Duration>) -> Result<()> {
        for ((topic, number), _) in waiting.extract_if(.., |_, due| *due <= now()) {
            self.consumer.resume(&partition(&topic, number))?;
        }
        Ok(())
    }

    /// When a record may be processed: a retry topic's delay after it arrived there.
    fn due(&self, message: &BorrowedMessage<'_>) -> Duration {
        let retry = self.topics.retries.iter().find(|(topic, _)| topic == message.topic());
        let arrived = message.timestamp().to_millis().unwrap_or(0).unsigned_abs();
        Duration::from_millis(arrived) + retry.map_or(Duration::ZERO, |(_, delay)| *delay)
    }
    // ANCHOR_END: wait

    // ANCHOR: process
    /// Processes a record or sends it on. None while it has not come to an end.
    async fn process(
        &self,
        message: &BorrowedMessage<'_>,
        board: &mut Board,
    ) -> Result<Option<Outcome>> {
        let mut origin = Origin::of(message);
        let (error, worth_a_retry) = match Departure::decode(message) {
            Ok(departure) => match board.put_up(&departure) {
                Ok(()) => return Ok(Some(outcome(message, &origin, "board".to_owned()))),
                Err(error) => (error.to_string(), true),
            },
            Err(error) => (error.to_string(), false),
        };
        // The first attempt is followed by the first retry topic, and the last by none.
        let retry =
            self.topics.retries.get(origin.attempt.saturating_sub(1)).filter(|_| worth_a_retry);
        if let Some((topic, _)) = retry {
            origin.attempt += 1;
            forward(self.producer, message, &origin, topic, &error).await?;
            return Ok(None);
        }
        forward(self.producer, message, &origin, &self.topics.dead_letters, &error).await?;
        Ok(Some(outcome(message, &origin, format!("dead letters: {error}"))))
    }
    // ANCHOR_END: process

    /// Commits what was processed, and leaves the group.
    pub(crate) async fn close(self) -> Result<()> {
        close(self.consumer).await
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

fn partition(topic: &str, number: i32) -> TopicPartitionList {
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition(topic, number);
    partitions
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
