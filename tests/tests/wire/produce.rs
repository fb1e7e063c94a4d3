//! Produce, request by request: where it is refused, and what the answer then holds.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::ProduceRequest;
use workshop_tests::batch::{Batch, now, offsets, with_right_crc};
use workshop_tests::errors::{
    CORRUPT_MESSAGE, INVALID_RECORD, INVALID_REQUIRED_ACKS, INVALID_TIMESTAMP, MESSAGE_TOO_LARGE,
    NOT_LEADER_OR_FOLLOWER, TRANSACTIONAL_ID_AUTHORIZATION_FAILED, UNKNOWN_SERVER_ERROR,
    UNKNOWN_TOPIC_OR_PARTITION, UNSUPPORTED_COMPRESSION_TYPE,
};
use workshop_tests::requests::{fetch, list_offsets, produce, produced};
use workshop_tests::{TestCluster, eventually};

#[tokio::test]
async fn every_version_appends_and_tells_the_base_offset() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    for (version, expected) in (3..=10).zip((0..).step_by(2)) {
        let request = produce(&topic, 0, -1, Batch::of(&["a", "b"]).encode());
        let answer = leader.call(version, &request);
        assert_eq!(produced(&answer).error_code, 0, "version {version}");
        assert_eq!(produced(&answer).base_offset, expected);
        assert_eq!(produced(&answer).log_append_time_ms, -1, "the topic keeps the create time");
        if version >= 5 {
            assert_eq!(produced(&answer).log_start_offset, 0);
        }
    }
}

#[tokio::test]
async fn a_node_that_does_not_lead_refuses() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut follower = cluster.connect_to_follower(&topic, 0);
    let answer = follower.call(9, &produce(&topic, 0, -1, Batch::of(&["a"]).encode()));
    assert_eq!(produced(&answer).error_code, NOT_LEADER_OR_FOLLOWER);
    assert_eq!(produced(&answer).base_offset, -1);
    assert_eq!(produced(&answer).log_start_offset, -1);
}

#[tokio::test]
async fn the_wrong_node_names_the_leader_from_version_10_on() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let leader = cluster.connect_to_leader(&topic, 0);
    let mut follower = cluster.connect_to_follower(&topic, 0);
    let answer = follower.call(10, &produce(&topic, 0, -1, Batch::of(&["a"]).encode()));
    let named = &produced(&answer).current_leader;
    assert!(named.leader_epoch >= 0);
    let endpoint = answer.node_endpoints.iter().find(|it| it.node_id == named.leader_id);
    let endpoint = endpoint.expect("the leader's address comes along");
    assert_eq!(format!("{}:{}", endpoint.host.as_str(), endpoint.port), leader.address());
}

#[tokio::test]
async fn an_unknown_topic_and_an_unknown_partition_are_the_same_error() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let unknown = cluster.topic_name();
    let mut leader = cluster.connect_to_leader(&topic, 0);
    for (topic, partition) in [(&unknown, 0), (&topic, 1), (&topic, -1)] {
        let answer = leader.call(9, &produce(topic, partition, 1, Batch::of(&["a"]).encode()));
        assert_eq!(produced(&answer).error_code, UNKNOWN_TOPIC_OR_PARTITION);
    }
}

#[tokio::test]
async fn acks_other_than_0_1_and_all_are_refused() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    for acks in [2, -2, i16::MAX] {
        let answer = leader.call(9, &produce(&topic, 0, acks, Batch::of(&["a"]).encode()));
        assert_eq!(produced(&answer).error_code, INVALID_REQUIRED_ACKS, "acks {acks}");
    }
}

#[tokio::test]
async fn acks_0_is_not_answered() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    leader.send(9, &produce(&topic, 0, 0, Batch::of(&["a"]).encode())).expect("the node reads");
    assert!(leader.is_silent(Duration::from_millis(50)));
    // The next request on the connection gets the next answer, and the record is there.
    eventually("the record is committed", || {
        let answer = leader.call(5, &list_offsets(&topic, 0, -1));
        (answer.topics[0].partitions[0].offset == 1).then_some(())
    });
}

#[tokio::test]
async fn acks_0_that_fails_closes_the_connection() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut follower = cluster.connect_to_follower(&topic, 0);
    follower.send(9, &produce(&topic, 0, 0, Batch::of(&["a"]).encode())).expect("the node reads");
    assert!(follower.is_closed(), "the client has no other way to learn of it");
}

#[tokio::test]
async fn a_batch_with_a_wrong_crc_is_corrupt() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let mut batch = BytesMut::from(Batch::of(&["a"]).encode());
    let last = batch.len() - 2;
    batch[last] ^= 1;
    let answer = leader.call(9, &produce(&topic, 0, -1, batch.freeze()));
    assert_eq!(produced(&answer).error_code, CORRUPT_MESSAGE);
    assert_eq!(end_offset(&cluster, &topic), 0, "nothing is appended");
}

fn end_offset(cluster: &TestCluster, topic: &str) -> i64 {
    let answer = cluster.connect_to_leader(topic, 0).call(5, &list_offsets(topic, 0, -1));
    answer.topics[0].partitions[0].offset
}

/// Which error a changed batch of one record is answered with.
async fn error_of(change: impl FnOnce(&mut BytesMut)) -> i16 {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut batch = BytesMut::from(Batch::of(&["a"]).encode());
    change(&mut batch);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let request = produce(&topic, 0, -1, with_right_crc(batch));
    let answer = leader.call(9, &request);
    assert_eq!(end_offset(&cluster, &topic), 0, "nothing is appended");
    produced(&answer).error_code
}

#[tokio::test]
async fn a_record_count_that_the_batch_does_not_hold_is_invalid() {
    assert_eq!(error_of(|batch| batch[60] = 9).await, INVALID_RECORD);
}

#[tokio::test]
async fn a_last_offset_delta_that_does_not_match_the_count_is_invalid() {
    assert_eq!(error_of(|batch| batch[26] = 5).await, INVALID_RECORD);
}

#[tokio::test]
async fn a_control_batch_from_a_client_is_invalid() {
    assert_eq!(error_of(|batch| batch[22] |= 0x20).await, INVALID_RECORD);
}

#[tokio::test]
async fn a_transactional_batch_without_a_transactional_id_is_not_authorized() {
    let error = error_of(|batch| batch[22] |= 0x10).await;
    assert_eq!(error, TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
}

#[tokio::test]
async fn an_unknown_compression_is_an_unknown_error() {
    assert_eq!(error_of(|batch| batch[22] |= 0x07).await, UNKNOWN_SERVER_ERROR);
}

/// A batch that is compressed with gzip, as the library makes it.
fn in_gzip(batch: &Batch) -> Bytes {
    batch.encode_with(1, |records| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        std::io::Write::write_all(&mut encoder, records).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    })
}

#[tokio::test]
async fn a_compressed_batch_whose_greatest_timestamp_is_unset_is_found_by_time() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("retention.ms", "-1")]);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let mut batch = BytesMut::from(&in_gzip(&Batch::at(&["a"], 1_000).and("b", 2_000))[..]);
    batch[35..43].copy_from_slice(&(-1_i64).to_be_bytes());
    let request = produce(&topic, 0, -1, with_right_crc(batch));
    assert_eq!(produced(&leader.call(9, &request)).error_code, 0);
    for (asked, expected) in [(1_500, (1, 2_000)), (1_000, (0, 1_000)), (-3, (1, 2_000))] {
        let answer = leader.call(7, &list_offsets(&topic, 0, asked));
        let found = &answer.topics[0].partitions[0];
        assert_eq!((found.offset, found.timestamp), expected, "{asked}");
    }
    let fetched = leader.call(11, &fetch(&topic, 0, 0));
    let records = fetched.responses[0].partitions[0].records.clone().expect("a batch");
    assert_eq!(records[35..43], 2_000_i64.to_be_bytes());
}

#[tokio::test]
async fn bytes_that_are_no_gzip_are_not_stored_as_gzip() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let text = Batch::of(&["a"]).encode_with(1, |_| b"these bytes are no gzip".to_vec());
    let answer = leader.call(9, &produce(&topic, 0, -1, text));
    assert_eq!(produced(&answer).error_code, UNKNOWN_SERVER_ERROR);
    let answer = leader.call(7, &list_offsets(&topic, 0, -1));
    assert_eq!(answer.topics[0].partitions[0].offset, 0, "nothing was stored");
}

#[tokio::test]
async fn zstd_is_taken_from_version_7_on() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let compress = |records: &[u8]| ruzstd::encoding::compress_to_vec(records, level);
    let request = produce(&topic, 0, -1, Batch::of(&["a"]).encode_with(4, compress));
    for version in 3..=10 {
        let expected = if version < 7 { UNSUPPORTED_COMPRESSION_TYPE } else { 0 };
        let answer = leader.call(version, &request);
        assert_eq!(produced(&answer).error_code, expected, "version {version}");
    }
}

#[tokio::test]
async fn a_batch_that_claims_to_be_stamped_by_the_broker_keeps_the_create_time() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("retention.ms", "-1")]);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let batch = Batch::at(&["a"], 1_000).with_attributes(0x08).encode();
    assert_eq!(produced(&leader.call(9, &produce(&topic, 0, -1, batch))).error_code, 0);
    let fetched = leader.call(11, &fetch(&topic, 0, 0));
    let records = fetched.responses[0].partitions[0].records.clone().expect("a record");
    assert_eq!(records[22] & 0x08, 0, "the topic's timestamp type wins");
    assert_eq!(records[35..43], 1_000_i64.to_be_bytes());
}

#[tokio::test]
async fn an_empty_batch_is_invalid() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let answer = leader.call(9, &produce(&topic, 0, -1, Batch::of(&[]).encode()));
    assert_eq!(produced(&answer).error_code, INVALID_RECORD);
}

#[tokio::test]
async fn a_truncated_batch_is_refused_whole() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let batch = Batch::of(&["a"]).encode();
    let half = batch.slice(..batch.len() - 3);
    let answer = leader.call(9, &produce(&topic, 0, -1, half));
    assert_ne!(produced(&answer).error_code, 0);
    assert_eq!(end_offset(&cluster, &topic), 0);
}

#[tokio::test]
async fn several_batches_for_one_partition_are_refused() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let mut two = BytesMut::from(Batch::of(&["a"]).encode());
    two.put_slice(&Batch::of(&["b"]).encode());
    let answer = leader.call(9, &produce(&topic, 0, -1, two.freeze()));
    assert_eq!(produced(&answer).error_code, INVALID_RECORD);
}

/// A message of the formats before KIP-98: offset, size, CRC, magic, attributes, key, value.
fn old_message(magic: i8) -> Bytes {
    let mut message = BytesMut::new();
    message.put_i8(magic);
    message.put_i8(0);
    if magic == 1 {
        message.put_i64(now());
    }
    message.put_i32(-1);
    message.put_i32(1);
    message.put_slice(b"a");
    let mut set = BytesMut::new();
    set.put_i64(0);
    set.put_i32(message.len() as i32 + 4);
    set.put_u32(kafka_protocol::records::IEEE.checksum(&message));
    set.put_slice(&message);
    set.freeze()
}

#[tokio::test]
async fn messages_of_the_old_formats_are_refused() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    for magic in [0, 1] {
        for version in [3, 9] {
            let answer = leader.call(version, &produce(&topic, 0, -1, old_message(magic)));
            let error = produced(&answer).error_code;
            assert_eq!(error, INVALID_RECORD, "magic {magic} version {version}");
        }
    }
}

#[tokio::test]
async fn each_record_without_a_key_is_named_on_a_compacted_topic() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("cleanup.policy", "compact")]);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let batch = Batch::keyed(&[(Some("k"), "good"), (None, "bad"), (None, "bad too")]);
    let request = produce(&topic, 0, -1, batch.encode());
    let answer = leader.call(8, &request);
    let partition = produced(&answer);
    assert_eq!(partition.error_code, INVALID_RECORD);
    let message = partition.error_message.as_deref().expect("version 8 has a message");
    assert!(
        message.starts_with("One or more records have been rejected due to 2 record errors"),
        "{message}"
    );
    let named: Vec<_> = partition.record_errors.iter().map(|it| it.batch_index).collect();
    assert_eq!(named, [1, 2]);
    let why = partition.record_errors[0].batch_index_error_message.as_deref();
    assert!(why.is_some_and(|it| it.contains("Compacted topic cannot accept message without key")));
    // Before version 8 there is no place for the single records.
    assert_eq!(produced(&leader.call(7, &request)).error_code, INVALID_RECORD);
    assert_eq!(end_offset(&cluster, &topic), 0, "the good record is not appended either");
}

#[tokio::test]
async fn a_create_time_out_of_range_names_the_record() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("message.timestamp.after.max.ms", "1000")]);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let batch = Batch::of(&["now"]).and("in an hour", now() + 3_600_000);
    let answer = leader.call(9, &produce(&topic, 0, -1, batch.encode()));
    assert_eq!(produced(&answer).error_code, INVALID_TIMESTAMP);
    let named: Vec<_> = produced(&answer).record_errors.iter().map(|it| it.batch_index).collect();
    assert_eq!(named, [1]);
}

#[tokio::test]
async fn the_append_time_is_in_the_answer_where_the_topic_takes_it() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("message.timestamp.type", "LogAppendTime")]);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let before = now();
    let answer = leader.call(9, &produce(&topic, 0, -1, Batch::at(&["a"], 1_000).encode()));
    assert_eq!(produced(&answer).error_code, 0);
    let appended = produced(&answer).log_append_time_ms;
    assert!((before..=now()).contains(&appended));
    let fetched = leader.call(11, &fetch(&topic, 0, 0));
    let records = fetched.responses[0].partitions[0].records.clone().expect("a record");
    assert_eq!(records[22] & 0x08, 0x08, "the batch says that the broker stamped it");
    assert_eq!(records[35..43], appended.to_be_bytes(), "its greatest timestamp");
    let crc = crc32c::crc32c(&records[21..]);
    assert_eq!(records[17..21], crc.to_be_bytes(), "its CRC is right again");
}

#[tokio::test]
async fn a_batch_above_max_message_bytes_is_too_large() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("max.message.bytes", "200")]);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let fits = Batch::of(&[&"x".repeat(100)]).encode();
    assert_eq!(produced(&leader.call(9, &produce(&topic, 0, -1, fits))).error_code, 0);
    // The limit counts the whole batch as it stands in the log, header included.
    let exactly = Batch::of(&[&"x".repeat(131)]).encode();
    assert_eq!(exactly.len(), 201);
    let answer = leader.call(9, &produce(&topic, 0, -1, exactly));
    assert_eq!(produced(&answer).error_code, MESSAGE_TOO_LARGE);
    let exactly = Batch::of(&[&"x".repeat(130)]).encode();
    assert_eq!(produced(&leader.call(9, &produce(&topic, 0, -1, exactly))).error_code, 0);
}

#[tokio::test]
async fn one_bad_partition_does_not_spoil_the_others() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let mut request: ProduceRequest = produce(&topic, 0, -1, Batch::of(&["a"]).encode());
    let unknown = produce(&topic, 7, -1, Batch::of(&["b"]).encode());
    let more = unknown.topic_data[0].partition_data.clone();
    request.topic_data[0].partition_data.extend(more);
    let answer = leader.call(9, &request);
    let mut errors: Vec<_> =
        answer.responses.iter().flat_map(|it| &it.partition_responses).collect();
    errors.sort_by_key(|it| it.index);
    let errors: Vec<_> = errors.iter().map(|it| (it.index, it.error_code)).collect();
    assert_eq!(errors, [(0, 0), (7, UNKNOWN_TOPIC_OR_PARTITION)]);
}

#[tokio::test]
async fn a_fetched_batch_carries_its_offset_and_leader_epoch() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    for _ in 0..2 {
        leader.call(9, &produce(&topic, 0, -1, Batch::of(&["a", "b"]).encode()));
    }
    let fetched = leader.call(11, &fetch(&topic, 0, 0));
    let records = fetched.responses[0].partitions[0].records.clone().expect("records");
    assert_eq!(offsets(records.clone()), [(0, 2), (2, 2)]);
    assert_eq!(records[12..16], [0; 4], "the first leader's epoch is 0");
}
