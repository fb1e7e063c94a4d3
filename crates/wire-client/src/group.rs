//! Requests of members of a consumer group, one at a time.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, SyncGroupRequest,
};

use crate::raw::RawClient;
use crate::requests::{group_id, text};

/// Encodes a consumer's subscription (ConsumerProtocolSubscription version 0).
///
/// Apache Kafka decodes it, and never responds to a join with an invalid subscription.
pub fn subscription(topics: &[&str]) -> Bytes {
    let mut subscription = BytesMut::new();
    subscription.put_i16(0);
    subscription.put_i32(topics.len() as i32);
    for topic in topics {
        subscription.put_i16(topic.len() as i16);
        subscription.put_slice(topic.as_bytes());
    }
    subscription.put_i32(-1);
    subscription.freeze()
}

/// Builds JoinGroup with one assignor ("range"), a session timeout of 6 s, and a rebalance timeout
/// of 10 s.
pub fn join_request(group: &str, member_id: &str) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(subscription(&["some-topic"]));
    JoinGroupRequest::default()
        .with_group_id(group_id(group))
        .with_session_timeout_ms(6_000)
        .with_rebalance_timeout_ms(10_000)
        .with_member_id(text(member_id))
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol])
}

/// Requests a member id, as every new member must with v4 and later (KIP-394).
pub fn new_member_id(client: &mut RawClient, group: &str) -> String {
    let answer = client.call(9, &join_request(group, ""));
    assert_eq!(answer.error_code, 79, "a new member is asked to join again with its id");
    answer.member_id.to_string()
}

/// Joins a group as its only member and gives itself an assignment.
///
/// Returns the member id and the generation of the group, which is then stable.
pub fn join_alone(client: &mut RawClient, group: &str) -> (String, i32) {
    let member_id = new_member_id(client, group);
    let joined = client.call(9, &join_request(group, &member_id));
    assert_eq!(joined.error_code, 0);
    assert_eq!(joined.leader.as_str(), member_id, "the only member leads");
    let synced = client.call(5, &sync_request(group, &joined, &[(&member_id, "all of it")]));
    assert_eq!(synced.error_code, 0);
    (member_id, joined.generation_id)
}

/// Builds SyncGroup for the member that received `joined`, with an assignment for each named
/// member.
pub fn sync_request(
    group: &str,
    joined: &JoinGroupResponse,
    assignments: &[(&str, &str)],
) -> SyncGroupRequest {
    let assignment = |(member, assignment): &(&str, &str)| {
        SyncGroupRequestAssignment::default()
            .with_member_id(text(member))
            .with_assignment(Bytes::copy_from_slice(assignment.as_bytes()))
    };
    SyncGroupRequest::default()
        .with_group_id(group_id(group))
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id.clone())
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(text("range")))
        .with_assignments(assignments.iter().map(assignment).collect())
}

/// Builds Heartbeat for one member in one generation.
pub fn heartbeat(group: &str, member_id: &str, generation: i32) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(group_id(group))
        .with_member_id(text(member_id))
        .with_generation_id(generation)
}
