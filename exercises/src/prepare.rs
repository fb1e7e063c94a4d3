//! More of what a scene can prepare: aborted transactions, committed offsets, and settings of a
//! topic.

use std::time::Duration;

use anyhow::Context;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::names;
use crate::seed::{self, Seed};
use crate::stage::Stage;

/// How long each step of a transaction may take.
const LIMIT: Duration = Duration::from_secs(20);

impl Stage {
    /// Sends records in a transaction, and aborts it once they are in the log.
    pub(crate) async fn send_aborted(&self, topic: &str, seeds: Vec<Seed>) -> anyhow::Result<()> {
        let servers = self.cluster().bootstrap_servers().to_owned();
        let topic = topic.to_owned();
        tokio::task::spawn_blocking(move || aborted(&servers, &topic, &seeds)).await?
    }

    /// Commits offsets for a group that has no members: partition and offset of each.
    pub(crate) async fn commit(
        &self,
        group: &str,
        topic: &str,
        offsets: &[(i32, i64)],
    ) -> anyhow::Result<()> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.cluster().bootstrap_servers())
            .set("group.id", group)
            .create()?;
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets {
            list.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
        }
        let commit = move || consumer.commit(&list, CommitMode::Sync);
        tokio::task::spawn_blocking(commit).await?.context("committing for the group")
    }

    /// Replaces the settings of a topic.
    pub(crate) async fn set_topic_config(
        &self,
        topic: &str,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        let servers = self.cluster().bootstrap_servers();
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", servers).create()?;
        let mut wanted = AlterConfig::new(ResourceSpecifier::Topic(topic));
        for (name, value) in settings {
            wanted = wanted.set(name, value);
        }
        let options = AdminOptions::new().request_timeout(Some(LIMIT));
        for result in admin.alter_configs([&wanted], &options).await? {
            result.map_err(|(_, error)| KafkaError::AdminOp(error))?;
        }
        Ok(())
    }
}

/// Blocks until the transaction has ended.
fn aborted(servers: &str, topic: &str, seeds: &[Seed]) -> anyhow::Result<()> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("transactional.id", names::fresh("scene"))
        .set("linger.ms", "2")
        .create()?;
    producer.init_transactions(LIMIT)?;
    producer.begin_transaction()?;
    seed::queue(&producer, topic, seeds)?;
    producer.flush(LIMIT).context("sending the records of the scene")?;
    Ok(producer.abort_transaction(LIMIT)?)
}
