//! A disk without room: an error for the client that writes, and nothing else. The process lives,
//! what was acknowledged can be read, and writing goes on once there is room.
//!
//! The cluster's process runs under a limit for the size of files, with the signal that goes with
//! it ignored: a write beyond fails in part or as a whole, as on a full disk.

#![cfg(target_os = "linux")]

use std::time::Duration;

use kafka_protocol::messages::{
    ApiVersionsRequest, FindCoordinatorRequest, InitProducerIdRequest, OffsetFetchRequest,
    ProducerId,
};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::FutureRecord;
use workshop_tests::batch::{Batch, offsets};
use workshop_tests::errors::{
    COORDINATOR_NOT_AVAILABLE, KAFKA_STORAGE_ERROR, NOT_COORDINATOR, UNKNOWN_TOPIC_OR_PARTITION,
};
use workshop_tests::requests::{
    create_topic, delete_topic, fetch, group_id, list_offsets, metadata, produce, produced, text,
};
use workshop_tests::{HostedCluster, TestCluster, requests};

const HOST: &str = env!("CARGO_BIN_EXE_cluster-host");
const TOPIC: &str = "flights";
const GROUP: &str = "dispatch";

const LATEST: i64 = -1;

/// 64 KiB for each file: a few of the test's records.
const SOME_BLOCKS: u64 = 128;

fn create(cluster: &TestCluster, topic: &str) -> i16 {
    cluster.connect().call(7, &create_topic(topic, 1, 1, &[])).topics[0].error_code
}

/// Produces one record of 10 KB; returns the error and the offset.
fn write(cluster: &TestCluster) -> (i16, i64) {
    let mut leader = cluster.connect_to_leader(TOPIC, 0);
    let batch = Batch::of(&["x".repeat(10_000).as_str()]).encode();
    let answer = leader.call(9, &produce(TOPIC, 0, -1, batch));
    (produced(&answer).error_code, produced(&answer).base_offset)
}

/// Produces until the disk refuses; returns how many records were acknowledged.
fn write_until_refused(cluster: &TestCluster) -> i64 {
    for offset in 0..100 {
        let (error, base_offset) = write(cluster);
        if error != 0 {
            assert_eq!(error, KAFKA_STORAGE_ERROR);
            return offset;
        }
        assert_eq!(base_offset, offset);
    }
    panic!("100 records of 10 KB fit into 64 KiB");
}

/// Exactly the records that were acknowledged can be read.
fn assert_readable(cluster: &TestCluster, records: i64) {
    let mut leader = cluster.connect_to_leader(TOPIC, 0);
    let answer = leader.call(12, &fetch(TOPIC, 0, 0));
    let data = &answer.responses[0].partitions[0];
    assert_eq!((data.error_code, data.high_watermark), (0, records));
    let found = offsets(data.records.clone().unwrap_or_default());
    assert_eq!(found.iter().map(|it| it.0).collect::<Vec<_>>(), (0..records).collect::<Vec<_>>());
    let listed = leader.call(5, &list_offsets(TOPIC, 0, LATEST));
    assert_eq!(listed.topics[0].partitions[0].offset, records);
}

fn commit(cluster: &TestCluster, offset: i64) -> i16 {
    let request = requests::commit(GROUP, TOPIC, 0, offset, "");
    let answer = cluster.connect_to_coordinator(GROUP).call(8, &request);
    answer.topics[0].partitions[0].error_code
}

fn committed(cluster: &TestCluster) -> i64 {
    let request = OffsetFetchRequest::default().with_group_id(group_id(GROUP)).with_topics(None);
    let answer = cluster.connect_to_coordinator(GROUP).call(7, &request);
    answer.topics.first().map_or(-1, |topic| topic.partitions[0].committed_offset)
}

#[test]
fn a_producer_gets_an_error_for_a_full_disk_and_what_was_acknowledged_stays() {
    let mut cluster = HostedCluster::new(HOST, 1);
    cluster.try_start_with_file_limit(SOME_BLOCKS).expect("the cluster starts");
    assert_eq!(create(cluster.client(), TOPIC), 0);
    let acknowledged = write_until_refused(cluster.client());
    assert!(acknowledged > 3, "only {acknowledged} records fit");
    assert_eq!(write(cluster.client()).0, KAFKA_STORAGE_ERROR, "it stays full");
    assert_readable(cluster.client(), acknowledged);
    assert!(cluster.is_alive());

    cluster.kill();
    cluster.start();
    assert_readable(cluster.client(), acknowledged);
    assert_eq!(write(cluster.client()), (0, acknowledged));
    assert_readable(cluster.client(), acknowledged + 1);
}

#[test]
fn writing_goes_on_by_itself_once_there_is_room() {
    let mut cluster = HostedCluster::new(HOST, 1);
    cluster.try_start_with_file_limit(SOME_BLOCKS).expect("the cluster starts");
    assert_eq!(create(cluster.client(), TOPIC), 0);
    let acknowledged = write_until_refused(cluster.client());
    if !cluster.lift_file_limit() {
        eprintln!("skipped: without prlimit the limit cannot be lifted");
        return;
    }
    assert_eq!(write(cluster.client()), (0, acknowledged));
    cluster.shutdown();
    cluster.start();
    assert_readable(cluster.client(), acknowledged + 1);
}

#[tokio::test]
async fn librdkafka_tries_again_and_then_gives_the_record_back() {
    let mut cluster = HostedCluster::new(HOST, 1);
    cluster.try_start_with_file_limit(SOME_BLOCKS).expect("the cluster starts");
    assert_eq!(create(cluster.client(), TOPIC), 0);
    let acknowledged = write_until_refused(cluster.client());
    let settings = [("message.timeout.ms", "1000"), ("retry.backoff.ms", "50")];
    let producer = cluster.client().producer(&settings);
    let value = vec![0_u8; 10_000];
    let record = FutureRecord::<(), [u8]>::to(TOPIC).payload(&value[..]);
    let (error, _) = producer.send(record, Duration::from_secs(5)).await.expect_err("no room");
    let code = error.rdkafka_error_code().expect("a code");
    let expected = [RDKafkaErrorCode::KafkaStorageError, RDKafkaErrorCode::MessageTimedOut];
    assert!(expected.contains(&code), "{code:?}");
    assert_readable(cluster.client(), acknowledged);
}

/// A cluster with three records and a committed offset, whose disk takes not one byte more.
fn without_any_room() -> HostedCluster {
    let mut cluster = HostedCluster::start_new(HOST, 1);
    assert_eq!(create(cluster.client(), TOPIC), 0);
    for offset in 0..3 {
        assert_eq!(write(cluster.client()), (0, offset));
    }
    assert_eq!(commit(cluster.client(), 2), 0);
    cluster.shutdown();
    cluster.try_start_with_file_limit(0).expect("a clean directory opens without a write");
    cluster
}

#[test]
fn every_change_is_refused_without_any_room_and_reading_goes_on() {
    let mut cluster = without_any_room();
    let client = cluster.client();
    assert_eq!(write(client).0, KAFKA_STORAGE_ERROR);
    assert_eq!(create(client, "new"), KAFKA_STORAGE_ERROR);
    let unknown = client.connect().call(12, &metadata(&["new"]));
    assert_eq!(unknown.topics[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(commit(client, 3), NOT_COORDINATOR, "as Kafka puts a storage error to a committer");
    let request = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    assert_eq!(client.connect().call(4, &request).error_code, KAFKA_STORAGE_ERROR);

    assert_readable(client, 3);
    assert_eq!(committed(client), 2);
    assert_eq!(client.connect().call(0, &ApiVersionsRequest::default()).error_code, 0);
    assert!(cluster.is_alive());
    cluster.kill();
    cluster.start();
    assert_readable(cluster.client(), 3);
    assert_eq!(committed(cluster.client()), 2);
    assert_eq!(write(cluster.client()), (0, 3));
    assert_eq!(create(cluster.client(), "new"), 0);
    assert_eq!(commit(cluster.client(), 4), 0);
}

#[test]
fn a_topic_can_be_deleted_without_any_room() {
    let mut cluster = without_any_room();
    let request = delete_topic(TOPIC);
    let answer = cluster.client().connect().call(5, &request);
    assert_eq!(answer.responses[0].error_code, 0);
    cluster.kill();
    cluster.start();
    let gone = cluster.client().connect().call(12, &metadata(&[TOPIC]));
    assert_eq!(gone.topics[0].error_code, UNKNOWN_TOPIC_OR_PARTITION);
}

#[test]
fn the_first_group_finds_no_coordinator_without_any_room() {
    let mut cluster = HostedCluster::start_new(HOST, 1);
    cluster.shutdown();
    cluster.try_start_with_file_limit(0).expect("a clean directory opens without a write");
    let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![text(GROUP)]);
    let answer = cluster.client().connect().call(4, &request);
    let error = answer.coordinators[0].error_code;
    assert_eq!(error, COORDINATOR_NOT_AVAILABLE);
    assert!(cluster.is_alive());
}
