//! The versions of each request that are served, the features, and the node that a client expects.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, DescribeClusterRequest,
};
use kafka_protocol::protocol::Decodable;
use wire_client::requests::text;

use crate::failure::Failure;
use crate::names::name;
use crate::scenario::{Outcome, Scenario, area};
use crate::scene::Scene;

area!("versions":
    features,
    features_of_version_3,
    for_this_cluster_and_node,
    for_another_cluster,
    for_another_node,
    for_another_node_of_another_cluster,
    for_this_cluster_alone,
    for_another_cluster_alone,
    for_this_node_alone,
    for_an_empty_cluster,
    of_version_5_without_a_client_name,
);

/// The requests that a client can send, by their names.
const SERVED: &[(&str, ApiKey)] = &[
    ("produce", ApiKey::Produce),
    ("fetch", ApiKey::Fetch),
    ("list_offsets", ApiKey::ListOffsets),
    ("metadata", ApiKey::Metadata),
    ("offset_commit", ApiKey::OffsetCommit),
    ("offset_fetch", ApiKey::OffsetFetch),
    ("find_coordinator", ApiKey::FindCoordinator),
    ("join_group", ApiKey::JoinGroup),
    ("heartbeat", ApiKey::Heartbeat),
    ("leave_group", ApiKey::LeaveGroup),
    ("sync_group", ApiKey::SyncGroup),
    ("describe_groups", ApiKey::DescribeGroups),
    ("list_groups", ApiKey::ListGroups),
    ("api_versions", ApiKey::ApiVersions),
    ("create_topics", ApiKey::CreateTopics),
    ("delete_topics", ApiKey::DeleteTopics),
    ("delete_records", ApiKey::DeleteRecords),
    ("init_producer_id", ApiKey::InitProducerId),
    ("offset_for_leader_epoch", ApiKey::OffsetForLeaderEpoch),
    ("add_partitions_to_txn", ApiKey::AddPartitionsToTxn),
    ("add_offsets_to_txn", ApiKey::AddOffsetsToTxn),
    ("end_txn", ApiKey::EndTxn),
    ("write_txn_markers", ApiKey::WriteTxnMarkers),
    ("txn_offset_commit", ApiKey::TxnOffsetCommit),
    ("describe_configs", ApiKey::DescribeConfigs),
    ("alter_configs", ApiKey::AlterConfigs),
    ("alter_replica_log_dirs", ApiKey::AlterReplicaLogDirs),
    ("describe_log_dirs", ApiKey::DescribeLogDirs),
    ("create_partitions", ApiKey::CreatePartitions),
    ("delete_groups", ApiKey::DeleteGroups),
    ("elect_leaders", ApiKey::ElectLeaders),
    ("incremental_alter_configs", ApiKey::IncrementalAlterConfigs),
    ("alter_partition_reassignments", ApiKey::AlterPartitionReassignments),
    ("list_partition_reassignments", ApiKey::ListPartitionReassignments),
    ("offset_delete", ApiKey::OffsetDelete),
    ("describe_quorum", ApiKey::DescribeQuorum),
    ("describe_cluster", ApiKey::DescribeCluster),
    ("describe_producers", ApiKey::DescribeProducers),
    ("describe_transactions", ApiKey::DescribeTransactions),
    ("list_transactions", ApiKey::ListTransactions),
    ("consumer_group_heartbeat", ApiKey::ConsumerGroupHeartbeat),
    ("consumer_group_describe", ApiKey::ConsumerGroupDescribe),
    ("list_config_resources", ApiKey::ListConfigResources),
    ("describe_topic_partitions", ApiKey::DescribeTopicPartitions),
];

/// Returns a scenario for each of the requests above: the versions that are served.
pub(super) fn ranges() -> Vec<Scenario> {
    let scenario = |&(name, key): &(&'static str, ApiKey)| {
        Scenario::new(format!("versions/of_{name}"), move |scene: &Scene| {
            let answer = scene.node()?.try_call(4, &request())?;
            let found = answer.api_keys.iter().find(|it| it.api_key == key as i16);
            Ok(found.map_or("none".to_owned(), |it| {
                format!("{} to {}", it.min_version, it.max_version)
            }))
        })
    };
    SERVED.iter().map(scenario).collect()
}

fn request() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(text("conformance"))
        .with_client_software_version(text("1.0"))
}

/// Returns the features in a version's response: those supported, and those that the cluster has
/// finalized.
fn features_of(scene: &Scene, version: i16) -> Outcome {
    let answer = scene.node()?.try_call(version, &request())?;
    let mut told: Vec<String> = answer
        .supported_features
        .iter()
        .map(|it| {
            let agreed = answer.finalized_features.iter().find(|other| other.name == it.name);
            let agreed = agreed.map_or("none".to_owned(), |it| {
                format!("{} to {}", it.min_version_level, it.max_version_level)
            });
            format!("{} {} to {} ({agreed})", it.name.as_str(), it.min_version, it.max_version)
        })
        .collect();
    told.sort_unstable();
    let known = answer.finalized_features_epoch >= 0;
    Ok(format!("{}; epoch known: {known}", told.join(", ")))
}

fn features(scene: &Scene) -> Outcome {
    features_of(scene, 4)
}

fn features_of_version_3(scene: &Scene) -> Outcome {
    features_of(scene, 3)
}

/// Sends ApiVersions version 5, which the codec does not know: the expected cluster and node come
/// before the tagged fields (KIP-1242).
fn meant(scene: &Scene, software: &str, cluster: Option<&str>, node: i32) -> Outcome {
    let mut client = scene.node()?;
    let mut frame = BytesMut::new();
    frame.put_i16(ApiKey::ApiVersions as i16);
    frame.put_i16(5);
    frame.put_i32(1);
    frame.put_i16(-1);
    frame.put_u8(0);
    let compact = |frame: &mut BytesMut, text: Option<&str>| {
        frame.put_u8(text.map_or(0, |text| text.len() as u8 + 1));
        frame.put_slice(text.unwrap_or_default().as_bytes());
    };
    compact(&mut frame, Some(software));
    compact(&mut frame, Some("1.0"));
    compact(&mut frame, cluster);
    frame.put_i32(node);
    frame.put_u8(0);
    client.send_frame(&frame)?;
    told(client.receive_frame()?)
}

/// Reads the response: that of version 4 after a header of version 0, or that of version 0 from a
/// node that does not know version 5.
fn told(mut frame: Bytes) -> Outcome {
    frame.advance(4);
    let mut oldest = frame.clone();
    let Ok(answer) = ApiVersionsResponse::decode(&mut frame, 4) else {
        let answer = ApiVersionsResponse::decode(&mut oldest, 0).map_err(std::io::Error::other)?;
        return Ok(format!(
            "{} in version 0, {} bytes left",
            name(answer.error_code),
            oldest.len()
        ));
    };
    let (keys, features) = (!answer.api_keys.is_empty(), !answer.supported_features.is_empty());
    let error = name(answer.error_code);
    Ok(format!("{error}, names requests: {keys}, features: {features}, {} bytes left", frame.len()))
}

/// Returns the cluster's id, and the id of the node that scenarios send requests to.
fn this(scene: &Scene) -> Result<(String, i32), Failure> {
    let mut node = scene.node()?;
    let answer = node.try_call(1, &DescribeClusterRequest::default())?;
    let is_it = |host: &str, port: i32| node.address() == format!("{host}:{port}");
    let found = answer.brokers.iter().find(|it| is_it(&it.host, it.port));
    let id = found.ok_or(Failure::Missing("node"))?.broker_id.0;
    Ok((answer.cluster_id.to_string(), id))
}

fn for_this_cluster_and_node(scene: &Scene) -> Outcome {
    let (cluster, node) = this(scene)?;
    meant(scene, "conformance", Some(&cluster), node)
}

fn for_another_cluster(scene: &Scene) -> Outcome {
    let (_, node) = this(scene)?;
    meant(scene, "conformance", Some("another"), node)
}

fn for_another_node(scene: &Scene) -> Outcome {
    let (cluster, node) = this(scene)?;
    meant(scene, "conformance", Some(&cluster), node + 1)
}

fn for_another_node_of_another_cluster(scene: &Scene) -> Outcome {
    let (_, node) = this(scene)?;
    meant(scene, "conformance", Some("another"), node + 1)
}

fn for_this_cluster_alone(scene: &Scene) -> Outcome {
    let (cluster, _) = this(scene)?;
    meant(scene, "conformance", Some(&cluster), -1)
}

fn for_another_cluster_alone(scene: &Scene) -> Outcome {
    meant(scene, "conformance", Some("another"), -1)
}

fn for_this_node_alone(scene: &Scene) -> Outcome {
    let (_, node) = this(scene)?;
    meant(scene, "conformance", None, node)
}

fn for_an_empty_cluster(scene: &Scene) -> Outcome {
    let (_, node) = this(scene)?;
    meant(scene, "conformance", Some(""), node)
}

fn of_version_5_without_a_client_name(scene: &Scene) -> Outcome {
    meant(scene, "", None, -1)
}
