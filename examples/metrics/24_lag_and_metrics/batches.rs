//! Time and count of the batches of a consumer with lineage.

use std::time::Duration;

use anyhow::{Result, ensure};
use lineage::{BatchMetrics, Consumer, Error, Message, Producer};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

const DELAYS: usize = 6;
const BATCH: usize = 2;
/// Stands in for the work on a batch.
const WORK: Duration = Duration::from_millis(20);

// ANCHOR: batch
/// What a batch took, and how many messages were in it.
fn record(batch: &BatchMetrics) {
    let outcome = if batch.processed { "processed" } else { "failed" };
    let labels = [("service", batch.service.clone()), ("outcome", outcome.to_owned())];
    histogram!("batch_seconds", &labels).record(batch.took.as_secs_f64());
    counter!("batch_messages_total", &labels).increment(batch.messages as u64);
}
// ANCHOR_END: batch

pub(crate) async fn show(brokers: &str, topic: &str, group: &str) -> Result<()> {
    let producer = Producer::new("delays", brokers, &[]).await?;
    let delays: Vec<Message<usize>> =
        (0..DELAYS).map(|number| Message::new(format!("DL {number}"), number * 15)).collect();
    producer.produce_batch(topic, &delays).await?;

    describe_histogram!("batch_seconds", Unit::Seconds, "how long a handler took");
    describe_counter!("batch_messages_total", Unit::Count, "messages that a handler was given");
    // ANCHOR: on_batch
    let mut consumer = Consumer::builder("alarms", brokers, &[topic], group)
        .batch_size(BATCH)
        .timeout_ms(5000)
        .on_batch(record)
        .build()
        .await?;
    // ANCHOR_END: on_batch
    let (mut processed, mut calls) = (0, 0);
    while processed < DELAYS {
        calls += 1;
        let batch = consumer
            .process_batch(async |delays: Vec<Message<usize>>| {
                ensure!(calls != 2, "the loudspeaker is broken");
                tokio::time::sleep(WORK).await;
                println!("   {} alarms", delays.len());
                Ok(())
            })
            .await;
        match batch {
            Ok(count) => processed += count,
            Err(Error::Handler { source, .. }) => println!("   again: {source}"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(consumer.close().await?)
}
