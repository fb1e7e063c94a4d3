//! The work with the helpers, as a learner writes it.

use std::time::{Duration, Instant};

use anyhow::ensure;
use helpers::json::JsonProducer;
use helpers::lineage::{Consumer, Message, Producer};

use super::departure::{Departure, departures, messages};
use super::work::Clock;

pub(super) async fn json_out(servers: &str, topic: &str, records: u64) -> anyhow::Result<Duration> {
    let producer = JsonProducer::builder(servers).build().await?;
    let before = Instant::now();
    let summary = producer.send_all(topic, departures(records)).await?;
    ensure!(summary.delivered == records, "{summary}");
    Ok(before.elapsed())
}

pub(super) async fn lineage_out(
    servers: &str,
    topic: &str,
    records: u64,
) -> anyhow::Result<Duration> {
    let producer = Producer::new("bench", servers, &[]).await?;
    let messages = messages();
    let mut left = usize::try_from(records)?;
    let before = Instant::now();
    while left > 0 {
        let batch = messages.get(..left).unwrap_or(&messages);
        left -= producer.produce_batch(topic, batch).await?.delivered;
    }
    Ok(before.elapsed())
}

pub(super) async fn lineage_in(
    servers: &str,
    topic: &str,
    records: u64,
) -> anyhow::Result<Duration> {
    let group = helpers::unique_name("bench");
    let mut consumer =
        Consumer::builder("bench", servers, &[topic], group).batch_size(100).build().await?;
    let mut clock = Clock::default();
    let (mut read, mut bytes) = (0, 0);
    while read < records {
        let batch = consumer.process_batch(async |departures: Vec<Message<Departure>>| {
            clock.start();
            bytes += departures.iter().map(|it| it.payload.id.len()).sum::<usize>();
            anyhow::Ok(())
        });
        read += u64::try_from(batch.await?)?;
    }
    let elapsed = clock.elapsed();
    consumer.close().await?;
    ensure!(bytes > 0, "the departures have ids");
    Ok(elapsed)
}
