//! Deletes the oldest records of a partition, as retention does.

use std::time::Duration;

use anyhow::bail;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

const LIMIT: Duration = Duration::from_secs(20);

/// Deletes the records of a partition before an offset.
pub(crate) async fn delete_records(
    servers: &str,
    topic: &str,
    partition: i32,
    before: i64,
) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("client.id", "workshop-check")
        .create()?;
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, partition, Offset::Offset(before))?;
    let options = AdminOptions::new().request_timeout(Some(LIMIT)).operation_timeout(Some(LIMIT));
    let deleted = admin.delete_records(&offsets, &options).await?;
    for it in deleted.elements() {
        if let Err(error) = it.error() {
            bail!("deleting records of {topic}: {error}");
        }
    }
    Ok(())
}
