//! Sends each line of a JSON file as a record, and resumes where it stopped after a restart.
//!
//! This is a job: it ends by itself. One thread reads, queues records and serves delivery reports.
//! librdkafka batches, compresses and sends in the background.

mod config;
mod input;
mod progress;
mod record;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::MetadataTopic;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use config::Config;
use input::Input;
use progress::Progress;

/// How often the progress is saved. After a kill, the records sent since then are sent again.
const SAVE: Duration = Duration::from_secs(1);
/// How long the cluster may take to respond, and to acknowledge the queued records at the end.
const LIMIT: Duration = Duration::from_secs(10);
const FLUSH: Duration = Duration::from_secs(20);
/// How long to wait before the next try while the queue is full.
const ROOM: Duration = Duration::from_millis(1);

fn main() -> Result<()> {
    let config = Config::load()?;
    config.start_log();
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    // Ctrl-C, SIGTERM and SIGHUP.
    ctrlc::set_handler(move || told.store(true, Ordering::Relaxed))
        .context("cannot listen for signals")?;
    let (path, topic) = (config.required("INPUT")?, config.required("TOPIC")?);
    let producer = producer(&config, Progress::load(Path::new(&path))?)?;
    let progress = producer.context();
    check_topic(&producer, &topic)?;
    let mut input = Input::open(Path::new(&path))?;
    input.skip(progress.done())?;
    tracing::info!(path, topic, done = progress.done(), "sending");

    let ended = send_all(&producer, &topic, &mut input, &stop);
    // Even after an error, the queued records are delivered and the progress is saved.
    let flushed = producer.flush(FLUSH).context("not everything was delivered in time");
    let saved = progress.save();
    for error in [&flushed, &saved].into_iter().filter_map(|result| result.as_ref().err()) {
        tracing::error!("{error:#}");
    }
    tracing::info!("{progress}");
    let is_complete = ended?;
    flushed.and(saved)?;
    progress.check()?;
    if !is_complete {
        // An orchestrator does not restart a job that succeeded.
        bail!("stopped by a signal after line {}: start it again", progress.done());
    }
    progress.check_rejected()
}

fn producer(config: &Config, progress: Progress) -> Result<BaseProducer<Progress>> {
    let defaults = [
        ("acks", "all"),
        // The client's retries neither duplicate nor reorder records.
        ("enable.idempotence", "true"),
        // How long the client retries. After that the record has failed, and the job ends.
        ("delivery.timeout.ms", "120000"),
        // For throughput: large batches, compression and a long queue.
        ("linger.ms", "50"),
        ("batch.size", "1000000"),
        ("compression.type", "lz4"),
        ("queue.buffering.max.messages", "100000"),
        ("queue.buffering.max.kbytes", "262144"),
    ];
    let client = config.client(&defaults, "KAFKA_PRODUCER_SETTINGS")?;
    Ok(client.create_with_context(progress)?)
}

fn check_topic(producer: &BaseProducer<Progress>, topic: &str) -> Result<()> {
    let metadata = producer.client().fetch_metadata(Some(topic), LIMIT).context(
        "the cluster does not respond: check KAFKA_BOOTSTRAP_SERVERS and KAFKA_SECURITY_PROTOCOL",
    )?;
    match metadata.topics().first().and_then(MetadataTopic::error) {
        None => Ok(()),
        Some(error) => bail!("topic {topic}: {}", RDKafkaErrorCode::from(error)),
    }
}

/// Sends the lines to the end of the file. Returns false if a signal stopped it.
fn send_all(
    producer: &BaseProducer<Progress>,
    topic: &str,
    input: &mut Input,
    stop: &AtomicBool,
) -> Result<bool> {
    let (progress, mut saved) = (producer.context(), Instant::now());
    while let Some((number, line)) = input.next()? {
        match line.and_then(|line| Ok((record::key(&line)?, line))) {
            Ok((key, line)) => send(producer, topic, number, &key, &line, stop)?,
            Err(error) => progress.reject(number, &error)?,
        }
        producer.poll(Duration::ZERO);
        progress.check()?;
        if saved.elapsed() >= SAVE {
            progress.save()?;
            saved = Instant::now();
        }
        if stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Queues a record, and waits while the queue is full. That ends when the queued records fail,
/// after `delivery.timeout.ms`, or with a signal.
fn send(
    producer: &BaseProducer<Progress>,
    topic: &str,
    number: usize,
    key: &str,
    line: &[u8],
    stop: &AtomicBool,
) -> Result<()> {
    let mut record = BaseRecord::with_opaque_to(topic, number).key(key).payload(line);
    loop {
        let (error, same) = match producer.send(record) {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        match error.rdkafka_error_code() {
            // The line is not sent: the next run begins with it.
            Some(RDKafkaErrorCode::QueueFull) if stop.load(Ordering::Relaxed) => return Ok(()),
            Some(RDKafkaErrorCode::QueueFull) => {
                record = same;
                producer.poll(ROOM);
            }
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => {
                return producer.context().reject(number, &error.into());
            }
            _ => return Err(error).context("cannot queue a record"),
        }
    }
}
