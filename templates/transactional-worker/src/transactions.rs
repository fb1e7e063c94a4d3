//! Begins, fills, commits and aborts the transactions.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Header, Message, OwnedHeaders};
use rdkafka::metadata::MetadataTopic;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use crate::config::Config;
use crate::offsets::Offsets;
use crate::process::process;

/// A transaction is committed after this many records or this much time. Consumers read its records
/// only then. Each commit costs a few round trips.
const RECORDS: usize = 500;
const TIME: Duration = Duration::from_millis(500);
/// How long one call may wait for the cluster, and how long all calls of a commit may take.
const CALL: Duration = Duration::from_secs(10);
const COMMIT: Duration = Duration::from_secs(20);

pub struct Transactions {
    /// It serves delivery reports on its own thread. An abort waits for them.
    producer: ThreadedProducer<DefaultProducerContext>,
    output: String,
    dead_letters: String,
    /// The records of the open transaction, and when it began.
    open: Option<(Offsets, Instant)>,
}

impl Transactions {
    pub fn start(config: &Config) -> Result<Transactions> {
        let defaults = [
            // It must stay the same after a restart, which then aborts the open transaction. Each
            // instance needs its own: a second instance with the same id fences the first.
            ("transactional.id", &*config.required("TRANSACTIONAL_ID")?),
            // The coordinator aborts a transaction after this time. Until then, consumers do not
            // read past it.
            ("transaction.timeout.ms", "30000"),
            ("delivery.timeout.ms", "30000"),
            ("linger.ms", "5"),
            ("compression.type", "lz4"),
            ("queue.buffering.max.kbytes", "65536"),
        ];
        let producer: ThreadedProducer<DefaultProducerContext> =
            config.client(&defaults, "KAFKA_PRODUCER_SETTINGS")?.create()?;
        until_done(COMMIT, || producer.init_transactions(CALL))
            .context("cannot begin transactions: check the cluster's address and its ACLs")?;
        let output = config.required("OUTPUT_TOPIC")?;
        let dead_letters = config.required("DEAD_LETTER_TOPIC")?;
        let transactions = Transactions { producer, output, dead_letters, open: None };
        transactions.check_topic(&transactions.output)?;
        transactions.check_topic(&transactions.dead_letters)?;
        Ok(transactions)
    }

    pub fn check_topic(&self, topic: &str) -> Result<()> {
        let metadata = self.producer.client().fetch_metadata(Some(topic), CALL)?;
        match metadata.topics().first().and_then(MetadataTopic::error) {
            None => Ok(()),
            Some(error) => bail!("topic {topic}: {}", RDKafkaErrorCode::from(error)),
        }
    }

    /// Processes a record as part of the open transaction. A record that can never be processed
    /// goes to the dead-letter topic, as part of the same transaction.
    pub fn add(&mut self, message: &BorrowedMessage<'_>) -> Result<()> {
        if self.open.is_none() {
            self.producer.begin_transaction()?;
            self.open = Some((Offsets::default(), Instant::now()));
        }
        match process(message.payload()) {
            Ok(value) => self.send(&self.output, message.key(), value.as_deref(), None)?,
            Err(error) => {
                let (partition, offset) = (message.partition(), message.offset());
                tracing::error!(partition, offset, "sent to the dead-letter topic: {error:#}");
                let origin = [
                    ("original-topic", message.topic().to_owned()),
                    ("original-partition", partition.to_string()),
                    ("original-offset", offset.to_string()),
                    ("error", format!("{error:#}").chars().take(1_000).collect()),
                ];
                let headers = origin.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
                    all.insert(Header { key, value: Some(value) })
                });
                self.send(&self.dead_letters, message.key(), message.payload(), Some(headers))?;
            }
        }
        let (offsets, _) = self.open.as_mut().context("no transaction is open")?;
        offsets.add(message);
        Ok(())
    }

    /// Queues a record, and waits while the queue is full. The commit fails if the record is not
    /// delivered.
    fn send(
        &self,
        topic: &str,
        key: Option<&[u8]>,
        payload: Option<&[u8]>,
        headers: Option<OwnedHeaders>,
    ) -> Result<()> {
        let mut record = BaseRecord { key, payload, headers, ..BaseRecord::to(topic) };
        let deadline = Instant::now() + CALL;
        loop {
            let (error, same) = match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            let is_full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
            if !is_full || Instant::now() > deadline {
                return Err(error).with_context(|| format!("cannot send to {topic}"));
            }
            record = same;
            sleep(Duration::from_millis(1));
        }
    }

    pub fn is_due(&self) -> bool {
        let due = |(offsets, since): &(Offsets, Instant)| {
            offsets.records() >= RECORDS || since.elapsed() >= TIME
        };
        self.open.as_ref().is_some_and(due)
    }

    /// Commits the open transaction. If the commit is rejected, it aborts, and reads the records
    /// again.
    ///
    /// # Errors
    /// Errors that a restart resolves: another process with the same id, a cluster that does not
    /// respond.
    pub fn commit<C: ConsumerContext>(&mut self, consumer: &BaseConsumer<C>) -> Result<()> {
        let Some((offsets, _)) = &self.open else { return Ok(()) };
        match self.try_commit(consumer, offsets) {
            Ok(()) => {
                self.open = None;
                Ok(())
            }
            Err(KafkaError::Transaction(error)) if error.txn_requires_abort() => {
                tracing::warn!(%error, "aborted, the records are read again");
                let first = offsets.first()?;
                self.abort()?;
                rewind(consumer, &first)
            }
            Err(error) => Err(error).context("cannot commit"),
        }
    }

    fn try_commit<C: ConsumerContext>(
        &self,
        consumer: &BaseConsumer<C>,
        offsets: &Offsets,
    ) -> KafkaResult<()> {
        let deadline = Instant::now() + COMMIT;
        // rdkafka's commit also waits for these, but in steps of 100 ms.
        while self.producer.in_flight_count() > 0 && Instant::now() < deadline {
            sleep(Duration::from_millis(1));
        }
        // With it, the coordinator rejects offsets from a member that lost its partitions
        // (KIP-447).
        let member = consumer.group_metadata().ok_or(KafkaError::Canceled)?;
        let next = offsets.next()?;
        let left = || deadline.saturating_duration_since(Instant::now());
        until_done(left(), || self.producer.send_offsets_to_transaction(&next, &member, CALL))?;
        until_done(left(), || self.producer.commit_transaction(CALL))
    }

    /// Aborts the open transaction, if there is one.
    pub fn abort(&mut self) -> Result<()> {
        match self.open.take() {
            None => Ok(()),
            Some(_) => {
                until_done(CALL, || self.producer.abort_transaction(CALL)).context("cannot abort")
            }
        }
    }
}

/// Seeks back to these offsets, in the partitions that are still assigned.
fn rewind<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    first: &rdkafka::TopicPartitionList,
) -> Result<()> {
    let assigned = consumer.assignment()?;
    let mut ours = rdkafka::TopicPartitionList::new();
    for partition in first.elements() {
        let (topic, number) = (partition.topic(), partition.partition());
        if assigned.find_partition(topic, number).is_some() {
            ours.add_partition_offset(topic, number, partition.offset())?;
        }
    }
    for partition in consumer.seek_partitions(ours, CALL)?.elements() {
        partition.error().context("cannot seek back after an abort")?;
    }
    Ok(())
}

/// Retries a call while its error is retriable.
fn until_done(limit: Duration, mut call: impl FnMut() -> KafkaResult<()>) -> KafkaResult<()> {
    let deadline = Instant::now() + limit;
    loop {
        match call() {
            Err(KafkaError::Transaction(error))
                if error.is_retriable() && Instant::now() < deadline =>
            {
                tracing::warn!(%error, "retrying");
                sleep(Duration::from_millis(100));
            }
            done => return done,
        }
    }
}
