//! Scene 2: one consumer for the topic and its retry topics, in which records wait.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Result;
use helpers::{ConsumerBuilder, unique_name};
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::FutureProducer;
use rdkafka::{Offset, TopicPartitionList};

use crate::Topics;
use crate::departure::{Board, Departure};
use crate::forward::{Origin, forward};

pub(crate) struct Worker<'a> {
    topics: &'a Topics,
    producer: &'a FutureProducer,
    consumer: StreamConsumer,
}

/// How a record ended.
pub(crate) struct Outcome {
    key: String,
    attempts: usize,
    /// Since the worker's first record.
    after: Duration,
    end: String,
}

impl<'a> Worker<'a> {
    pub(crate) async fn start(
        brokers: &str,
        topics: &'a Topics,
        producer: &'a FutureProducer,
    ) -> Result<Worker<'a>> {
        // ANCHOR: subscribe
        let consumer = ConsumerBuilder::new(brokers, unique_name("board")).build().await?;
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
        while ended.len() < records {
            let first_due = waiting.values().min().copied().unwrap_or(Duration::MAX);
            tokio::select! {
                message = self.consumer.recv() => {
                    let message = match message {
                        Ok(message) => message,
                        Err(error @ KafkaError::MessageConsumptionFatal(_)) => Err(error)?,
                        Err(error) => {
                            // It passes: the client goes on trying.
                            eprintln!("{error}");
                            continue;
                        }
                    };
                    let due = self.due(&message);
                    if due > now() {
                        // Too early: its partition pauses, and goes on with this very record.
                        self.consumer.pause(&partition_of(&message))?;
                        let (topic, partition) = (message.topic(), message.partition());
                        let again = Offset::Offset(message.offset());
                        self.consumer.seek(topic, partition, again, Duration::from_secs(10))?;
                        waiting.insert((topic.to_owned(), partition), due);
                        continue;
                    }
                    let begun = *begun.get_or_insert_with(now);
                    let end = self.process(&message, board).await?;
                    ended.extend(end.map(|end| Outcome { after: now() - begun, ..end }));
                    self.consumer.commit_message(&message, CommitMode::Sync)?;
                }
                // Meanwhile it goes on polling, so the group does not think it dead.
                () = tokio::time::sleep(first_due.saturating_sub(now())) => {
                    for ((topic, partition), _) in waiting.extract_if(.., |_, due| *due <= now()) {
                        let mut partitions = TopicPartitionList::new();
                        partitions.add_partition(&topic, partition);
                        self.consumer.resume(&partitions)?;
                    }
                }
            }
        }
        Ok(ended)
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
}

fn outcome(message: &BorrowedMessage<'_>, origin: &Origin, end: String) -> Outcome {
    Outcome {
        key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
        attempts: origin.attempt,
        after: Duration::ZERO,
        end,
    }
}

fn partition_of(message: &BorrowedMessage<'_>) -> TopicPartitionList {
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition(message.topic(), message.partition());
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
