//! Connections: the requests that are served, and the reaction to bytes that are not a request.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, MetadataRequest, SaslHandshakeRequest,
};
use kafka_protocol::protocol::Decodable;
use wire_client::raw::RawClient;
use wire_client::requests::{metadata, text};

use crate::failure::Failure;
use crate::names::name;
use crate::scenario::{Outcome, Scenario, area};
use crate::scene::Scene;

area!("connections":
    versions,
    versions_above_the_highest,
    versions_above_the_highest_with_a_header_of_old,
    versions_without_a_client_name,
    versions_with_an_invalid_client_name,
    versions_by_all_versions,
    a_version_above_the_highest,
    a_version_below_zero,
    an_unknown_request,
    a_frame_without_a_request,
    a_frame_of_no_bytes,
    a_frame_of_fewer_than_no_bytes,
    a_frame_that_is_too_large,
    a_request_that_is_cut_short,
    a_request_that_goes_on,
    a_request_that_counts_more_than_it_holds,
    http,
    two_requests_at_once,
    a_handshake_of_sasl,
);

/// Requests whose support clients check before they use a feature.
const FEATURES: &[(&str, i16)] = &[
    ("produce", 0),
    ("fetch", 1),
    ("list_offsets", 2),
    ("metadata", 3),
    ("offset_commit", 8),
    ("offset_fetch", 9),
    ("find_coordinator", 10),
    ("join_group", 11),
    ("heartbeat", 12),
    ("leave_group", 13),
    ("sync_group", 14),
    ("describe_groups", 15),
    ("list_groups", 16),
    ("create_topics", 19),
    ("delete_topics", 20),
    ("delete_records", 21),
    ("init_producer_id", 22),
    ("offset_for_leader_epoch", 23),
    ("add_partitions_to_txn", 24),
    ("add_offsets_to_txn", 25),
    ("end_txn", 26),
    ("txn_offset_commit", 28),
    ("describe_configs", 32),
    ("create_partitions", 37),
    ("delete_groups", 42),
    ("incremental_alter_configs", 44),
    ("offset_delete", 47),
    ("describe_acls", 29),
    ("create_delegation_token", 38),
    ("describe_client_quotas", 48),
    ("describe_user_scram_credentials", 50),
    ("consumer_group_heartbeat", 68),
    ("get_telemetry_subscriptions", 71),
    ("share_group_heartbeat", 76),
];

/// Returns a scenario for each of the requests above: the lowest version that is served. The
/// highest one grows with each release, and clients use one that both sides know.
pub(super) fn features() -> Vec<Scenario> {
    let scenario = |&(name, key): &(&'static str, i16)| {
        Scenario::new(format!("connections/serves_{name}"), move |scene: &Scene| {
            let answer = scene.node()?.try_call(4, &request())?;
            let found = answer.api_keys.iter().find(|it| it.api_key == key);
            Ok(found.map_or("no".to_owned(), |it| format!("from version {}", it.min_version)))
        })
    };
    FEATURES.iter().map(scenario).collect()
}

fn request() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(text("conformance"))
        .with_client_software_version(text("1.0"))
}

fn versions(scene: &Scene) -> Outcome {
    let answer = scene.node()?.try_call(3, &request())?;
    let own = answer.api_keys.iter().find(|it| it.api_key == ApiKey::ApiVersions as i16);
    let own = own.ok_or(Failure::Missing("ApiVersions"))?;
    let error = name(answer.error_code);
    Ok(format!("{error}, itself from {} to {}", own.min_version, own.max_version))
}

/// Builds the header of a request (version 1) without a client id, and no body.
fn header(key: i16, version: i16) -> BytesMut {
    let mut header = BytesMut::new();
    header.put_i16(key);
    header.put_i16(version);
    header.put_i32(1);
    header.put_i16(-1);
    header
}

fn versions_above_the_highest(scene: &Scene) -> Outcome {
    let mut node = scene.node()?;
    // Request headers of version 2, which versions 3 and later use, end with tagged fields: none.
    let mut frame = header(ApiKey::ApiVersions as i16, 99);
    frame.put_u8(0);
    node.send_frame(&frame)?;
    let frame = node.receive_frame()?;
    // This response has version 0, which every client can read.
    let answer = ApiVersionsResponse::decode(&mut frame.slice(4..), 0);
    let answer = answer.map_err(std::io::Error::other)?;
    let own = answer.api_keys.iter().find(|it| it.api_key == ApiKey::ApiVersions as i16);
    Ok(format!("{}, names itself: {}", name(answer.error_code), own.is_some()))
}

fn versions_above_the_highest_with_a_header_of_old(scene: &Scene) -> Outcome {
    after_frame(scene, &header(ApiKey::ApiVersions as i16, 99))
}

fn versions_without_a_client_name(scene: &Scene) -> Outcome {
    Ok(name(scene.node()?.try_call(3, &ApiVersionsRequest::default())?.error_code))
}

fn versions_with_an_invalid_client_name(scene: &Scene) -> Outcome {
    let request = request().with_client_software_name(text("-no name-"));
    Ok(name(scene.node()?.try_call(3, &request)?.error_code))
}

fn versions_by_all_versions(scene: &Scene) -> Outcome {
    let mut node = scene.node()?;
    let mut errors = Vec::new();
    for version in 0..=4 {
        let request = if version < 3 { ApiVersionsRequest::default() } else { request() };
        errors.push(name(node.try_call(version, &request)?.error_code));
    }
    Ok(errors.join(", "))
}

/// Returns the state of a connection after these bytes.
fn after(scene: &Scene, bytes: &[u8]) -> Outcome {
    let mut node = scene.node()?;
    node.send_bytes(bytes)?;
    Ok(if node.is_closed() { "closed" } else { "answered" }.to_owned())
}

/// Does the same for a frame with its length.
fn after_frame(scene: &Scene, frame: &[u8]) -> Outcome {
    let mut bytes = BytesMut::new();
    bytes.put_i32(frame.len() as i32);
    bytes.put_slice(frame);
    after(scene, &bytes)
}

fn a_version_above_the_highest(scene: &Scene) -> Outcome {
    after_frame(scene, &header(ApiKey::Metadata as i16, 99))
}

fn a_version_below_zero(scene: &Scene) -> Outcome {
    after_frame(scene, &header(ApiKey::Metadata as i16, -1))
}

fn an_unknown_request(scene: &Scene) -> Outcome {
    after_frame(scene, &header(999, 0))
}

fn a_frame_without_a_request(scene: &Scene) -> Outcome {
    after_frame(scene, &[0, 3])
}

fn a_frame_of_no_bytes(scene: &Scene) -> Outcome {
    after_frame(scene, &[])
}

fn a_frame_of_fewer_than_no_bytes(scene: &Scene) -> Outcome {
    after(scene, &(-1_i32).to_be_bytes())
}

fn a_frame_that_is_too_large(scene: &Scene) -> Outcome {
    after(scene, &104_857_601_i32.to_be_bytes())
}

/// Builds a metadata request for one topic, as a frame with its length.
fn asked(node: &mut RawClient) -> Bytes {
    node.frame(1, &metadata(&["a-topic"]).with_allow_auto_topic_creation(true)).0
}

fn a_request_that_is_cut_short(scene: &Scene) -> Outcome {
    let frame = asked(&mut scene.node()?);
    after_frame(scene, &frame[4..frame.len() - 3])
}

fn a_request_that_goes_on(scene: &Scene) -> Outcome {
    let frame = asked(&mut scene.node()?);
    after_frame(scene, &[&frame[4..], b"more"].concat())
}

fn a_request_that_counts_more_than_it_holds(scene: &Scene) -> Outcome {
    let mut frame = header(ApiKey::Metadata as i16, 1);
    frame.put_i32(i32::MAX);
    after_frame(scene, &frame)
}

fn http(scene: &Scene) -> Outcome {
    after(scene, b"GET / HTTP/1.1\r\n\r\n")
}

fn two_requests_at_once(scene: &Scene) -> Outcome {
    let mut node = scene.node()?;
    let first = node.send(12, &metadata(&[]))?;
    let second = node.send(4, &request())?;
    let nodes = node.receive::<MetadataRequest>(12, first)?.brokers.len();
    let error = node.receive::<ApiVersionsRequest>(4, second)?.error_code;
    Ok(format!("{nodes} nodes, then {}", name(error)))
}

fn a_handshake_of_sasl(scene: &Scene) -> Outcome {
    let request = SaslHandshakeRequest::default().with_mechanism(text("PLAIN"));
    let answer = scene.node()?.try_call(1, &request);
    Ok(answer.map_or_else(|_| "closed".to_owned(), |it| name(it.error_code)))
}
