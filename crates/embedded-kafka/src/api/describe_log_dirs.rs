//! DescribeLogDirs, versions 1 to 4: where a node keeps its replicas, and how large they are
//! (KIP-113). All nodes share one directory here, and each answers for the replicas that it holds.

use kafka_protocol::messages::describe_log_dirs_response::{
    DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Context, topic_name};
use crate::metadata::{Partition, Topic};

pub(super) fn handle(
    request: DescribeLogDirsRequest,
    _version: i16,
    context: &Context,
) -> DescribeLogDirsResponse {
    let metadata = &context.state.metadata;
    let topics: Vec<_> = match request.topics {
        None => metadata.topics().iter().map(|it| describe(it, |_| true, context.node)).collect(),
        Some(asked) => {
            let found = asked.into_iter().filter_map(|asked| {
                let topic = metadata.topic(&asked.topic)?;
                Some(describe(&topic, |index| asked.partitions.contains(&index), context.node))
            });
            found.collect()
        }
    };
    let topics = topics.into_iter().filter(|topic| !topic.partitions.is_empty());
    let directory = DescribeLogDirsResult::default()
        .with_log_dir(StrBytes::from_string(metadata.node_settings(context.node).log_dir))
        .with_topics(topics.collect());
    DescribeLogDirsResponse::default().with_results(vec![directory])
}

fn describe(topic: &Topic, is_wanted: impl Fn(i32) -> bool, node: i32) -> DescribeLogDirsTopic {
    let partitions = topic.partitions();
    let wanted = partitions.iter().filter(|partition| is_wanted(partition.index));
    DescribeLogDirsTopic::default()
        .with_name(topic_name(&topic.name))
        .with_partitions(wanted.filter_map(|partition| replica(partition, node)).collect())
}

/// The replica of a partition on this node, `None` where it has none.
fn replica(partition: &Partition, node: i32) -> Option<DescribeLogDirsPartition> {
    partition.with(|state| {
        let end = state.end_at(node);
        state.replication.holds(node).then(|| {
            let size = state.log.available_bytes(state.log.start_offset(), end);
            DescribeLogDirsPartition::default()
                .with_partition_index(partition.index)
                .with_partition_size(i64::try_from(size).unwrap_or(i64::MAX))
                .with_offset_lag((state.high_watermark() - end).max(0))
        })
    })
}
