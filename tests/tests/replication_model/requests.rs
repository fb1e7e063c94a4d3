//! The requests of coordinators that the model sends, and what it takes from their answers.

use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{
    ElectLeadersRequest, FindCoordinatorRequest, OffsetFetchRequest, elect_leaders_request,
};
use workshop_tests::requests::{group_id, text, topic_name};

/// FindCoordinator of a group (0) or a transactional id (1).
pub(crate) fn find_coordinator(key_type: i8, key: &str) -> FindCoordinatorRequest {
    FindCoordinatorRequest::default().with_key_type(key_type).with_coordinator_keys(vec![text(key)])
}

/// ElectLeaders: the preferred one of the topic's only partition.
pub(crate) fn prefer(topic: &str) -> ElectLeadersRequest {
    let partitions = elect_leaders_request::TopicPartitions::default()
        .with_topic(topic_name(topic))
        .with_partitions(vec![0]);
    ElectLeadersRequest::default().with_topic_partitions(Some(vec![partitions]))
}

/// OffsetFetch of what no open transaction may change.
pub(crate) fn committed(group: &str, topic: &str) -> OffsetFetchRequest {
    let topic = OffsetFetchRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partition_indexes(vec![0]);
    OffsetFetchRequest::default()
        .with_group_id(group_id(group))
        .with_topics(Some(vec![topic]))
        .with_require_stable(true)
}
