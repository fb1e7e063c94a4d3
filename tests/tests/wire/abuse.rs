//! Frames that no client should send: the connection may end, the cluster may not.
//!
//! Apache Kafka closes a connection whose bytes it cannot read. After each frame another client is
//! still answered.

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::{ApiVersionsRequest, MetadataRequest};
use workshop_tests::TestCluster;
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{list_offsets, metadata};

/// Sends `bytes` on a connection of its own, which must be closed without an answer.
async fn closes(bytes: &[u8]) {
    let cluster = TestCluster::start().await;
    let mut other = cluster.connect();
    let mut client = cluster.connect();
    client.send_bytes(bytes).expect("the node still listens");
    assert!(client.is_closed(), "the node answered");
    still_answers(&cluster, &mut other);
}

/// Both a connection that was open before and a new one get their answers.
fn still_answers(cluster: &TestCluster, other: &mut RawClient) {
    assert_eq!(other.call(0, &ApiVersionsRequest::default()).error_code, 0);
    assert_eq!(cluster.connect().call(0, &ApiVersionsRequest::default()).error_code, 0);
}

/// A frame: length, API key, version, correlation id 1, no client id, then `body`.
fn frame(api_key: i16, version: i16, body: &[u8]) -> BytesMut {
    let mut frame = BytesMut::new();
    frame.put_i32(10 + body.len() as i32);
    frame.put_i16(api_key);
    frame.put_i16(version);
    frame.put_i32(1);
    frame.put_i16(-1);
    frame.put_slice(body);
    frame
}

#[tokio::test]
async fn an_unknown_api_key_closes_the_connection() {
    closes(&frame(999, 0, &[])).await;
}

#[tokio::test]
async fn a_negative_api_key_closes_the_connection() {
    closes(&frame(-1, 0, &[])).await;
}

#[tokio::test]
async fn an_api_between_nodes_closes_the_connection() {
    // LeaderAndIsr is gone since Kafka 4.0.
    closes(&frame(4, 0, &[])).await;
}

#[tokio::test]
async fn a_version_above_the_highest_closes_the_connection() {
    closes(&frame(3, 99, &[0; 8])).await;
}

#[tokio::test]
async fn a_negative_version_closes_the_connection() {
    closes(&frame(3, -1, &[0; 8])).await;
}

#[tokio::test]
async fn produce_below_version_3_closes_the_connection() {
    for version in 0..3 {
        closes(&frame(0, version, &[0, 1, 0, 0, 0, 1, 0, 0, 0, 0])).await;
    }
}

#[tokio::test]
async fn a_negative_length_closes_the_connection() {
    closes(&(-1_i32).to_be_bytes()).await;
    closes(&i32::MIN.to_be_bytes()).await;
}

#[tokio::test]
async fn a_length_above_the_limit_closes_the_connection() {
    // socket.request.max.bytes is 100 MiB; nothing of the frame has to follow.
    closes(&(104_857_601_i32).to_be_bytes()).await;
    closes(&i32::MAX.to_be_bytes()).await;
}

#[tokio::test]
async fn frames_too_short_for_a_header_close_the_connection() {
    for length in 1..8 {
        let mut frame = BytesMut::new();
        frame.put_i32(length);
        frame.put_bytes(0, length as usize);
        closes(&frame).await;
    }
}

#[tokio::test]
async fn garbage_closes_the_connection() {
    closes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    closes(&frame(3, 9, &[0xff; 40])).await;
    closes(&frame(18, 3, &[0xff; 40])).await;
}

#[tokio::test]
async fn a_body_that_ends_early_closes_the_connection() {
    // Metadata v1 with one topic whose name of 100 bytes does not come.
    closes(&frame(3, 1, &[0, 0, 0, 1, 0, 100, b'x'])).await;
    // Produce v3 that ends after acks.
    closes(&frame(0, 3, &[0xff, 0xff, 0, 1])).await;
}

#[tokio::test]
async fn an_array_count_beyond_the_frame_closes_the_connection() {
    // Metadata v1 with 2^31 − 1 topics in a frame of 14 bytes.
    closes(&frame(3, 1, &i32::MAX.to_be_bytes())).await;
    // The same for Fetch v4, behind its fixed fields.
    let mut body = BytesMut::new();
    body.put_i32(-1);
    body.put_i32(100);
    body.put_i32(1);
    body.put_i32(1 << 20);
    body.put_i8(0);
    body.put_i32(i32::MAX);
    closes(&frame(1, 4, &body)).await;
    // And for a compact array: Metadata v9 with an unsigned varint of 2^32 − 1.
    closes(&frame(3, 9, &[0, 0xff, 0xff, 0xff, 0xff, 0x0f])).await;
}

#[tokio::test]
async fn a_frame_that_is_cut_off_harms_no_other_client() {
    let cluster = TestCluster::start().await;
    let mut other = cluster.connect();
    let mut client = cluster.connect();
    let (whole, _) = client.frame(12, &metadata(&[]));
    client.send_bytes(&whole[..whole.len() - 2]).expect("the node listens");
    drop(client);
    still_answers(&cluster, &mut other);
}

#[tokio::test]
async fn half_a_frame_and_silence_delay_no_other_client() {
    let cluster = TestCluster::start().await;
    let mut other = cluster.connect();
    let mut silent: Vec<_> = (0..20).map(|_| cluster.connect()).collect();
    for client in &mut silent {
        let (whole, _) = client.frame(12, &metadata(&[]));
        client.send_bytes(&whole[..7]).expect("the node listens");
    }
    still_answers(&cluster, &mut other);
    // The rest of the frame still gets its answer.
    let (whole, id) = silent[0].frame(12, &metadata(&[]));
    let mut late = cluster.connect();
    late.send_bytes(&whole[..7]).expect("the node listens");
    still_answers(&cluster, &mut other);
    late.send_bytes(&whole[7..]).expect("the node listens");
    let answer = late.receive::<MetadataRequest>(12, id).expect("the node answers");
    assert_eq!(answer.brokers.len(), 3);
}

#[tokio::test]
async fn a_large_claim_without_bytes_holds_no_memory_back_from_others() {
    let cluster = TestCluster::start().await;
    if !cluster.is_embedded() {
        // Apache Kafka allocates what the length claims, and runs out of memory.
        eprintln!("skipped: only the embedded cluster withstands this");
        return;
    }
    let mut other = cluster.connect();
    let mut claims: Vec<_> = (0..50).map(|_| cluster.connect()).collect();
    for client in &mut claims {
        client.send_bytes(&100_000_000_i32.to_be_bytes()).expect("the node listens");
    }
    still_answers(&cluster, &mut other);
}

#[tokio::test]
async fn requests_sent_together_are_answered_in_order() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let mut together = BytesMut::new();
    let mut ids = Vec::new();
    for _ in 0..20 {
        let (frame, id) = leader.frame(12, &metadata(&[&topic]));
        together.put_slice(&frame);
        let (frame, second) = leader.frame(5, &list_offsets(&topic, 0, -1));
        together.put_slice(&frame);
        ids.push((id, second));
    }
    leader.send_bytes(&together).expect("the node reads");
    for (first, second) in ids {
        let answer = leader.receive::<MetadataRequest>(12, first).expect("an answer");
        assert_eq!(answer.topics[0].partitions.len(), 1);
        type ListOffsets = kafka_protocol::messages::ListOffsetsRequest;
        let answer = leader.receive::<ListOffsets>(5, second).expect("an answer");
        assert_eq!(answer.topics[0].partitions[0].offset, 0);
    }
}

#[tokio::test]
async fn a_request_sent_byte_by_byte_is_answered() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    let (whole, id) = client.frame(12, &metadata(&[]));
    for byte in &whole {
        client.send_bytes(&[*byte]).expect("the node reads");
    }
    let answer = client.receive::<MetadataRequest>(12, id).expect("an answer");
    assert_eq!(answer.brokers.len(), 3);
}

#[tokio::test]
async fn unknown_tagged_fields_are_skipped() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.connect();
    // A flexible header with a tagged field 9 of 3 bytes; then Metadata v12 for no topic, with a
    // tagged field 7 of 2 bytes.
    let body = [1, 9, 3, 1, 2, 3, 1, 0, 0, 1, 7, 2, 1, 2];
    client.send_bytes(&frame(3, 12, &body)).expect("the node reads");
    let answer = client.receive::<MetadataRequest>(12, 1).expect("an answer");
    assert_eq!(answer.brokers.len(), 3);
}
