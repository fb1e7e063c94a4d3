//! An explicit partition for each consumer whose speed is measured.

use anyhow::Result;
use rdkafka::{Offset, TopicPartitionList};

/// Returns one partition from its first offset on. Its consumer joins no group, so that no
/// rebalance is measured.
pub(crate) fn from_the_beginning(topic: &str, partition: i32) -> Result<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(0))?;
    Ok(list)
}
