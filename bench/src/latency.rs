//! How long a single record takes from the call of produce to its delivery report.

use std::time::{Duration, Instant};

use anyhow::bail;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::broker::Broker;
use crate::produce::Reports;
use crate::table::{Table, figure};
use crate::topic;

const SETTINGS: &[(&str, &str)] = &[("acks", "all"), ("linger.ms", "0")];

/// Records that are sent before the measurement begins, so that connections are open and warm.
const WARM_UP: usize = 500;

/// The size of a record's value in bytes.
const SIZE: usize = 1024;

/// How long a record may take before it is given up.
const LIMIT: Duration = Duration::from_secs(30);

/// Sends `records` records of 1 KiB one after the other, each once the one before was delivered.
pub(crate) fn measure(broker: &Broker, records: u32, table: &mut Table) -> anyhow::Result<()> {
    let topic = topic::create(broker, 1)?;
    let producer: BaseProducer<Reports> =
        broker.client(SETTINGS).create_with_context(Reports::default())?;
    let value = vec![0; SIZE];
    let mut latencies = Vec::new();
    for _ in 0..records as usize + WARM_UP {
        broker.check_interrupted()?;
        latencies.push(deliver(&producer, &topic.name, &value)?);
    }
    latencies.drain(..WARM_UP);
    latencies.sort_unstable();
    for (percent, name) in [(50, "single record to its delivery report, p50"), (99, "p99")] {
        let latency = latencies[(latencies.len() - 1) * percent / 100];
        table.line(name, Some(figure(u64::try_from(latency.as_micros())?)), "µs");
    }
    topic.delete()
}

/// Polls without a pause: a client that sleeps until the report is there would be measured with
/// its own waking.
fn deliver(
    producer: &BaseProducer<Reports>,
    topic: &str,
    value: &[u8],
) -> anyhow::Result<Duration> {
    let reports = producer.context();
    let delivered = reports.delivered();
    let before = Instant::now();
    producer.send(BaseRecord::<(), [u8]>::to(topic).payload(value)).map_err(|(error, _)| error)?;
    while reports.delivered() == delivered {
        producer.poll(Duration::ZERO);
        reports.check()?;
        if before.elapsed() > LIMIT {
            bail!("a record was not delivered within {LIMIT:?}");
        }
    }
    Ok(before.elapsed())
}
