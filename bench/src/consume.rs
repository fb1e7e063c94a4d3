//! Consuming everything that was produced, as fast as one librdkafka client can.

use std::time::{Duration, Instant};

use anyhow::bail;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::broker::{Broker, watch};
use crate::produce::{Load, Run, peak_memory};
use crate::table::{Table, median};
use crate::topic::Topic;

const SETTINGS: &[(&str, &str)] = &[
    ("group.id", "bench"),
    ("enable.auto.commit", "false"),
    ("fetch.queue.backoff.ms", "1"),
    ("queued.max.messages.kbytes", "262144"),
    ("queued.min.messages", "1000000"),
];

/// The settings that matter to the figures, for the reader.
pub(crate) const SETTINGS_IN_WORDS: &str =
    "partitions assigned by hand, no commits, up to 256 MiB queued for each partition";

/// How long no record may come before the rest is given up.
const SILENCE: Duration = Duration::from_secs(10);

/// How many records are read between two looks at whether to stop.
const BETWEEN_CHECKS: u64 = 1024;

/// Consumes all records of `topic` from their beginning.
pub(crate) fn measure(broker: &Broker, topic: &Topic<'_>, load: Load) -> anyhow::Result<Run> {
    let (bytes, used) = watch(broker, || receive(broker, topic, load.records))?;
    if bytes != load.bytes() {
        bail!("{} bytes were produced and {bytes} consumed", load.bytes());
    }
    Ok(Run { bytes, used })
}

/// Receives `records` records. Answers with the bytes of their values.
fn receive(broker: &Broker, topic: &Topic<'_>, records: u64) -> anyhow::Result<u64> {
    let consumer: BaseConsumer = broker.client(SETTINGS).create()?;
    let mut assignment = TopicPartitionList::new();
    for partition in 0..topic.partitions {
        assignment.add_partition_offset(&topic.name, partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let mut bytes = 0;
    let mut last = Instant::now();
    let mut received = 0;
    while received < records {
        match consumer.poll(Duration::from_millis(100)) {
            Some(message) => {
                bytes += message?.payload_len() as u64;
                received += 1;
                if received % BETWEEN_CHECKS == 0 {
                    last = Instant::now();
                    broker.check_interrupted()?;
                }
            }
            None if last.elapsed() > SILENCE => bail!("{received} of {records} records came"),
            None => broker.check_interrupted()?,
        }
    }
    Ok(bytes)
}

/// The lines about consuming.
pub(crate) fn report(runs: &[Run], table: &mut Table) {
    let throughput = median(runs.iter().map(Run::megabytes_per_second).collect());
    table.line("consume", throughput, "MB/s");
    let cpu_time = median(runs.iter().filter_map(Run::cpu_per_gigabyte).collect());
    table.line("broker's CPU time, consuming", cpu_time, "s per GB");
    table.line("broker's memory while consuming, at most", peak_memory(runs), "MB");
}
