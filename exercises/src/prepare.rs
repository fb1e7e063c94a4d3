//! More of what a scene can prepare: transactions that end in either way, and settings of a topic.

use std::time::Duration;

use anyhow::Context;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer};

use crate::names;
use crate::seed::{self, Seed};
use crate::stage::Stage;

/// How long each step of a transaction may take.
const LIMIT: Duration = Duration::from_secs(20);

impl Stage {
    /// Sends records in a transaction, and commits it.
    pub(crate) async fn send_committed(&self, topic: &str, seeds: Vec<Seed>) -> anyhow::Result<()> {
        self.send_in_transaction(topic, seeds, true).await
    }

    /// Sends records in a transaction, and aborts it once they are in the log.
    pub(crate) async fn send_aborted(&self, topic: &str, seeds: Vec<Seed>) -> anyhow::Result<()> {
        self.send_in_transaction(topic, seeds, false).await
    }

    async fn send_in_transaction(
        &self,
        topic: &str,
        seeds: Vec<Seed>,
        commits: bool,
    ) -> anyhow::Result<()> {
        let servers = self.cluster().bootstrap_servers().to_owned();
        let topic = topic.to_owned();
        tokio::task::spawn_blocking(move || transaction(&servers, &topic, &seeds, commits)).await?
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
fn transaction(servers: &str, topic: &str, seeds: &[Seed], commits: bool) -> anyhow::Result<()> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("transactional.id", names::fresh("scene"))
        .set("linger.ms", "2")
        .create()?;
    producer.init_transactions(LIMIT)?;
    producer.begin_transaction()?;
    seed::queue(&producer, topic, seeds)?;
    producer.flush(LIMIT).context("sending the records of the scene")?;
    if commits {
        return Ok(producer.commit_transaction(LIMIT)?);
    }
    Ok(producer.abort_transaction(LIMIT)?)
}
