//! Consuming everything that was produced, as fast as one librdkafka client can.

use std::time::{Duration, Instant};

use anyhow::bail;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::broker::{Broker, watch};
use crate::produce::{Load, Run};
use crate::topic::Topic;

const SETTINGS: &[(&str, &str)] = &[
    ("group.id", "bench"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
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

/// Consumes all records of `topic` from their beginning. The time counts from the first one on:
/// what comes before is the client finding partitions and offsets, with pauses of its own.
pub(crate) fn measure(broker: &Broker, topic: &Topic<'_>, load: Load) -> anyhow::Result<Run> {
    let consumer: BaseConsumer = broker.client(SETTINGS).create()?;
    let mut assignment = TopicPartitionList::new();
    for partition in 0..topic.partitions {
        assignment.add_partition_offset(&topic.name, partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let first = receive(broker, &consumer, 1)?;
    let (bytes, used) = watch(broker, || receive(broker, &consumer, load.records - 1))?;
    if first + bytes != load.bytes() {
        bail!("{} bytes were produced and {} consumed", load.bytes(), first + bytes);
    }
    Ok(Run { bytes, used })
}

/// Receives `records` records. Answers with the bytes of their values.
fn receive(broker: &Broker, consumer: &BaseConsumer, records: u64) -> anyhow::Result<u64> {
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
