//! Sends 20,000 scans through a queue of 1,000.

use std::env;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, NoCustomPartitioner, Producer, ProducerContext,
};
use rdkafka::{ClientConfig, ClientContext};

const SCANS: usize = 20_000;
const LIMIT: Duration = Duration::from_secs(30);

/// Counts the records that the brokers have acknowledged.
#[derive(Default)]
struct Delivered(AtomicUsize);

impl ClientContext for Delivered {}

impl ProducerContext<NoCustomPartitioner> for Delivered {
    type DeliveryOpaque = ();

    fn delivery(&self, report: &DeliveryResult<'_>, (): ()) {
        match report {
            Ok(_) => _ = self.0.fetch_add(1, Ordering::Relaxed),
            Err((error, _)) => eprintln!("a scan was not delivered: {error}"),
        }
    }
}

fn main() -> Result<()> {
    let brokers = env::var("KAFKA_BOOTSTRAP_SERVERS")?;
    let topic = env::var("TOPIC")?;
    let producer: BaseProducer<Delivered> = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .set("queue.buffering.max.messages", "1000")
        .set("enable.idempotence", "true")
        .set("linger.ms", "20")
        .create_with_context(Delivered::default())?;

    for number in 0..SCANS {
        let (key, value) = (format!("belt-{}", number % 40), format!("scan {number}"));
        send(&producer, BaseRecord::to(&topic).key(&key).payload(&value))?;
    }
    producer.flush(LIMIT)?;
    let delivered = producer.context().0.load(Ordering::Relaxed);
    println!("{delivered} scans delivered");
    ensure!(delivered == SCANS, "{} scans were not delivered", SCANS - delivered);
    Ok(())
}

/// Queues a record. One leaves the queue when its report has been served, so a full queue needs
/// a poll. The same record is next again, which keeps the order.
fn send(producer: &BaseProducer<Delivered>, record: BaseRecord<'_, String, String>) -> Result<()> {
    let (begin, mut record) = (Instant::now(), record);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), same))
                if begin.elapsed() < LIMIT =>
            {
                producer.poll(Duration::from_millis(100));
                record = same;
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}
