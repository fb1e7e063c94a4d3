//! Scenes 1 and 2: one topic deletes what is too old, another what is too much.

use anyhow::Result;
use helpers::{ProducerBuilder, TopicOptions, create_topic_with};
use rdkafka::producer::BaseRecord;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::cluster::{listed, records, set, wait_until};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
const LIMIT: Duration = Duration::from_secs(10);

pub(crate) async fn by_time(brokers: &str, topic: &str, deadline: Instant) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
    // ANCHOR: by_time
    // A segment ends before a record that is a second younger than its first one. Nothing goes yet.
    let keep = [("retention.ms", "-1"), ("segment.ms", "1000")];
    let options = TopicOptions::new(1, -1);
    let options = keep.iter().fold(options, |options, (name, value)| options.config(*name, *value));
    create_topic_with(brokers, topic, &options).await?;

    let producer = ProducerBuilder::new(brokers).build().await?;
    for (flight, departure, timestamp) in [
        ("DL104", "yesterday", now - DAY),
        ("AA7", "a minute later", now - DAY + MINUTE),
        ("UA33", "now", now),
    ] {
        let record = BaseRecord::to(topic).key(flight).payload(departure).timestamp(timestamp);
        producer.send(record)?;
        // One batch each, since a batch is never cut in two.
        producer.flush_within(LIMIT).await?;
    }
    let before = records(brokers, topic).await?;
    set(brokers, topic, &[("retention.ms", "3600000"), ("segment.ms", "1000")]).await?;
    let after = wait_until(brokers, topic, deadline, |found| found.len() == 1).await?;
    // ANCHOR_END: by_time
    let title = "by time: retention.ms from -1 to 3600000, an hour\n".to_owned();
    Ok(title + &listed("before", &before) + &after.listed("after"))
}

pub(crate) async fn by_size(brokers: &str, topic: &str, deadline: Instant) -> Result<String> {
    // ANCHOR: by_size
    let options = TopicOptions::new(1, -1).config("segment.bytes", "1048576");
    create_topic_with(brokers, topic, &options).await?;
    let producer = ProducerBuilder::new(brokers).build().await?;
    // Two of these are more than a mebibyte, and so each has a segment of its own.
    let photograph = vec![0_u8; 600_000];
    for flight in ["DL104", "AA7", "UA33", "DL106"] {
        producer.send(BaseRecord::to(topic).key(flight).payload(&photograph))?;
        producer.flush_within(LIMIT).await?;
    }
    let before = records(brokers, topic).await?;
    let limits = [("retention.bytes", "1048576"), ("segment.bytes", "1048576")];
    set(brokers, topic, &limits).await?;
    let after = wait_until(brokers, topic, deadline, |found| found.len() == 2).await?;
    // ANCHOR_END: by_size
    let title = "by size: retention.bytes from -1 to 1048576, a mebibyte\n".to_owned();
    Ok(title + &listed("before", &before) + &after.listed("after"))
}
