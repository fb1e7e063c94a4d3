//! Topics for one measurement each, removed afterwards.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use rdkafka::admin::{NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::runtime::Builder;

use crate::admin::{self, LIMIT};
use crate::broker::Broker;

/// A topic that exists for a measurement.
pub(crate) struct Topic<'a> {
    broker: &'a Broker,
    pub(crate) name: String,
    pub(crate) partitions: i32,
}

/// Creates a topic with a name of its own, on up to three replicas, and waits until every
/// partition has a leader.
pub(crate) fn create(broker: &Broker, partitions: i32) -> anyhow::Result<Topic<'_>> {
    let name = unique_name()?;
    let consumer: BaseConsumer = broker.client(&[]).create()?;
    let metadata = consumer
        .fetch_metadata(None, LIMIT)
        .with_context(|| format!("no broker responds at {}", broker.bootstrap_servers()))?;
    let replication = i32::try_from(metadata.brokers().len().min(3))?;
    broker.own_topic(&name);
    block_on(async {
        let topic = NewTopic::new(&name, partitions, TopicReplication::Fixed(replication));
        let admin = admin::client(&broker.client(&[]))?;
        admin::all(admin.create_topics([&topic], &admin::options()).await?)
    })?;
    let is_led = || -> anyhow::Result<bool> {
        let metadata = consumer.fetch_metadata(Some(&name), LIMIT)?;
        let mut led =
            metadata.topics().iter().flat_map(rdkafka::metadata::MetadataTopic::partitions);
        let led = led.by_ref().filter(|partition| partition.leader() >= 0).count();
        Ok(led == usize::try_from(partitions)?)
    };
    while !is_led()? {
        broker.check_interrupted()?;
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(Topic { broker, name, partitions })
}

impl Topic<'_> {
    /// Removes the topic and its records.
    pub(crate) fn delete(self) -> anyhow::Result<()> {
        block_on(admin::remove(&self.broker.client(&[]), &self.name))?;
        self.broker.disown_topic(&self.name);
        Ok(())
    }
}

/// Creates as many topics of one partition in one request, removes them, and tells how long the
/// cluster took to create them.
pub(crate) fn create_many(broker: &Broker, count: usize) -> anyhow::Result<Duration> {
    let prefix = unique_name()?;
    let names: Vec<String> = (0..count).map(|index| format!("{prefix}-{index}")).collect();
    names.iter().for_each(|name| broker.own_topic(name));
    block_on(async {
        let admin = admin::client(&broker.client(&[]))?;
        let topics: Vec<_> =
            names.iter().map(|name| NewTopic::new(name, 1, TopicReplication::Fixed(1))).collect();
        // The first request would find no connection open yet.
        admin.inner().fetch_metadata(None, LIMIT)?;
        let before = Instant::now();
        admin::all(admin.create_topics(&topics, &admin::options()).await?)?;
        let elapsed = before.elapsed();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        admin::all(admin.delete_topics(&names, &admin::options()).await?)?;
        names.iter().for_each(|name| broker.disown_topic(name));
        Ok(elapsed)
    })
}

fn unique_name() -> anyhow::Result<String> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(format!("bench-{}-{}", std::process::id(), since_epoch.as_micros()))
}

/// Measurements run on a thread without a runtime; the admin client wants one.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    Builder::new_current_thread().enable_all().build()?.block_on(future)
}
