//! How long a single record takes from the call of produce to its delivery report, while records
//! come at a steady pace that no cluster finds hard.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use rdkafka::ClientContext;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use crate::broker::Broker;
use crate::table::{Better, Table, figure};
use crate::topic;

const SETTINGS: &[(&str, &str)] = &[("acks", "all"), ("linger.ms", "0")];

/// The time between two records: 1,000 of them a second.
const PACE: Duration = Duration::from_millis(1);

/// Records that are sent before the measurement begins, so that connections are open, and what a
/// just-in-time compiler compiles is compiled.
const WARM_UP: usize = 5_000;

/// The size of a record's value in bytes.
const SIZE: usize = 1024;

/// How long the last records may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Notes how long each record took.
#[derive(Debug, Default)]
struct Stopwatch {
    latencies: Mutex<Vec<Duration>>,
    failed: AtomicUsize,
}

impl ClientContext for Stopwatch {}

impl ProducerContext for Stopwatch {
    /// When the record was to be sent.
    type DeliveryOpaque = Box<Instant>;

    fn delivery(&self, result: &DeliveryResult<'_>, due: Box<Instant>) {
        match result {
            Ok(_) => {
                let mut latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
                latencies.push(due.elapsed());
            }
            Err(_) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Sends `records` records of 1 KiB, one each millisecond, whether or not the one before has been
/// delivered. A record's time counts from when it was due, so a stall is not hidden by sending
/// less meanwhile.
pub(crate) fn measure(
    broker: &Broker,
    records: u32,
    what: &str,
    table: &mut Table,
) -> anyhow::Result<()> {
    let topic = topic::create(broker, 1)?;
    let producer: BaseProducer<Stopwatch> =
        broker.client(SETTINGS).create_with_context(Stopwatch::default())?;
    let value = vec![0; SIZE];
    let mut due = Instant::now();
    for _ in 0..records as usize + WARM_UP {
        broker.check_interrupted()?;
        // Polls without a pause: a client that sleeps until the report is there would be measured
        // with its own waking.
        while Instant::now() < due {
            producer.poll(Duration::ZERO);
        }
        let record = BaseRecord::<(), [u8], _>::with_opaque_to(&topic.name, Box::new(due));
        producer.send(record.payload(&value)).map_err(|(error, _)| error)?;
        due += PACE;
    }
    producer.flush(LIMIT)?;
    let stopwatch = producer.context();
    let mut latencies =
        std::mem::take(&mut *stopwatch.latencies.lock().unwrap_or_else(PoisonError::into_inner));
    if latencies.len() != records as usize + WARM_UP {
        bail!("{} records were not delivered", stopwatch.failed.load(Ordering::Relaxed));
    }
    latencies.drain(..WARM_UP);
    latencies.sort_unstable();
    for percent in [50, 99] {
        let latency = latencies[(latencies.len() - 1) * percent / 100];
        let latency = Some(figure(u64::try_from(latency.as_micros())?));
        table.line(&format!("{what}, p{percent}"), latency, "µs", Better::Less);
    }
    topic.delete()
}
