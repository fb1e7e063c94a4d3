//! Reads one batch, and then stores and commits it, or goes back to where it began.
//!
//! Reading is asynchronous: if records are prefetched, a batch needs no other thread. Committing
//! and going back are blocking calls, so they run on a thread for such calls. The next batch can be
//! read at the same time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use helpers::connection::blocking;
use helpers::{Committed, commit_stored_within, is_permanent, store_through};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::Error;
use crate::context::Revocations;
use crate::envelope::unpack_kafka_payload;
use crate::format::{Ranges, format_kafka_ref};
use crate::history::{Message, Ref};

/// How long a batch waits for its predecessor's commit.
const COMMIT_LIMIT: Duration = Duration::from_secs(10);
const SEEK_LIMIT: Duration = Duration::from_secs(10);
/// How many messages to allocate space for in advance.
const ROOM: usize = 100;

/// The limits of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) batch_size: usize,
    pub(super) timeout: Duration,
    pub(super) latest_only: bool,
    pub(super) skip_undecodable: bool,
}

/// A batch that was read.
pub(super) struct Batch<T> {
    pub(super) messages: Vec<Message<T>>,
    /// The records that it was read from, including skipped ones.
    pub(super) ranges: Ranges,
    /// How many records those are.
    pub(super) records: usize,
}

/// Reads batches, one at a time.
pub(super) struct Reader {
    consumer: Arc<StreamConsumer<Revocations>>,
    limits: Limits,
    /// What was read and not processed. If the last batch failed or was abandoned, it is not empty
    /// at the beginning of the next one: then its records are read again.
    unfinished: Ranges,
    /// What was processed and stored, but not yet committed.
    processed: Arc<Mutex<Ranges>>,
    /// Held by a seek until it ends, even if its caller was dropped: no later one overtakes it.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Reader {
    pub(super) fn subscribe(
        config: &ClientConfig,
        topics: &[String],
        limits: Limits,
    ) -> Result<Self, Error> {
        let consumer: StreamConsumer<Revocations> =
            config.create_with_context(Revocations::new())?;
        let consumer = Arc::new(consumer);
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics)?;
        let (unfinished, processed, turn) = Default::default();
        Ok(Reader { consumer, limits, unfinished, processed, turn })
    }

    /// Reads until a batch is full, the time is up, or `stop` is set. If the future is dropped,
    /// what it has read is unfinished.
    pub(super) async fn read<T: DeserializeOwned>(
        &mut self,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Batch<T>, Error> {
        self.go_back().await?;
        let mut time_is_up = std::pin::pin!(tokio::time::sleep(self.limits.timeout));
        let room = self.limits.batch_size.min(ROOM);
        let (mut messages, mut records) = (Vec::<Message<T>>::with_capacity(room), 0);
        while messages.len() < self.limits.batch_size && !*stop.borrow() {
            // Prefetched records arrive without waiting: let other tasks run here.
            tokio::task::consume_budget().await;
            let polled = tokio::select! {
                biased;
                polled = self.consumer.recv() => Some(polled),
                _ = stop.changed() => None,
                () = &mut time_is_up => None,
            };
            for (topic, partition) in self.consumer.context().take() {
                // They belong to another member now, or restart at the last commit.
                self.unfinished.remove(&topic, partition);
                messages.retain(|it| !is_from(it, &topic, partition));
            }
            match polled {
                None => break,
                Some(Err(error)) => passes(error)?,
                Some(Ok(record)) => {
                    records += 1;
                    let topic = record.topic();
                    self.unfinished.add(topic, record.partition(), record.offset());
                    messages.extend(message(topic, &record, self.limits.skip_undecodable)?);
                }
            }
        }
        if self.limits.latest_only {
            keep_newest(&mut messages);
        }
        Ok(Batch { messages, ranges: self.unfinished.clone(), records })
    }

    /// Marks what was read as processed, so that the next commit includes it.
    ///
    /// Partitions are revoked only while a batch is read: all of these still belong to this member.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        let finished = std::mem::take(&mut self.unfinished);
        let mut processed = self.processed.lock().unwrap_or_else(PoisonError::into_inner);
        for (topic, partition, first, next) in finished.iter() {
            if store_through(&*self.consumer, topic, partition, next - 1)? {
                processed.add(topic, partition, first);
                processed.add(topic, partition, next - 1);
            }
        }
        Ok(())
    }

    /// Commits what was processed: for each partition, the offset after the last record.
    pub(super) fn commit(&mut self) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let (consumer, processed) = (Arc::clone(&self.consumer), Arc::clone(&self.processed));
        async move {
            let batch = processed.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if batch.is_empty() {
                return Ok(());
            }
            match commit_stored_within(&consumer, COMMIT_LIMIT).await {
                Ok(Committed::Later(reason)) => {
                    let batch = batch.to_string();
                    tracing::warn!(batch, %reason, "a batch is processed and not committed yet");
                    return Ok(());
                }
                Ok(Committed::Done | Committed::Nothing) => {}
                Err(helpers::Error::CommitRejected { code }) => {
                    let (batch, source) = (batch.to_string(), KafkaError::ConsumerCommit(code));
                    return Err(Error::NotCommitted { batch, source });
                }
                Err(error) => return Err(error.into()),
            }
            *processed.lock().unwrap_or_else(PoisonError::into_inner) = Ranges::default();
            Ok(())
        }
    }

    /// Returns the consumer, to close it.
    pub(super) fn into_consumer(self) -> Arc<StreamConsumer<Revocations>> {
        self.consumer
    }

    /// Goes back to where the unfinished batch began. Skipping the commit would not be enough: the
    /// position has moved forward, and the next commit would include the batch.
    pub(super) async fn go_back(&mut self) -> Result<(), Error> {
        if self.unfinished.is_empty() {
            return Ok(());
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let (consumer, unfinished) = (Arc::clone(&self.consumer), self.unfinished.clone());
        blocking(move || {
            let (_turn, consumer) = (turn, consumer);
            seek(&consumer, &unfinished)
        })
        .await?;
        self.unfinished = Ranges::default();
        Ok(())
    }
}

/// Seeks to the beginnings of the ranges, in those partitions that are still assigned.
fn seek(consumer: &StreamConsumer<Revocations>, unfinished: &Ranges) -> Result<(), Error> {
    let assigned = consumer.assignment()?;
    let mut offsets = TopicPartitionList::new();
    for (topic, partition, first, _) in unfinished.iter() {
        if assigned.find_partition(topic, partition).is_some() {
            offsets.add_partition_offset(topic, partition, Offset::Offset(first))?;
        }
    }
    if offsets.count() > 0 {
        let sought = consumer.seek_partitions(offsets, SEEK_LIMIT)?;
        for one in sought.elements() {
            one.error()?;
        }
    }
    Ok(())
}

/// Returns the message of a record; `None` for a record that is skipped.
fn message<T: DeserializeOwned>(
    topic: &str,
    record: &BorrowedMessage<'_>,
    skip_undecodable: bool,
) -> Result<Option<Message<T>>, Error> {
    // A null value is a tombstone: on a compacted topic it deletes the key.
    let Some(value) = record.payload() else {
        return Ok(None);
    };
    let key = record.key().map(|key| String::from_utf8_lossy(key).into_owned());
    let id = key.clone().unwrap_or_default();
    let (topic, partition, offset) = (topic.to_owned(), record.partition(), record.offset());
    let mut origin = Ref { topic, partition, offset, key, hist: None };
    match unpack_kafka_payload(value) {
        Ok((payload, history)) => {
            origin.hist = Some(history);
            Ok(Some(Message { id, payload, refs: vec![origin] }))
        }
        Err(error) => {
            let (record, reason) = (format_kafka_ref(&origin), error.to_string());
            if skip_undecodable {
                tracing::warn!(record, reason, "a record is no envelope, and is skipped");
                return Ok(None);
            }
            Err(Error::NoEnvelope { record, reason })
        }
    }
}

/// Logs transient errors of a poll, so that reading continues. The context logs most of them,
/// because it gets the reason as well.
fn passes(error: KafkaError) -> Result<(), Error> {
    use RDKafkaErrorCode as Code;
    match error {
        KafkaError::PartitionEOF(_) => Ok(()),
        KafkaError::MessageConsumption(Code::UnknownTopicOrPartition | Code::UnknownTopic) => {
            tracing::warn!(%error, "a topic does not exist, and is left out");
            Ok(())
        }
        error if is_permanent(&error) => Err(error.into()),
        error => {
            tracing::debug!(%error, "consumer");
            Ok(())
        }
    }
}

/// Returns whether a message was read from this partition: it has the record itself as its only
/// ref.
fn is_from<T>(message: &Message<T>, topic: &str, partition: i32) -> bool {
    message.refs.iter().any(|it| it.topic == topic && it.partition == partition)
}

/// Keeps the last message of each id of each topic, in their order, and all messages without id.
fn keep_newest<T>(messages: &mut Vec<Message<T>>) {
    let mut seen = HashSet::new();
    let newest = |message: &Message<T>| {
        let topic = message.refs.first().map(|it| it.topic.clone());
        message.id.is_empty() || seen.insert((topic, message.id.clone()))
    };
    let keep: Vec<bool> = messages.iter().rev().map(newest).collect();
    let mut keep = keep.into_iter().rev();
    messages.retain(|_| keep.next().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(topic: &str, id: &str, payload: u32) -> Message<u32> {
        let (topic, key) = (topic.to_owned(), Some(id.to_owned()));
        let origin = Ref { topic, partition: 0, offset: i64::from(payload), key, hist: None };
        Message { id: id.to_owned(), payload, refs: vec![origin] }
    }

    #[test]
    fn the_newest_of_each_id_of_each_topic_stays() {
        let ids = [("a", "x"), ("a", "y"), ("a", "x"), ("b", "x"), ("a", ""), ("a", "")];
        let mut messages: Vec<_> =
            (0..).zip(ids).map(|(number, (topic, id))| read_from(topic, id, number)).collect();
        keep_newest(&mut messages);
        let kept: Vec<u32> = messages.iter().map(|it| it.payload).collect();
        assert_eq!(kept, [1, 2, 3, 4, 5]);
    }

    #[test]
    fn news_and_an_unknown_topic_pass_and_a_fatal_error_does_not() {
        use RDKafkaErrorCode as Code;
        passes(KafkaError::PartitionEOF(0)).unwrap();
        passes(KafkaError::MessageConsumption(Code::UnknownTopicOrPartition)).unwrap();
        passes(KafkaError::MessageConsumption(Code::AllBrokersDown)).unwrap();
        passes(KafkaError::MessageConsumptionFatal(Code::Fatal)).unwrap_err();
        passes(KafkaError::MessageConsumption(Code::GroupAuthorizationFailed)).unwrap_err();
    }
}
