//! The work with the helpers, as a learner writes it.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use json_batches::JsonProducer;
use lineage::{Consumer, Message, Producer};
use tokio::sync::Notify;

use super::clock::Clock;
use super::departure::{Departure, departures, messages};

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
    let (mut clock, enough) = (Clock::default(), Notify::new());
    let (mut read, mut bytes) = (0, 0);
    let processing = consumer.process(|departures: Vec<Message<Departure>>| {
        clock.start();
        bytes += departures.iter().map(|it| it.payload.id.len()).sum::<usize>();
        read += departures.len() as u64;
        if read >= records {
            enough.notify_one();
        }
        std::future::ready(anyhow::Ok(()))
    });
    tokio::select! {
        biased;
        ended = processing => bail!("processing ended after {} messages", ended?),
        () = enough.notified() => {}
    }
    let elapsed = clock.elapsed();
    consumer.close().await?;
    ensure!(bytes > 0, "the departures have ids");
    Ok(elapsed)
}
