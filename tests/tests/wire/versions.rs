//! ApiVersions: how a client learns what it may send.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::Decodable;
use workshop_tests::TestCluster;
use workshop_tests::errors::{INVALID_REQUEST, UNSUPPORTED_VERSION};
use workshop_tests::requests::text;

fn request() -> ApiVersionsRequest {
    ApiVersionsRequest::default()
        .with_client_software_name(text("raw"))
        .with_client_software_version(text("1.0"))
}

fn range(response: &ApiVersionsResponse, api_key: i16) -> Option<(i16, i16)> {
    let mut found = response.api_keys.iter().filter(|it| it.api_key == api_key);
    let range = found.next().map(|it| (it.min_version, it.max_version));
    assert!(found.next().is_none(), "API key {api_key} is named once");
    range
}

#[tokio::test]
async fn every_version_of_api_versions_names_the_same_ranges() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let newest = client.call(4, &request());
    for version in 0..=4 {
        let sent = if version < 3 { ApiVersionsRequest::default() } else { request() };
        let answer = client.call(version, &sent);
        assert_eq!(answer.error_code, 0);
        assert_eq!(answer.api_keys, newest.api_keys, "version {version}");
    }
}

/// (API key, lowest, highest) of what librdkafka and the Java client 4.x rely on.
const NEEDED: &[(i16, i16, i16)] = &[
    (0, 0, 10),
    (1, 4, 16),
    (2, 1, 7),
    (3, 0, 12),
    (8, 2, 9),
    (9, 1, 9),
    (10, 0, 4),
    (11, 0, 9),
    (12, 0, 4),
    (13, 0, 5),
    (14, 0, 5),
    (15, 0, 5),
    (16, 0, 5),
    (18, 0, 4),
    (19, 2, 7),
    (20, 1, 6),
    (21, 0, 2),
    (22, 0, 4),
    (23, 2, 4),
    (32, 1, 4),
    (33, 0, 2),
    (37, 0, 3),
    (42, 0, 2),
    (44, 0, 1),
    (47, 0, 0),
    (60, 0, 1),
    (75, 0, 0),
];

#[tokio::test]
async fn the_versions_that_clients_rely_on_are_there() {
    let cluster = TestCluster::start().await;
    let answer = cluster.connect().call(4, &request());
    for &(api_key, lowest, highest) in NEEDED {
        let (min, max) = range(&answer, api_key).unwrap_or_else(|| panic!("no API key {api_key}"));
        assert!(
            min <= lowest && highest <= max,
            "API key {api_key} is {min} to {max}, needed are {lowest} to {highest}"
        );
    }
}

#[tokio::test]
async fn a_version_above_the_highest_is_answered_in_version_0_with_the_range_to_use() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let mut frame = BytesMut::new();
    frame.put_i16(18);
    frame.put_i16(99);
    frame.put_i32(7);
    frame.put_i16(-1);
    frame.put_slice(b"\x00whatever a later version holds");
    client.send_frame(&frame).expect("the node reads");
    let mut answer: Bytes = client.receive_frame().expect("the node answers");
    assert_eq!(answer.split_to(4).as_ref(), 7_i32.to_be_bytes(), "the header is version 0");
    let answer = ApiVersionsResponse::decode(&mut answer, 0).expect("the body is version 0");
    assert_eq!(answer.error_code, UNSUPPORTED_VERSION);
    let (min, max) = range(&answer, 18).expect("ApiVersions is named");
    assert!(min == 0 && max >= 4);
    // The connection is good for a second try in a version that is known.
    assert_eq!(client.call(max.min(4), &request()).error_code, 0);
}

#[tokio::test]
async fn a_software_name_that_is_no_name_is_an_invalid_request() {
    let cluster = TestCluster::start().await;
    for name in ["", "-leading", "with space", "trailing."] {
        let sent = request().with_client_software_name(text(name));
        let answer = cluster.connect().call(3, &sent);
        assert_eq!(answer.error_code, INVALID_REQUEST, "{name:?}");
    }
}
