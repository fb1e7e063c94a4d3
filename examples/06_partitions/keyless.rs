//! Records without a key, and with an empty one, which is not the same.

use std::collections::BTreeSet;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Result, ensure};
use helpers::{ProducerBuilder, Publisher};
use rdkafka::producer::BaseRecord;

use crate::partitioners::{CRC32, MURMUR2};

const RECORDS: usize = 200;
const FLUSH_LIMIT: Duration = Duration::from_secs(30);
/// Between two records, so that sticking to a partition for so many milliseconds can be seen.
const PAUSE: Duration = Duration::from_millis(1);

pub(crate) async fn show(brokers: &str, topic: &str) -> Result<()> {
    println!("key    partitioner        sticky ms    partitions used    changes");
    // ANCHOR: sticky
    for sticky_ms in ["0", "10", "60000"] {
        let producer = ProducerBuilder::new(brokers)
            .set("sticky.partitioning.linger.ms", sticky_ms)
            .build()
            .await?;
        let partitions = send(&producer, topic, None).await?;
        print_row("null", CRC32, sticky_ms, &partitions);
    }
    // ANCHOR_END: sticky

    // ANCHOR: empty
    for partitioner in [CRC32, MURMUR2] {
        let producer = ProducerBuilder::new(brokers)
            .set("partitioner", partitioner)
            .set("sticky.partitioning.linger.ms", "0")
            .build()
            .await?;
        let partitions = send(&producer, topic, Some("")).await?;
        print_row("empty", partitioner, "0", &partitions);
    }
    // ANCHOR_END: empty
    Ok(())
}

/// Sends records one after the other, and returns their partitions in the order of sending.
async fn send(producer: &Publisher, topic: &str, key: Option<&str>) -> Result<Vec<i32>> {
    let (report_to, reports) = mpsc::channel();
    for number in 0..RECORDS {
        let report_to = report_to.clone();
        let mut record = BaseRecord::to(topic).payload("gate closed");
        record.key = key;
        producer.send_then(record, move |report| {
            // The receiver is dropped when the example has failed.
            let _ = report_to.send((number, report.partition));
        })?;
        tokio::time::sleep(PAUSE).await;
    }
    let summary = producer.flush_within(FLUSH_LIMIT).await?;
    ensure!(summary.delivered == RECORDS as u64, "not everything arrived: {summary}");
    let mut landed: Vec<(usize, i32)> = reports.try_iter().collect();
    landed.sort_unstable();
    Ok(landed.into_iter().map(|(_, partition)| partition).collect())
}

fn print_row(key: &str, partitioner: &str, sticky_ms: &str, partitions: &[i32]) {
    let used = partitions.iter().collect::<BTreeSet<_>>().len();
    let changes = partitions.windows(2).filter(|pair| pair[0] != pair[1]).count();
    println!("{key:<5}  {partitioner:<17}  {sticky_ms:>9}    {used:>15}    {changes:>7}");
}
