//! DescribeQuorum (key 55, versions 0–2)
//!
//! Describes the voters of the log that holds the cluster's metadata, and how far each of them has
//! replicated it (KIP-595).
//!
//! Every node of this cluster counts as a voter, and the controller that Metadata names as the
//! leader. They share one state, so every node that is up has all of it.
//!
//! Version notes:
//!
//! - v0: flexible encoding (KIP-482)
//! - v1: the times at which a voter last fetched and was last caught up (KIP-836)
//! - v2: error messages and the voters' addresses (KIP-853)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_quorum_response::{
    Listener, Node, PartitionData, ReplicaState, TopicData,
};
use kafka_protocol::messages::{
    BrokerId, DescribeQuorumRequest, DescribeQuorumResponse, describe_quorum_request,
};
use kafka_protocol::protocol::StrBytes;

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::message;
use super::words::Asked;
use crate::metadata::Voter;
use crate::wire::shape::{Kind, Shape, field};

/// The topic of the controllers' log, which has one partition.
const CLUSTER_METADATA: &str = "__cluster_metadata";

/// Kafka's name for the listener of its controllers.
const CONTROLLER: &str = "CONTROLLER";

/// The first version with the times at which a voter was seen.
const TIMES: i16 = 1;

/// The first version with messages and addresses.
const ADDRESSES: i16 = 2;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    0,
    &[field(
        "topics",
        Kind::Array(&Kind::Struct(&[
            field("topic_name", Kind::String),
            field(
                "partitions",
                Kind::Array(&Kind::Struct(&[field("partition_index", Kind::Int32)])),
            ),
        ])),
    )],
);

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
            .with_partitions(vec![quorum(&voters, version, context)])
    });
    let response = DescribeQuorumResponse::default().with_topics(topics.collect());
    if version < ADDRESSES {
        return response;
    }
    response.with_nodes(voters.iter().map(address).collect())
}

/// Rejects partitions: only partition 0 of the one topic has a quorum, and a request must ask for
/// it alone.
fn unknown(topic: describe_quorum_request::TopicData, version: i16) -> TopicData {
    let error = ResponseError::UnknownTopicOrPartition;
    let partitions = topic.partitions.into_iter().map(|partition| {
        PartitionData::default()
            .with_partition_index(partition.partition_index)
            .with_error_code(error.code())
            .with_error_message(message(error.to_string()).filter(|_| version >= ADDRESSES))
    });
    TopicData::default().with_topic_name(topic.topic_name).with_partitions(partitions.collect())
}

fn quorum(voters: &[Voter], version: i16, context: &Context) -> PartitionData {
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

/// Responds with an error for all that was asked.
pub(super) fn reject(
    _request: DescribeQuorumRequest,
    _version: i16,
    code: i16,
) -> DescribeQuorumResponse {
    DescribeQuorumResponse::default().with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(_request: &DescribeQuorumRequest) -> Asked {
    Asked::default()
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &DescribeQuorumResponse) -> Outcomes {
    let whole = Outcomes::whole(response.error_code);
    whole.and(Outcomes::partitions(&response.topics, |topic| {
        let partitions = topic.partitions.iter();
        (topic.topic_name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
    }))
}
