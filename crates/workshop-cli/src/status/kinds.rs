//! The groups of another kind than classic: of the consumer protocol (KIP-848), share groups and
//! those of Kafka Streams.
//!
//! librdkafka lists groups of every kind and describes each as a classic one, and of the others a
//! node then says that they are `Dead` and have no members. So these are asked for again, with the
//! requests that they have.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::ToSocketAddrs;
use std::time::Duration;

use kafka_protocol::messages::{ConsumerGroupDescribeRequest, GroupId, ListGroupsRequest};
use wire_client::raw::RawClient;

/// ListGroups says since this version, of Kafka 3.8, of which kind a group is.
const LIST_GROUPS: i16 = 5;
/// What Kafka has of ConsumerGroupDescribe since 3.7.
const CONSUMER_GROUP_DESCRIBE: i16 = 0;

/// How long a node may take for one answer.
const LIMIT: Duration = Duration::from_secs(5);

/// What a node says of a group.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Described {
    pub(crate) state: String,
    /// `None` for a group of a kind whose members are not asked for.
    pub(crate) members: Option<usize>,
    /// The topics of which a member has partitions.
    pub(crate) topics: BTreeSet<String>,
}

/// The groups that are no classic ones, from every node that answers a client without security.
pub(crate) fn described(addresses: &[String]) -> BTreeMap<String, Described> {
    let answers = addresses.iter().filter_map(|address| of_node(address).ok());
    answers.flatten().collect()
}

/// Those that one node coordinates.
fn of_node(address: &str) -> io::Result<Vec<(String, Described)>> {
    let resolved = address.to_socket_addrs()?.next();
    let resolved = resolved.ok_or_else(|| io::Error::other("the name has no address"))?;
    let mut node = RawClient::connect_within(resolved, LIMIT)?;
    let listed = node.try_call(LIST_GROUPS, &ListGroupsRequest::default())?.groups;
    let mut groups = Vec::new();
    for group in listed.into_iter().filter(|group| &*group.group_type != "classic") {
        let mut described =
            Described { state: group.group_state.to_string(), ..Described::default() };
        if &*group.group_type == "consumer" {
            describe(&mut node, &group.group_id, &mut described)?;
        }
        groups.push((group.group_id.to_string(), described));
    }
    Ok(groups)
}

/// Adds members and topics to what is known of a group of the consumer protocol.
fn describe(node: &mut RawClient, group: &GroupId, described: &mut Described) -> io::Result<()> {
    let asked = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group.clone()]);
    let answer = node.try_call(CONSUMER_GROUP_DESCRIBE, &asked)?;
    let Some(group) = answer.groups.into_iter().find(|it| it.error_code == 0) else {
        return Ok(());
    };
    described.state = group.group_state.to_string();
    described.members = Some(group.members.len());
    let assigned = group.members.iter().flat_map(|member| &member.assignment.topic_partitions);
    described.topics = assigned.map(|it| it.topic_name.to_string()).collect();
    Ok(())
}
