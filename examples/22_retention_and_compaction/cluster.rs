//! What the scenes ask the cluster: how often it checks, a topic's settings, its records.

use anyhow::{Context, Result};
use helpers::{ConsumerBuilder, client_config, unique_name};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(10);

/// How often a cluster looks for what may go.
pub(crate) struct CleanupIntervals {
    pub(crate) retention: Duration,
    pub(crate) cleaner: Duration,
}

/// Asks a broker for its settings.
pub(crate) async fn cleanup_intervals(brokers: &str) -> Result<CleanupIntervals> {
    // ANCHOR: looks
    let admin: AdminClient<DefaultClientContext> = client_config(brokers)?.create()?;
    let metadata = admin.inner().fetch_metadata(None, LIMIT)?;
    let broker = metadata.brokers().first().context("a cluster has a broker")?.id();
    let asked = [ResourceSpecifier::Broker(broker)];
    let mut results = admin.describe_configs(&asked, &AdminOptions::new()).await?;
    let settings = results.remove(0).map_err(KafkaError::AdminOp)?;
    let every = |name: &str| -> Result<Duration> {
        let value = settings.get(name).and_then(|setting| setting.value.as_ref());
        Ok(Duration::from_millis(value.context("the broker shows its settings")?.parse()?))
    };
    Ok(CleanupIntervals {
        retention: every("log.retention.check.interval.ms")?,
        cleaner: every("log.cleaner.backoff.ms")?,
    })
    // ANCHOR_END: looks
}

/// Gives a topic these settings, and no others.
pub(crate) async fn set(brokers: &str, topic: &str, settings: &[(&str, &str)]) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = client_config(brokers)?.create()?;
    // ANCHOR: set
    let mut wanted = AlterConfig::new(ResourceSpecifier::Topic(topic));
    for (name, value) in settings {
        wanted = wanted.set(name, value);
    }
    let results = admin.alter_configs([&wanted], &AdminOptions::new()).await?;
    // ANCHOR_END: set
    for result in results {
        result.map_err(|(_, code)| KafkaError::AdminOp(code))?;
    }
    Ok(())
}

/// The records of a topic's only partition, as a new consumer finds them.
pub(crate) async fn records(brokers: &str, topic: &str) -> Result<Vec<OwnedMessage>> {
    let builder = ConsumerBuilder::new(brokers, unique_name("reader")).enable_partition_eof();
    let consumer: StreamConsumer = builder.build().await?;
    let mut partition = TopicPartitionList::new();
    partition.add_partition_offset(topic, 0, Offset::Beginning)?;
    consumer.assign(&partition)?;
    let mut found = Vec::new();
    loop {
        match tokio::time::timeout(LIMIT, consumer.recv()).await? {
            Ok(record) => found.push(record.detach()),
            Err(KafkaError::PartitionEOF(_)) => return Ok(found),
            Err(error) => return Err(error.into()),
        }
    }
}

/// What a topic holds in the end.
pub(crate) struct Found {
    records: Vec<OwnedMessage>,
    /// Whether it is what was waited for.
    is_in_time: bool,
}

/// Reads the topic again and again, until what is found is as wanted or the deadline is over.
pub(crate) async fn wait_until(
    brokers: &str,
    topic: &str,
    deadline: Instant,
    is_wanted: impl Fn(&[OwnedMessage]) -> bool,
) -> Result<Found> {
    loop {
        let records = records(brokers, topic).await?;
        let is_in_time = is_wanted(&records);
        if is_in_time || Instant::now() >= deadline {
            return Ok(Found { records, is_in_time });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

impl Found {
    /// A table of what was found.
    pub(crate) fn listed(&self, name: &str) -> String {
        let lines = listed(name, &self.records);
        if self.is_in_time {
            return lines;
        }
        lines + "           and the cluster has not cleaned it in time\n"
    }
}

/// A table of records, a line for each.
pub(crate) fn listed(name: &str, records: &[OwnedMessage]) -> String {
    let mut lines = String::new();
    for (index, record) in records.iter().enumerate() {
        let name = if index == 0 { name } else { "" };
        let key = String::from_utf8_lossy(record.key().unwrap_or_default());
        let value = record.payload().map_or("null".to_owned(), |value| match value.len() {
            0..100 => String::from_utf8_lossy(value).into_owned(),
            bytes => format!("{bytes} bytes"),
        });
        lines += &format!("  {name:<8} offset {}  {key:<6} {value}\n", record.offset());
    }
    lines
}
