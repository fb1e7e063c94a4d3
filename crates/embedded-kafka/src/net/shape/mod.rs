//! The shape of a request, checked before it is decoded.
//!
//! The decoders of `kafka-protocol` reserve memory for as many elements as an array claims to
//! have, and four bytes can claim 154 GB. So the bytes of a request are first walked along the
//! description of its fields, without keeping anything: a length or a count that cannot fit into
//! the bytes that are left ends the request, and with it the connection.
//!
//! What a request that passes can make the decoder allocate is bounded. Strings and bytes are
//! views into the frame. An element of an array takes at least one byte on the wire and at most
//! 120 bytes decoded, an unknown tagged field about 80, and there are at most [`MAX_ELEMENTS`] of
//! both together: 120 MB beside the frame itself, which is at most 100 MiB unless the cluster is
//! told otherwise. Apache Kafka has no such limit on the number of elements; no client comes near.
//!
//! Only the encoding is checked here. Whether null is allowed and text is UTF-8 is the decoder's
//! to say, and what the values mean is the handler's.

mod cluster;
mod connection;
mod data;
mod groups;
mod schema;
mod transactions;
mod walk;

use kafka_protocol::messages::ApiKey;

pub(crate) use walk::Malformed;

/// The most elements of arrays, at all depths together, that one request may have.
const MAX_ELEMENTS: usize = 1_000_000;

/// Checks that the header at the beginning of `frame` is whole, and returns its length in bytes.
///
/// `frame` begins with the API key. `header_version` is the header's own version (1 or 2), which
/// the API and its version decide.
///
/// # Errors
///
/// [`Malformed`] where the header claims more than the frame holds.
pub(crate) fn check_header(header_version: i16, frame: &[u8]) -> Result<usize, Malformed> {
    Ok(walk::walk(&connection::REQUEST_HEADER, header_version, frame)?.bytes)
}

/// Checks that `body`, the bytes behind a request's header, can be decoded without allocating
/// more than they justify.
///
/// `version` is one that the decoder supports. Bytes behind the end of the request are ignored, as
/// Apache Kafka does.
///
/// # Errors
///
/// [`Malformed`] where a length, a count or a varint contradicts the bytes that are there, where
/// the bytes end too early, and where the request has more elements than any client sends.
pub(crate) fn check(api_key: ApiKey, version: i16, body: &[u8]) -> Result<(), Malformed> {
    let shape = shape_of(api_key).ok_or(Malformed::Unknown)?;
    walk::walk(shape, version, body).map(|_| ())
}

/// The description of a request, for those that some version of this broker may answer.
fn shape_of(api_key: ApiKey) -> Option<&'static schema::Shape> {
    Some(match api_key {
        ApiKey::Produce => &data::PRODUCE,
        ApiKey::Fetch => &data::FETCH,
        ApiKey::ListOffsets => &data::LIST_OFFSETS,
        ApiKey::OffsetForLeaderEpoch => &data::OFFSET_FOR_LEADER_EPOCH,
        ApiKey::DeleteRecords => &data::DELETE_RECORDS,
        ApiKey::OffsetCommit => &groups::OFFSET_COMMIT,
        ApiKey::OffsetFetch => &groups::OFFSET_FETCH,
        ApiKey::FindCoordinator => &groups::FIND_COORDINATOR,
        ApiKey::JoinGroup => &groups::JOIN_GROUP,
        ApiKey::SyncGroup => &groups::SYNC_GROUP,
        ApiKey::Heartbeat => &groups::HEARTBEAT,
        ApiKey::LeaveGroup => &groups::LEAVE_GROUP,
        ApiKey::DescribeGroups => &groups::DESCRIBE_GROUPS,
        ApiKey::ListGroups => &groups::LIST_GROUPS,
        ApiKey::DeleteGroups => &groups::DELETE_GROUPS,
        ApiKey::OffsetDelete => &groups::OFFSET_DELETE,
        ApiKey::ConsumerGroupHeartbeat => &groups::CONSUMER_GROUP_HEARTBEAT,
        ApiKey::ConsumerGroupDescribe => &groups::CONSUMER_GROUP_DESCRIBE,
        ApiKey::Metadata => &cluster::METADATA,
        ApiKey::DescribeQuorum => &cluster::DESCRIBE_QUORUM,
        ApiKey::DescribeCluster => &cluster::DESCRIBE_CLUSTER,
        ApiKey::DescribeTopicPartitions => &cluster::DESCRIBE_TOPIC_PARTITIONS,
        ApiKey::CreateTopics => &cluster::CREATE_TOPICS,
        ApiKey::DeleteTopics => &cluster::DELETE_TOPICS,
        ApiKey::CreatePartitions => &cluster::CREATE_PARTITIONS,
        ApiKey::ElectLeaders => &cluster::ELECT_LEADERS,
        ApiKey::AlterPartitionReassignments => &cluster::ALTER_PARTITION_REASSIGNMENTS,
        ApiKey::ListPartitionReassignments => &cluster::LIST_PARTITION_REASSIGNMENTS,
        ApiKey::AlterReplicaLogDirs => &cluster::ALTER_REPLICA_LOG_DIRS,
        ApiKey::DescribeLogDirs => &cluster::DESCRIBE_LOG_DIRS,
        ApiKey::ListConfigResources => &cluster::LIST_CONFIG_RESOURCES,
        ApiKey::DescribeConfigs => &cluster::DESCRIBE_CONFIGS,
        ApiKey::AlterConfigs => &cluster::ALTER_CONFIGS,
        ApiKey::IncrementalAlterConfigs => &cluster::INCREMENTAL_ALTER_CONFIGS,
        ApiKey::InitProducerId => &transactions::INIT_PRODUCER_ID,
        ApiKey::AddPartitionsToTxn => &transactions::ADD_PARTITIONS_TO_TXN,
        ApiKey::AddOffsetsToTxn => &transactions::ADD_OFFSETS_TO_TXN,
        ApiKey::EndTxn => &transactions::END_TXN,
        ApiKey::WriteTxnMarkers => &transactions::WRITE_TXN_MARKERS,
        ApiKey::TxnOffsetCommit => &transactions::TXN_OFFSET_COMMIT,
        ApiKey::DescribeProducers => &transactions::DESCRIBE_PRODUCERS,
        ApiKey::DescribeTransactions => &transactions::DESCRIBE_TRANSACTIONS,
        ApiKey::ListTransactions => &transactions::LIST_TRANSACTIONS,
        ApiKey::ApiVersions => &connection::API_VERSIONS,
        ApiKey::SaslHandshake => &connection::SASL_HANDSHAKE,
        ApiKey::SaslAuthenticate => &connection::SASL_AUTHENTICATE,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
