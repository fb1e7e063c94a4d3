//! ListOffsets, OffsetForLeaderEpoch and DeleteRecords: where a partition begins and ends.

use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{BrokerId, DeleteRecordsRequest, OffsetForLeaderEpochRequest};
use workshop_tests::TestCluster;
use workshop_tests::batch::Batch;
use workshop_tests::errors::{
    FENCED_LEADER_EPOCH, NOT_LEADER_OR_FOLLOWER, OFFSET_OUT_OF_RANGE, UNKNOWN_LEADER_EPOCH,
    UNKNOWN_TOPIC_OR_PARTITION,
};
use workshop_tests::raw::RawClient;
use workshop_tests::requests::{fetch, list_offsets, metadata, produce, topic_name};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const GREATEST_TIMESTAMP: i64 = -3;

/// A topic of one partition that keeps records of 1970, whenever someone looks for old ones.
fn kept_topic(cluster: &TestCluster) -> String {
    cluster.create_topic_with(1, 3, &[("retention.ms", "-1")])
}

/// A topic of one partition with records at the times 1000, 3000 and 2000 ms.
async fn three_records() -> (TestCluster, String, RawClient) {
    let cluster = TestCluster::start().await;
    let topic = kept_topic(&cluster);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    for timestamp in [1_000, 3_000, 2_000] {
        leader.call(9, &produce(&topic, 0, -1, Batch::at(&["a"], timestamp).encode()));
    }
    (cluster, topic, leader)
}

/// (error, timestamp, offset) of one ListOffsets.
fn listed(client: &mut RawClient, version: i16, topic: &str, timestamp: i64) -> (i16, i64, i64) {
    let answer = client.call(version, &list_offsets(topic, 0, timestamp));
    let partition = &answer.topics[0].partitions[0];
    (partition.error_code, partition.timestamp, partition.offset)
}

#[tokio::test]
async fn every_version_lists_the_earliest_and_the_latest_offset() {
    let (_cluster, topic, mut leader) = three_records().await;
    for version in 1..=7 {
        assert_eq!(listed(&mut leader, version, &topic, EARLIEST), (0, -1, 0));
        assert_eq!(listed(&mut leader, version, &topic, LATEST), (0, -1, 3));
    }
}

#[tokio::test]
async fn a_time_finds_the_first_record_at_or_after_it() {
    let (_cluster, topic, mut leader) = three_records().await;
    let mut at = |timestamp| listed(&mut leader, 5, &topic, timestamp);
    assert_eq!(at(0), (0, 1_000, 0));
    assert_eq!(at(1_000), (0, 1_000, 0));
    assert_eq!(at(1_001), (0, 3_000, 1), "the first in the log, not the nearest in time");
    assert_eq!(at(3_000), (0, 3_000, 1));
    assert_eq!(at(3_001), (0, -1, -1), "later than all");
}

#[tokio::test]
async fn a_time_is_found_inside_a_batch() {
    let cluster = TestCluster::start().await;
    let topic = kept_topic(&cluster);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let batch = Batch::at(&["a"], 1_000).and("b", 2_000).and("c", 3_000);
    leader.call(9, &produce(&topic, 0, -1, batch.encode()));
    assert_eq!(listed(&mut leader, 5, &topic, 1_500), (0, 2_000, 1));
}

#[tokio::test]
async fn the_greatest_timestamp_is_found_from_version_7_on() {
    let (_cluster, topic, mut leader) = three_records().await;
    assert_eq!(listed(&mut leader, 7, &topic, GREATEST_TIMESTAMP), (0, 3_000, 1));
}

#[tokio::test]
async fn an_empty_partition_has_no_greatest_timestamp() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut leader = cluster.connect_to_leader(&topic, 0);
    assert_eq!(listed(&mut leader, 7, &topic, GREATEST_TIMESTAMP), (0, -1, -1));
    assert_eq!(listed(&mut leader, 7, &topic, EARLIEST), (0, -1, 0));
    assert_eq!(listed(&mut leader, 7, &topic, LATEST), (0, -1, 0));
}

#[tokio::test]
async fn list_offsets_is_answered_by_the_leader_alone() {
    let (cluster, topic, mut leader) = three_records().await;
    let mut follower = cluster.connect_to_follower(&topic, 0);
    assert_eq!(listed(&mut follower, 5, &topic, LATEST).0, NOT_LEADER_OR_FOLLOWER);
    let unknown = cluster.topic_name();
    let (error, _, offset) = listed(&mut leader, 5, &unknown, LATEST);
    assert_eq!((error, offset), (UNKNOWN_TOPIC_OR_PARTITION, -1));
}

#[tokio::test]
async fn list_offsets_checks_the_leader_epoch() {
    let (_cluster, topic, mut leader) = three_records().await;
    let mut ask = |epoch: i32| {
        let mut request = list_offsets(&topic, 0, LATEST);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        let answer = leader.call(5, &request);
        let partition = &answer.topics[0].partitions[0];
        (partition.error_code, partition.leader_epoch)
    };
    assert_eq!(ask(0), (0, 0));
    assert_eq!(ask(1).0, UNKNOWN_LEADER_EPOCH);
    assert_eq!(ask(-2).0, FENCED_LEADER_EPOCH);
}

fn epoch_end(topic: &str, current: i32, asked: i32) -> OffsetForLeaderEpochRequest {
    let partition = OffsetForLeaderPartition::default()
        .with_partition(0)
        .with_current_leader_epoch(current)
        .with_leader_epoch(asked);
    let topic = OffsetForLeaderTopic::default()
        .with_topic(topic_name(topic))
        .with_partitions(vec![partition]);
    OffsetForLeaderEpochRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic])
}

#[tokio::test]
async fn the_end_of_the_leaders_epoch_is_the_end_of_the_log() {
    let (_cluster, topic, mut leader) = three_records().await;
    let epoch = leader.call(12, &metadata(&[&topic])).topics[0].partitions[0].leader_epoch;
    for version in 2..=4 {
        let request = if version < 3 {
            epoch_end(&topic, epoch, epoch).with_replica_id(BrokerId(-2))
        } else {
            epoch_end(&topic, epoch, epoch)
        };
        let answer = leader.call(version, &request);
        let partition = &answer.topics[0].partitions[0];
        assert_eq!(partition.error_code, 0);
        assert_eq!((partition.leader_epoch, partition.end_offset), (epoch, 3));
    }
}

#[tokio::test]
async fn an_epoch_that_never_was_has_no_end() {
    let (_cluster, topic, mut leader) = three_records().await;
    let answer = leader.call(4, &epoch_end(&topic, -1, 5));
    let partition = &answer.topics[0].partitions[0];
    assert_eq!(partition.error_code, 0);
    assert_eq!((partition.leader_epoch, partition.end_offset), (-1, -1));
}

#[tokio::test]
async fn offset_for_leader_epoch_checks_the_current_epoch() {
    let (cluster, topic, mut leader) = three_records().await;
    let error = |client: &mut RawClient, topic: &str, current| {
        client.call(4, &epoch_end(topic, current, 0)).topics[0].partitions[0].error_code
    };
    assert_eq!(error(&mut leader, &topic, 1), UNKNOWN_LEADER_EPOCH);
    assert_eq!(error(&mut leader, &topic, -2), FENCED_LEADER_EPOCH);
    assert_eq!(error(&mut leader, &cluster.topic_name(), 0), UNKNOWN_TOPIC_OR_PARTITION);
    let mut follower = cluster.connect_to_follower(&topic, 0);
    assert_eq!(error(&mut follower, &topic, 0), NOT_LEADER_OR_FOLLOWER);
}

/// (error, low watermark) of one DeleteRecords.
fn delete_before(client: &mut RawClient, version: i16, topic: &str, offset: i64) -> (i16, i64) {
    let partition = DeleteRecordsPartition::default().with_partition_index(0).with_offset(offset);
    let topic =
        DeleteRecordsTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(5_000);
    let answer = client.call(version, &request);
    let partition = &answer.topics[0].partitions[0];
    (partition.error_code, partition.low_watermark)
}

#[tokio::test]
async fn deleted_records_are_out_of_range() {
    let (_cluster, topic, mut leader) = three_records().await;
    assert_eq!(delete_before(&mut leader, 2, &topic, 2), (0, 2));
    assert_eq!(listed(&mut leader, 5, &topic, EARLIEST), (0, -1, 2));
    assert_eq!(listed(&mut leader, 5, &topic, 0), (0, 2_000, 2), "times find what is left");
    let answer = leader.call(11, &fetch(&topic, 0, 1));
    assert_eq!(answer.responses[0].partitions[0].error_code, OFFSET_OUT_OF_RANGE);
    let answer = leader.call(11, &fetch(&topic, 0, 2));
    assert_eq!(answer.responses[0].partitions[0].log_start_offset, 2);
    // To delete again what is gone already changes nothing.
    assert_eq!(delete_before(&mut leader, 1, &topic, 1), (0, 2));
    assert_eq!(delete_before(&mut leader, 0, &topic, -1), (0, 3), "−1 is the high watermark");
}

#[tokio::test]
async fn records_beyond_the_high_watermark_cannot_be_deleted() {
    let (_cluster, topic, mut leader) = three_records().await;
    assert_eq!(delete_before(&mut leader, 2, &topic, 4), (OFFSET_OUT_OF_RANGE, -1));
    assert_eq!(delete_before(&mut leader, 2, &topic, -2), (OFFSET_OUT_OF_RANGE, -1));
    assert_eq!(listed(&mut leader, 5, &topic, EARLIEST), (0, -1, 0));
}

#[tokio::test]
async fn delete_records_is_answered_by_the_leader_alone() {
    let (cluster, topic, mut leader) = three_records().await;
    let mut follower = cluster.connect_to_follower(&topic, 0);
    assert_eq!(delete_before(&mut follower, 2, &topic, 1), (NOT_LEADER_OR_FOLLOWER, -1));
    let unknown = cluster.topic_name();
    assert_eq!(delete_before(&mut leader, 2, &unknown, 1), (UNKNOWN_TOPIC_OR_PARTITION, -1));
}
