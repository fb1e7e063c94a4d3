//! Scene 3: a changelog keeps the last value of each key, and removes keys that were deleted.

use anyhow::Result;
use helpers::{ProducerBuilder, Publisher, TopicOptions, create_topic_with};
use rdkafka::message::Message;
use rdkafka::producer::BaseRecord;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::cluster::{listed, records, set, wait_until};

/// A key and its value; `None` is a tombstone, which deletes the key.
type Change<'a> = (&'a str, Option<&'a str>);

/// The gate of each flight, as it changes. DL104 has left.
const CHANGES: [Change<'static>; 6] = [
    ("DL104", Some("gate 3")),
    ("AA7", Some("gate 9")),
    ("DL104", Some("gate 5")),
    ("DL104", None),
    ("AA7", Some("gate 8")),
    ("UA33", Some("gate 1")),
];

pub(crate) async fn show(brokers: &str, topic: &str, deadline: Instant) -> Result<String> {
    // ANCHOR: changes
    let options = TopicOptions::new(1, -1).config("segment.ms", "1000");
    create_topic_with(brokers, topic, &options).await?;
    let mut changelog = Changelog::open(brokers, topic).await?;
    for change in CHANGES {
        changelog.write(change).await?;
    }
    // ANCHOR_END: changes
    let before = records(brokers, topic).await?;
    // ANCHOR: compact
    let compact = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "1000"),
        // As soon as anything is new, and not when half of the log is.
        ("min.cleanable.dirty.ratio", "0.01"),
        // How long readers have to learn of a deletion. The default is a day.
        ("delete.retention.ms", "0"),
    ];
    set(brokers, topic, &compact).await?;
    // The value of DL104 goes at once. Its tombstone stays until a later cleaning.
    let first = wait_until(brokers, topic, deadline, |found| found.len() == 3).await?;

    changelog.write(("UA33", Some("gate 2"))).await?;
    changelog.write(("UA33", Some("gate 4"))).await?;
    let second = wait_until(brokers, topic, deadline, |found| {
        found.len() == 3 && found.iter().all(|record| record.key() != Some(b"DL104"))
    });
    let second = second.await?;
    // ANCHOR_END: compact
    let title = "by key: cleanup.policy from delete to compact\n".to_owned();
    Ok(title + &listed("before", &before) + &first.listed("cleaned") + &second.listed("again"))
}

/// Writes changes, each in a batch of its own and a minute after the one before.
struct Changelog<'a> {
    producer: Publisher,
    topic: &'a str,
    timestamp: i64,
}

impl<'a> Changelog<'a> {
    async fn open(brokers: &str, topic: &'a str) -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
        let producer = ProducerBuilder::new(brokers).build().await?;
        Ok(Self { producer, topic, timestamp: now - 3_600_000 })
    }

    async fn write(&mut self, (flight, gate): Change<'_>) -> Result<()> {
        self.timestamp += 60_000;
        let record = BaseRecord::to(self.topic).key(flight).timestamp(self.timestamp);
        self.producer.send(BaseRecord { payload: gate, ..record })?;
        self.producer.flush_within(Duration::from_secs(10)).await?;
        Ok(())
    }
}
