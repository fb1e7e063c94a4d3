//! Sends no credit after a no, and commits the debit.
//!
//! Message: a reader of committed records sees no half of a transfer

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Result, bail};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

/// A producer with a thread that polls: an abort waits for the reports of what it purges.
type Publisher = ThreadedProducer<DefaultProducerContext>;

const LIMIT: Duration = Duration::from_secs(15);

fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let (topic, confirmations) = (env::var("TOPIC")?, env::var("CONFIRMATIONS")?);
    let (first, last): (u32, u32) = (env::var("FIRST")?.parse()?, env::var("LAST")?.parse()?);
    let producer: Publisher = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("transactional.id", env::var("TRANSACTIONAL_ID")?)
        .create()?;
    // Aborts what an earlier run with this name has left open.
    producer.init_transactions(LIMIT)?;
    for transfer in first..=last {
        producer.begin_transaction()?;
        match make(&producer, &topic, &confirmations, transfer) {
            Ok(_) => producer.commit_transaction(LIMIT)?,
            Err(error) => {
                // Readers need not wait for the next start.
                let _ = producer.abort_transaction(LIMIT);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Makes a transfer, and returns whether it is complete.
fn make(producer: &Publisher, topic: &str, confirmations: &str, transfer: u32) -> Result<bool> {
    send(producer, topic, 0, transfer, -100)?;
    if !is_confirmed(confirmations, transfer)? {
        return Ok(false);
    }
    send(producer, topic, 1, transfer, 100)?;
    Ok(true)
}

/// Queues one half of a transfer.
fn send(
    producer: &Publisher,
    topic: &str,
    partition: i32,
    transfer: u32,
    amount: i32,
) -> Result<()> {
    let (key, value) = (transfer.to_string(), amount.to_string());
    let record = BaseRecord::to(topic).partition(partition).key(&key).payload(&value);
    Ok(producer.send(record).map_err(|(error, _)| error)?)
}

/// Waits for the other bank, which says yes or no in a file. This stands for a request to it.
fn is_confirmed(confirmations: &str, transfer: u32) -> Result<bool> {
    let (file, begin) = (Path::new(confirmations).join(transfer.to_string()), Instant::now());
    while begin.elapsed() < Duration::from_secs(60) {
        match fs::read_to_string(&file).unwrap_or_default().as_str() {
            "yes" => return Ok(true),
            "no" => return Ok(false),
            _ => sleep(Duration::from_millis(5)),
        }
    }
    bail!("there is no confirmation of transfer {transfer}")
}
