//! Sends the lines of stdin as records, and confirms each delivered record.
//!
//! A confirmation is a line on stdout with key, partition and offset, in the order of the input.
//! However the program ended, the source resumes after the last confirmed line.

mod blocking;
mod config;
mod source;
mod stop;

use std::collections::VecDeque;
use std::io::Write;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::future_producer::{Delivery, DeliveryFuture};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use tokio::time::{Instant, sleep};

use blocking::{LIMIT, check_topic, within};
use config::Config;
use stop::Stop;

/// The maximum number of unconfirmed records. It limits memory, and how many records are sent twice
/// after this program was killed.
const IN_FLIGHT: usize = 1_000;

/// The unconfirmed records with their keys, in the order of the input.
type InFlight = VecDeque<(String, DeliveryFuture)>;

#[tokio::main]
async fn main() -> Result<()> {
    let config = Config::load()?;
    config.start_log();
    let stop = Stop::listen()?;
    let topic = config.required("TOPIC")?;
    let producer = producer(&config)?;
    let (asked, name) = (producer.clone(), topic.clone());
    within(2 * LIMIT, move || check_topic(asked.client(), &name)).await??;
    tracing::info!(topic, "sending");
    send_all(&producer, &topic, &stop).await
}

fn producer(config: &Config) -> Result<FutureProducer> {
    let defaults = [
        // A record is confirmed when all in-sync replicas have it.
        ("acks", "all"),
        // The client's retries neither duplicate nor reorder records.
        ("enable.idempotence", "true"),
        // How long the client retries. After that the record has failed, and the program ends.
        ("delivery.timeout.ms", "120000"),
        // Records that arrive within 5 ms are sent in one batch.
        ("linger.ms", "5"),
        ("compression.type", "lz4"),
        ("queue.buffering.max.kbytes", "65536"),
    ];
    Ok(config.client(&defaults, "KAFKA_PRODUCER_SETTINGS")?.create()?)
}

/// Sends until stdin ends or the program must stop, then waits for the records in flight. It skips
/// lines that can never be sent, and then ends with an error.
async fn send_all(producer: &FutureProducer, topic: &str, stop: &Stop) -> Result<()> {
    let (mut lines, mut in_flight) = (source::lines(), InFlight::new());
    let (mut reading, mut number, mut rejected) = (true, 0, 0);
    let mut failure = None;
    let mut overdue = pin!(stop.overdue());
    while reading || !in_flight.is_empty() {
        tokio::select! {
            biased;
            () = stop.received(), if reading => reading = false,
            () = &mut overdue => bail!("{} records are not confirmed", in_flight.len()),
            // A record after a failed one must not be confirmed: the source would resume there.
            delivered = oldest(&mut in_flight), if !in_flight.is_empty() => confirm(delivered?)?,
            line = lines.recv(), if reading && in_flight.len() < IN_FLIGHT => {
                let Some(line) = line else {
                    reading = false;
                    continue;
                };
                number += 1;
                match queue(producer, topic, line).await {
                    Ok(Some(queued)) => in_flight.push_back(queued),
                    Ok(None) => {
                        rejected += 1;
                        tracing::error!(line = number, "not sent: it is not an order, or too large");
                    }
                    Err(error) => (reading, failure) = (false, Some(error)),
                }
            }
        }
    }
    match failure {
        Some(failure) => Err(failure),
        None if rejected > 0 => bail!("{rejected} lines were not sent: the log says which"),
        None => Ok(()),
    }
}

/// Queues a record, and waits while the queue is full. Returns `None` for a line that can never be
/// sent.
async fn queue(
    producer: &FutureProducer,
    topic: &str,
    line: Result<String>,
) -> Result<Option<(String, DeliveryFuture)>> {
    let line = line?;
    let Some(key) = source::key(&line) else { return Ok(None) };
    let mut record = FutureRecord::to(topic).key(&key).payload(line.trim_end());
    let deadline = Instant::now() + LIMIT;
    loop {
        let (error, same) = match producer.send_result(record) {
            Ok(delivery) => return Ok(Some((key, delivery))),
            Err(refused) => refused,
        };
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::QueueFull) if Instant::now() < deadline => {
                record = same;
                sleep(Duration::from_millis(10)).await;
            }
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => return Ok(None),
            _ => return Err(error).context("cannot queue a record"),
        }
    }
}

/// Waits for the delivery report of the oldest record. It is cancel safe: the record stays in the
/// queue until its report arrives.
async fn oldest(in_flight: &mut InFlight) -> Result<(String, Delivery)> {
    let (key, delivery) = in_flight.front_mut().context("no record is in flight")?;
    let (key, report) = (key.clone(), delivery.await);
    in_flight.pop_front();
    // librdkafka has already retried, so this is final.
    match report.context("the producer is gone")? {
        Ok(delivery) => Ok((key, delivery)),
        Err((error, _)) => Err(anyhow!(error).context(format!("record {key} was not delivered"))),
    }
}

fn confirm((key, Delivery { partition, offset, .. }): (String, Delivery)) -> Result<()> {
    writeln!(std::io::stdout(), "{key} {partition} {offset}").context("cannot confirm on stdout")
}
