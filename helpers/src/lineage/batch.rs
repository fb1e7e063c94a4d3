//! One batch: read it, and then commit it or go back to where it began.
//!
//! Reading waits as a task does: where records were fetched ahead, a batch needs no other thread. To
//! commit and to go back are calls that block, so they are made on a thread that may. The next batch
//! can be read meanwhile.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::envelope::unpack_kafka_payload;
use super::format::{Ranges, format_kafka_ref};
use super::history::{Message, Ref};
use crate::{Error, connection};

const SEEK_LIMIT: Duration = Duration::from_secs(10);
/// For how many messages room is made before any came.
const ROOM: usize = 100;

/// What makes up a batch.
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
    /// The records that it was read from, those that were skipped too.
    pub(super) ranges: Ranges,
    /// How many records that were.
    pub(super) records: usize,
}

/// Reads batches, one at a time.
pub(super) struct Reader {
    consumer: Arc<StreamConsumer<Revocations>>,
    limits: Limits,
    /// What was read and not processed. It is not empty at the beginning of a batch where the last
    /// one failed, or was abandoned: then it comes again.
    unfinished: Ranges,
    /// What was processed, and is to be committed.
    processed: Ranges,
    /// Held by a call that blocks until it ends, even where nobody waits for it any more: no later
    /// one overtakes it.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Reader {
    pub(super) fn subscribe(
        config: &ClientConfig,
        topics: &[String],
        limits: Limits,
    ) -> Result<Self, Error> {
        let consumer: StreamConsumer<Revocations> =
            config.create_with_context(Revocations::default())?;
        let consumer = Arc::new(consumer);
        let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics)?;
        let (unfinished, processed) = <(Ranges, Ranges)>::default();
        Ok(Reader { consumer, limits, unfinished, processed, turn: Arc::default() })
    }

    /// Reads until a batch is full, the time is up, or `stop` says so. What a caller that waits no
    /// longer has read is unfinished.
    pub(super) async fn read<T: DeserializeOwned>(
        &mut self,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Batch<T>, Error> {
        self.go_back().await?;
        let mut time_is_up = std::pin::pin!(tokio::time::sleep(self.limits.timeout));
        let room = self.limits.batch_size.min(ROOM);
        let (mut messages, mut records) = (Vec::<Message<T>>::with_capacity(room), 0);
        while messages.len() < self.limits.batch_size && !*stop.borrow() {
            // Records that were fetched ahead come without waiting: other tasks get their turn here.
            tokio::task::consume_budget().await;
            let polled = tokio::select! {
                biased;
                polled = self.consumer.recv() => Some(polled),
                _ = stop.changed() => None,
                () = &mut time_is_up => None,
            };
            for (topic, partition) in self.consumer.context().take() {
                // They are another member's now, or begin anew where the last commit was.
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

    /// What was read is processed: it does not come again, and the next commit is of it.
    pub(super) fn finish(&mut self) {
        self.processed = std::mem::take(&mut self.unfinished);
    }

    /// Commits what was processed: for each partition, the offset after the last record.
    pub(super) fn commit(&mut self) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let processed = std::mem::take(&mut self.processed);
        let consumer = Arc::clone(&self.consumer);
        let turn = Arc::clone(&self.turn);
        let revocations = consumer.context().count();
        async move {
            if processed.is_empty() {
                return Ok(());
            }
            let turn = turn.lock_owned().await;
            connection::blocking(move || {
                // The consumer is let go of before the turn: see `idle`.
                let (_turn, consumer) = (turn, consumer);
                commit(&consumer, &processed, revocations)
            })
            .await
        }
    }

    /// Waits for the end of a call that nobody waits for any more. The consumer is this reader's
    /// alone then, and leaves the group when it is dropped.
    pub(super) async fn idle(&self) {
        drop(self.turn.lock().await);
    }

    /// Goes back to where the unfinished batch began. Not to commit would not be enough: the
    /// position has moved on, and the next commit would skip it.
    pub(super) async fn go_back(&mut self) -> Result<(), Error> {
        if self.unfinished.is_empty() {
            return Ok(());
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let (consumer, unfinished) = (Arc::clone(&self.consumer), self.unfinished.clone());
        connection::blocking(move || {
            let (_turn, consumer) = (turn, consumer);
            seek(&consumer, &unfinished)
        })
        .await?;
        self.unfinished = Ranges::default();
        Ok(())
    }
}

/// Commits the ends of the ranges, and waits for the answer. Where partitions were taken away since
/// there were `revocations`, they may be another member's: to commit would set that one back.
fn commit(
    consumer: &StreamConsumer<Revocations>,
    processed: &Ranges,
    revocations: usize,
) -> Result<(), Error> {
    let mut offsets = TopicPartitionList::new();
    for (topic, partition, _, next) in processed.iter() {
        offsets.add_partition_offset(topic, partition, Offset::Offset(next))?;
    }
    let committed = if consumer.context().count() == revocations {
        consumer.commit(&offsets, CommitMode::Sync)
    } else {
        Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::RebalanceInProgress))
    };
    let batch = || processed.to_string();
    match committed {
        Err(source) if is_rebalance(&source) => {
            let batch = batch();
            tracing::warn!(batch, %source, "a batch was processed during a rebalance, and may come again");
            Ok(())
        }
        committed => committed.map_err(|source| Error::NotCommitted { batch: batch(), source }),
    }
}

/// Goes to the beginnings of the ranges, in those partitions that are still assigned.
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

/// The message of a record; none for a record that is skipped.
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

/// Errors of a poll that pass are logged, and reading goes on.
fn passes(error: KafkaError) -> Result<(), Error> {
    use RDKafkaErrorCode as Code;
    match error {
        KafkaError::PartitionEOF(_) => Ok(()),
        KafkaError::MessageConsumption(Code::UnknownTopicOrPartition | Code::UnknownTopic) => {
            tracing::warn!(%error, "a topic does not exist, and is left out");
            Ok(())
        }
        KafkaError::MessageConsumptionFatal(_)
        | KafkaError::MessageConsumption(
            Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed,
        ) => Err(error.into()),
        error => {
            tracing::warn!(%error, "consumer");
            Ok(())
        }
    }
}

/// Whether the group was being shared out anew, which is everyday life and passes.
fn is_rebalance(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    let codes = [Code::RebalanceInProgress, Code::IllegalGeneration, Code::UnknownMemberId];
    matches!(error, KafkaError::ConsumerCommit(code) if codes.contains(code))
}

/// What was read from a partition has the record itself as its only ref.
fn is_from<T>(message: &Message<T>, topic: &str, partition: i32) -> bool {
    message.refs.iter().any(|it| it.topic == topic && it.partition == partition)
}

/// Leaves the last message of each id of each topic, in their order. Messages without id all stay.
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

/// Remembers the partitions that were taken away until the reader asks, and how often that was.
#[derive(Default)]
pub(super) struct Revocations {
    partitions: Mutex<Vec<(String, i32)>>,
    count: AtomicUsize,
}

impl Revocations {
    fn add(&self, partitions: impl IntoIterator<Item = (String, i32)>) {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner).extend(partitions);
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    fn take(&self) -> Vec<(String, i32)> {
        std::mem::take(&mut *self.partitions.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }
}

impl ClientContext for Revocations {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "consumer");
    }
}

impl ConsumerContext for Revocations {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            let elements = list.elements();
            self.add(elements.iter().map(|it| (it.topic().to_owned(), it.partition())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_processed_of_partitions_that_were_taken_away_is_not_committed() {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", "127.0.0.1:1").set("group.id", "boards");
        let consumer: StreamConsumer<Revocations> =
            config.create_with_context(Revocations::default()).unwrap();
        let mut processed = Ranges::default();
        processed.add("delays", 0, 7);
        let before = consumer.context().count();
        consumer.context().add([("delays".to_owned(), 0)]);
        // Nobody is there to answer: a commit would be waited for, and fail.
        commit(&consumer, &processed, before).unwrap();
        assert_eq!(consumer.context().take(), [("delays".to_owned(), 0)]);
    }

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
    fn a_commit_that_meets_a_rebalance_is_no_error() {
        use RDKafkaErrorCode as Code;
        assert!(is_rebalance(&KafkaError::ConsumerCommit(Code::IllegalGeneration)));
        assert!(!is_rebalance(&KafkaError::ConsumerCommit(Code::GroupAuthorizationFailed)));
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
