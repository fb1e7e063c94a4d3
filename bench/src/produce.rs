//! Producing as fast as one librdkafka client can, with acks=all.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use crate::broker::{Broker, Used, watch};
use crate::table::{Better, Table, figure, median, megabytes};
use crate::topic::Topic;

const SETTINGS: &[(&str, &str)] = &[
    ("acks", "all"),
    ("linger.ms", "5"),
    ("batch.size", "1000000"),
    ("batch.num.messages", "10000"),
    ("queue.buffering.max.kbytes", "131072"),
];

/// The settings that matter to the figures, for the reader.
pub(crate) const SETTINGS_IN_WORDS: &str =
    "acks=all, linger.ms=5, batch.size=1000000, up to 128 MiB queued, not idempotent, uncompressed";

/// How many records are sent between two looks at the delivery reports.
const BETWEEN_POLLS: u64 = 256;

/// How long the last records may take.
const FLUSH_LIMIT: Duration = Duration::from_secs(60);

/// How long a flush waits before it looks again. rdkafka's own steps are 100 ms long.
const FLUSH_STEP: Duration = Duration::from_millis(1);

/// What is produced, and then consumed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) records: u64,
    /// The size of each record's value, in bytes.
    pub(crate) size: u32,
}

impl Load {
    pub(crate) fn new(records: u64, size: u32) -> Self {
        Self { records, size }
    }

    /// All values together, in bytes.
    pub(crate) fn bytes(self) -> u64 {
        self.records * u64::from(self.size)
    }
}

/// One run: throughput, and what the cluster used for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) bytes: u64,
    pub(crate) used: Used,
}

impl Run {
    pub(crate) fn megabytes_per_second(&self) -> f64 {
        megabytes(self.bytes) / self.used.elapsed.as_secs_f64()
    }

    /// CPU seconds per GB.
    pub(crate) fn per_gigabyte(&self, cpu_time: Option<Duration>) -> Option<f64> {
        Some(cpu_time?.as_secs_f64() / (figure(self.bytes) / 1e9))
    }
}

/// Counts what came back.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    delivered: AtomicU64,
    failure: Mutex<Option<KafkaError>>,
}

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => {
                self.delivered.fetch_add(1, Ordering::Relaxed);
            }
            Err((error, _)) => {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
            }
        }
    }
}

impl Reports {
    /// How many records have been delivered.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// An error if any record has failed.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// Produces all records to `topic` with one producer.
pub(crate) fn measure(broker: &Broker, topic: &Topic<'_>, load: Load) -> anyhow::Result<Run> {
    let ((), used) = watch(broker, || send(broker, &topic.name, load))?;
    Ok(Run { bytes: load.bytes(), used })
}

/// Sends all records and waits for their delivery.
pub(crate) fn send(broker: &Broker, topic: &str, load: Load) -> anyhow::Result<()> {
    let producer: BaseProducer<Reports> =
        broker.client(SETTINGS).create_with_context(Reports::default())?;
    let reports = producer.context();
    let value: Vec<u8> = (0..load.size).map(|index| (index % 251) as u8).collect();
    for sent in 0..load.records {
        if sent % BETWEEN_POLLS == 0 {
            producer.poll(Duration::ZERO);
            reports.check()?;
            broker.check_interrupted()?;
        }
        let mut record = BaseRecord::<(), [u8]>::to(topic).payload(&value);
        while let Err((error, refused)) = producer.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            broker.check_interrupted()?;
            record = refused;
            producer.poll(Duration::ZERO);
        }
    }
    flush(&producer)?;
    if reports.delivered() != load.records {
        bail!("{} of {} records were delivered", reports.delivered(), load.records);
    }
    Ok(())
}

/// Waits until everything is delivered.
pub(crate) fn flush(producer: &BaseProducer<Reports>) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        match producer.flush(FLUSH_STEP) {
            Err(KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut))
                if started.elapsed() < FLUSH_LIMIT => {}
            Err(error) => return Err(error.into()),
            Ok(()) => return producer.context().check(),
        }
    }
}

/// The lines about runs of one kind.
pub(crate) fn report(what: &str, runs: &[Run], table: &mut Table) {
    let throughputs: Vec<f64> = runs.iter().map(Run::megabytes_per_second).collect();
    table.line(what, median(throughputs), "MB/s", Better::More);
    let of = |cpu_time: fn(&Used) -> Option<Duration>| {
        median(runs.iter().filter_map(|run| run.per_gigabyte(cpu_time(&run.used))).collect())
    };
    let brokers = of(|used| used.cpu_time);
    table.line(&format!("{what}: CPU time of the brokers"), brokers, "s per GB", Better::Less);
    let peak = runs.iter().filter_map(|run| run.used.peak_memory).max().map(megabytes);
    table.line(&format!("{what}: memory of the brokers"), peak, "MB", Better::Less);
}
