//! The common part of Metadata and DescribeTopicPartitions: the error for a topic that does not
//! exist, and for a partition without a leader.

use kafka_protocol::ResponseError;

use crate::metadata::names;
use crate::metadata::replication::NO_LEADER;

/// Returns the error for a topic that does not exist: an illegal name has an error of its own.
pub(super) fn missing_topic(name: &str) -> ResponseError {
    match names::validate(name) {
        Ok(()) => ResponseError::UnknownTopicOrPartition,
        Err(_) => ResponseError::InvalidTopicException,
    }
}

/// Returns the error code of a partition, 0 if its leader is known.
pub(super) fn leader_error(leader: i32) -> i16 {
    if leader == NO_LEADER { ResponseError::LeaderNotAvailable.code() } else { 0 }
}

/// Sets the common fields of a partition in both responses.
macro_rules! describe_partition {
    ($Response:ident, $partition:expr, $leadership:expr) => {
        $Response::default()
            .with_error_code(leader_error($leadership.leader))
            .with_partition_index($partition.index)
            .with_leader_id(kafka_protocol::messages::BrokerId($leadership.leader))
            .with_leader_epoch($leadership.epoch)
            .with_replica_nodes(nodes(&$leadership.replicas))
            .with_isr_nodes(nodes(&$leadership.in_sync))
            .with_offline_replicas(nodes(&$leadership.offline))
    };
}
pub(super) use describe_partition;
