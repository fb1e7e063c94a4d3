//! DescribeQuorum, versions 0 to 2: the voters of the log that holds the cluster's metadata, and how far
//! each of them has it (KIP-595, KIP-836 for times, KIP-853 for addresses).
//!
//! Every node of this cluster is taken for a voter, and the one for the leader whom Metadata names as
//! controller. They share one state, so that whoever is up has all of it.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_quorum_response::{
    Listener, Node, PartitionData, ReplicaState, TopicData,
};
use kafka_protocol::messages::{
    BrokerId, DescribeQuorumRequest, DescribeQuorumResponse, describe_quorum_request,
};
use kafka_protocol::protocol::StrBytes;

use super::{Context, message};
use crate::metadata::Voter;

/// The topic of the controllers' log, which has one partition.
const CLUSTER_METADATA: &str = "__cluster_metadata";

/// What Kafka calls the listener of its controllers.
const CONTROLLER: &str = "CONTROLLER";

/// The first version with the times at which a voter was seen.
const TIMES: i16 = 1;

/// The first version with messages and addresses.
const ADDRESSES: i16 = 2;

pub(super) fn handle(
    request: DescribeQuorumRequest,
    version: i16,
    context: &Context,
) -> DescribeQuorumResponse {
    let is_known = matches!(&request.topics[..], [topic]
        if topic.topic_name.as_str() == CLUSTER_METADATA
            && matches!(&topic.partitions[..], [partition] if partition.partition_index == 0));
    if !is_known {
        let topics = request.topics.into_iter().map(|topic| unknown(topic, version));
        return DescribeQuorumResponse::default().with_topics(topics.collect());
    }
    let voters = context.state.metadata.voters();
    let topics = request.topics.into_iter().map(|topic| {
        TopicData::default()
            .with_topic_name(topic.topic_name)
            .with_partitions(vec![describe(&voters, version, context)])
    });
    let response = DescribeQuorumResponse::default().with_topics(topics.collect());
    if version < ADDRESSES {
        return response;
    }
    response.with_nodes(voters.iter().map(address).collect())
}

/// Only partition 0 of the one topic is a quorum's, and only by itself can it be asked for.
fn unknown(topic: describe_quorum_request::TopicData, version: i16) -> TopicData {
    let error = ResponseError::UnknownTopicOrPartition;
    let partitions = topic.partitions.into_iter().map(|partition| {
        PartitionData::default()
            .with_partition_index(partition.partition_index)
            .with_error_code(error.code())
            .with_error_message(message(error.to_string()).filter(|_| version >= ADDRESSES))
    });
    TopicData::default()
        .with_topic_name(topic.topic_name)
        .with_partitions(partitions.collect())
}

fn describe(voters: &[Voter], version: i16, context: &Context) -> PartitionData {
    let metadata = &context.state.metadata;
    let (end, now) = (metadata.changes(), context.now);
    let states = voters.iter().map(|voter| {
        let (end, seen) = voter.left_at.unwrap_or((end, now));
        let state = ReplicaState::default()
            .with_replica_id(BrokerId(voter.node.id))
            .with_log_end_offset(end);
        if version < TIMES {
            return state;
        }
        state.with_last_fetch_timestamp(seen).with_last_caught_up_timestamp(seen)
    });
    PartitionData::default()
        .with_leader_id(BrokerId(metadata.controller()))
        .with_leader_epoch(metadata.controller_epoch())
        .with_high_watermark(end)
        .with_current_voters(states.collect())
}

fn address(voter: &Voter) -> Node {
    let listener = Listener::default()
        .with_name(StrBytes::from_static_str(CONTROLLER))
        .with_host(StrBytes::from_string(voter.node.address.ip().to_string()))
        .with_port(voter.node.address.port());
    Node::default().with_node_id(BrokerId(voter.node.id)).with_listeners(vec![listener])
}
