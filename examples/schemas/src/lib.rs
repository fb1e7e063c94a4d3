//! What the examples of this package share: the registry to talk to, reading a topic from its
//! start, and tidying up. How values become bytes is in the examples themselves.

use std::cell::Cell;

use anyhow::{Context, Result};
use embedded_registry::Chosen;
use helpers::{ConsumerBuilder, TopicOptions, create_topic_with, delete_topic};
use rdkafka::consumer::Consumer;
use rdkafka::message::OwnedMessage;
use rdkafka::{Offset, TopicPartitionList};
use serdes::RegistryClient;

// ANCHOR: registry
/// Returns the registry that `SCHEMA_REGISTRY_URL` names, or one started for the cluster, and a
/// client of it.
///
/// # Errors
/// If no registry responds and none can be started.
async fn registry(brokers: &str) -> Result<(Chosen, RegistryClient)> {
    let chosen = embedded_registry::for_cluster(brokers).await?;
    let mut client = RegistryClient::builder(chosen.url());
    if let Some(credentials) = chosen.credentials() {
        client = client.basic_auth(&credentials.username, &credentials.password);
    }
    let client = client.build()?;
    Ok((chosen, client))
}
// ANCHOR_END: registry

/// Runs `scene` on the cluster with its registry. However it ends, the topics and the subjects are
/// deleted afterwards, and the registry is closed.
///
/// # Errors
/// The scene's error, otherwise that of the cleanup ([`workshop::run_and_clean_up`]).
pub async fn run(
    topics: &[String],
    subjects: &[String],
    scene: impl AsyncFnOnce(&str, &RegistryClient) -> Result<()>,
) -> Result<()> {
    let chosen = Cell::new(None);
    workshop::run_and_clean_up(
        async |brokers| {
            let (started, registry) = registry(brokers).await?;
            chosen.set(Some((started, registry.clone())));
            scene(brokers, &registry).await
        },
        async |brokers| {
            let Some((started, registry)) = chosen.take() else { return Ok(()) };
            let tidied = tidy_up(brokers, &registry, topics, subjects).await;
            started.close().await;
            tidied
        },
    )
    .await
}

/// Creates a topic with one partition, so that its records have an order.
///
/// # Errors
/// If the cluster does not create it.
pub async fn create_topic(brokers: &str, topic: &str) -> Result<()> {
    create_topic_with(brokers, topic, &TopicOptions::new(1, -1)).await?;
    Ok(())
}

/// Reads the first records of a topic, without a group: there is nothing to commit.
///
/// # Errors
/// If the cluster does not respond.
pub async fn first_records(brokers: &str, topic: &str, count: usize) -> Result<Vec<OwnedMessage>> {
    let consumer = ConsumerBuilder::new(brokers, "schema-examples").build().await?;
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_offset(topic, 0, Offset::Beginning)?;
    consumer.assign(&partitions)?;
    let mut records = Vec::with_capacity(count);
    while records.len() < count {
        records.push(consumer.recv().await?.detach());
    }
    Ok(records)
}

/// Deletes topics and subjects; a missing one is not an error.
///
/// # Errors
/// If the cluster or the registry does not delete them.
async fn tidy_up(
    brokers: &str,
    registry: &RegistryClient,
    topics: &[String],
    subjects: &[String],
) -> Result<()> {
    for topic in topics {
        delete_topic(brokers, topic).await?;
    }
    for subject in subjects {
        match registry.delete_subject(subject).await {
            // 40401: the subject does not exist.
            Err(error) if error.code() != Some(40401) => {
                return Err(error).with_context(|| format!("the subject {subject} stays"));
            }
            _ => {}
        }
    }
    Ok(())
}
