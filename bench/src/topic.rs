//! Topics for one measurement each, removed afterwards.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::runtime::Builder;

use crate::broker::Broker;

/// How long the cluster may take to answer a question about topics.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

/// A topic that exists for a measurement.
pub(crate) struct Topic<'a> {
    broker: &'a Broker,
    pub(crate) name: String,
    pub(crate) partitions: i32,
}

/// Creates a topic with a name of its own, on up to three replicas, and waits until every
/// partition has a leader.
pub(crate) fn create(broker: &Broker, partitions: i32) -> anyhow::Result<Topic<'_>> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let name = format!("bench-{}-{}", std::process::id(), since_epoch.as_micros());
    let consumer: BaseConsumer = broker.client(&[]).create()?;
    let metadata = consumer
        .fetch_metadata(None, LIMIT)
        .with_context(|| format!("nobody answers at {}", broker.bootstrap_servers()))?;
    let replication = i32::try_from(metadata.brokers().len().min(3))?;
    broker.own_topic(&name);
    block_on(async {
        let topic = NewTopic::new(&name, partitions, TopicReplication::Fixed(replication));
        let created = admin(broker)?.create_topics([&topic], &options()).await?;
        first(created)
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
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    Ok(Topic { broker, name, partitions })
}

impl Topic<'_> {
    /// Removes the topic and its records.
    pub(crate) fn delete(self) -> anyhow::Result<()> {
        block_on(remove(self.broker, &self.name))?;
        self.broker.disown_topic(&self.name);
        Ok(())
    }
}

/// Removes a topic by its name.
pub(crate) async fn remove(broker: &Broker, name: &str) -> anyhow::Result<()> {
    first(admin(broker)?.delete_topics(&[name], &options()).await?)
}

fn admin(broker: &Broker) -> anyhow::Result<AdminClient<DefaultClientContext>> {
    Ok(broker.client(&[]).create()?)
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(LIMIT)).request_timeout(Some(LIMIT))
}

fn first(results: Vec<rdkafka::admin::TopicResult>) -> anyhow::Result<()> {
    match results.into_iter().next() {
        Some(Ok(_)) => Ok(()),
        Some(Err((name, code))) => Err(anyhow!("{name}: {code}")),
        None => Err(anyhow!("the cluster's answer names no topic")),
    }
}

/// Measurements run on a thread without a runtime; the admin client wants one.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    Builder::new_current_thread().enable_all().build()?.block_on(future)
}
