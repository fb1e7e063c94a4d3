//! What readers of committed records are answered, and readers of everything beside them.

use std::sync::Arc;

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{
    BrokerId, DescribeProducersRequest, FetchRequest, FetchResponse, ListOffsetsRequest,
};
use kafka_protocol::protocol::Request;

use super::*;
use crate::Cluster;
use crate::log::BatchBuilder;
use crate::metadata::{NewTopic, Partition};

const TOPIC: &str = "bookings";
const EVERYTHING: i8 = 0;
const COMMITTED: i8 = 1;

/// A cluster of one node with a topic of one partition.
struct Fixture {
    _cluster: Cluster,
    state: Arc<State>,
    partition: Arc<Partition>,
}

impl Fixture {
    async fn new() -> Self {
        let cluster = Cluster::builder().start().await.unwrap();
        let state = Arc::clone(cluster.state());
        let topic = NewTopic {
            name: TOPIC.into(),
            partitions: Some(1),
            replication_factor: Some(1),
            assignments: Vec::new(),
            config: Default::default(),
        };
        state.metadata.create_topic(topic, false).unwrap();
        let partition = state.metadata.partition(TOPIC, 0).unwrap();
        Self { _cluster: cluster, state, partition }
    }

    /// Appends one record of a producer's transaction.
    fn append(&self, producer_id: i64, timestamp: Timestamp) {
        let mut batch = BatchBuilder::transactional(timestamp, producer_id, 0);
        batch.push(None, Some(b"seat 12A"));
        self.partition.append(1, -1, &batch.build().unwrap(), timestamp).unwrap();
    }

    fn end(&self, producer_id: i64, commit: bool, timestamp: Timestamp) {
        self.partition.append_marker(producer_id, 0, commit, 0, timestamp).unwrap();
    }

    async fn call<R: Request>(&self, version: i16, request: &R) -> R::Response {
        let api = ApiKey::try_from(R::KEY).unwrap();
        let mut frame = bytes::BytesMut::new();
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_client_id(Some(StrBytes::from_static_str("test")));
        header.encode(&mut frame, api.request_header_version(version)).unwrap();
        request.encode(&mut frame, version).unwrap();
        let peer = Peer { node: 1, address: "127.0.0.1:1".parse().unwrap() };
        let Answer::Response(rope) = answer(frame.freeze(), &peer, &self.state).await else {
            panic!("{api:?} is answered");
        };
        let mut written = Vec::new();
        rope.write_as_frame(&mut written).await.unwrap();
        let mut written = Bytes::from(written).slice(4..);
        let header_version = R::Response::header_version(version);
        ResponseHeader::decode(&mut written, header_version).unwrap();
        R::Response::decode(&mut written, version).unwrap()
    }

    async fn fetch(&self, isolation_level: i8, offset: i64, max_bytes: i32) -> PartitionData {
        let response = self.call(11, &fetch(isolation_level, offset, max_bytes, 0)).await;
        partition_of(response)
    }

    /// Offset and timestamp that ListOffsets answers with.
    async fn list_offsets(&self, isolation_level: i8, timestamp: i64) -> (i64, i64) {
        let partition =
            ListOffsetsPartition::default().with_current_leader_epoch(-1).with_timestamp(timestamp);
        let topic = ListOffsetsTopic::default()
            .with_name(topic_name(TOPIC))
            .with_partitions(vec![partition]);
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_isolation_level(isolation_level)
            .with_topics(vec![topic]);
        let response = self.call(7, &request).await;
        let partition = &response.topics[0].partitions[0];
        assert_eq!(partition.error_code, 0);
        (partition.offset, partition.timestamp)
    }
}

fn fetch(isolation_level: i8, offset: i64, max_bytes: i32, max_wait_ms: i32) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_current_leader_epoch(-1)
        .with_fetch_offset(offset)
        .with_partition_max_bytes(max_bytes);
    let topic =
        FetchTopic::default().with_topic(topic_name(TOPIC)).with_partitions(vec![partition]);
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_isolation_level(isolation_level)
        .with_max_wait_ms(max_wait_ms)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

fn partition_of(mut response: FetchResponse) -> PartitionData {
    response.responses.remove(0).partitions.remove(0)
}

/// The base offsets of the batches that were fetched.
fn offsets(data: &PartitionData) -> Vec<i64> {
    let mut offsets = Vec::new();
    let mut batches = &data.records.as_ref().unwrap()[..];
    while let Ok(header) = crate::log::BatchHeader::parse(batches) {
        offsets.push(header.base_offset);
        batches = &batches[header.size()..];
    }
    offsets
}

/// Producer and first offset of what the answer names as aborted.
fn aborted(data: &PartitionData) -> Option<Vec<(i64, i64)>> {
    let aborted = data.aborted_transactions.as_ref()?;
    Some(aborted.iter().map(|one| (one.producer_id.0, one.first_offset)).collect())
}

#[tokio::test]
async fn an_open_transaction_holds_back_readers_of_committed_records_only() {
    let fixture = Fixture::new().await;
    fixture.append(5, 1_000);
    fixture.end(5, true, 2_000);
    fixture.append(6, 3_000);
    for (isolation_level, readable, named) in
        [(EVERYTHING, &[0, 1, 2][..], None), (COMMITTED, &[0, 1], Some(vec![]))]
    {
        let data = fixture.fetch(isolation_level, 0, 1 << 20).await;
        assert_eq!(offsets(&data), readable);
        assert_eq!((data.high_watermark, data.last_stable_offset), (3, 2));
        assert_eq!(aborted(&data), named);
    }
    let behind = fixture.fetch(COMMITTED, 3, 1 << 20).await;
    assert_eq!((behind.error_code, offsets(&behind)), (0, vec![]));
}

#[tokio::test]
async fn aborted_transactions_are_named_where_they_overlap_what_is_returned() {
    let fixture = Fixture::new().await;
    fixture.append(5, 1_000);
    fixture.append(6, 1_000);
    fixture.end(6, false, 1_000);
    fixture.end(5, false, 1_000);
    let all = fixture.fetch(COMMITTED, 0, 1 << 20).await;
    assert_eq!(aborted(&all), Some(vec![(6, 1), (5, 0)]));
    assert_eq!(all.last_stable_offset, 4);
    let first = fixture.fetch(COMMITTED, 0, 1).await;
    assert_eq!((offsets(&first), aborted(&first)), (vec![0], Some(vec![(5, 0)])));
    let last = fixture.fetch(COMMITTED, 3, 1 << 20).await;
    assert_eq!((offsets(&last), aborted(&last)), (vec![3], Some(vec![(5, 0)])));
    let end = fixture.fetch(COMMITTED, 4, 1 << 20).await;
    assert_eq!(aborted(&end), Some(vec![]));
    assert_eq!(aborted(&fixture.fetch(EVERYTHING, 0, 1 << 20).await), None);
}

#[tokio::test]
async fn a_marker_wakes_who_waits_for_committed_records() {
    let fixture = Fixture::new().await;
    fixture.append(5, 1_000);
    let request = fetch(COMMITTED, 0, 1 << 20, 60_000);
    let ending = async {
        // Records of other transactions are no reason to wake up for good.
        fixture.append(6, 1_000);
        fixture.end(5, true, 1_000);
    };
    let (response, ()) = tokio::join!(fixture.call(11, &request), ending);
    let data = partition_of(response);
    assert_eq!(offsets(&data), [0]);
    assert_eq!((data.high_watermark, data.last_stable_offset), (3, 1));
}

#[tokio::test]
async fn for_readers_of_committed_records_the_log_ends_at_the_last_stable_offset() {
    let fixture = Fixture::new().await;
    fixture.append(5, 1_000);
    fixture.end(5, true, 2_000);
    fixture.append(6, 3_000);
    let (latest, earliest, max_timestamp) = (-1, -2, -3);
    for (timestamp, everything, committed) in [
        (latest, (3, -1), (2, -1)),
        (earliest, (0, -1), (0, -1)),
        (max_timestamp, (2, 3_000), (-1, -1)),
        (1_500, (1, 2_000), (1, 2_000)),
        (2_500, (2, 3_000), (-1, -1)),
    ] {
        let found = fixture.list_offsets(EVERYTHING, timestamp).await;
        assert_eq!(found, everything, "everything, {timestamp}");
        let found = fixture.list_offsets(COMMITTED, timestamp).await;
        assert_eq!(found, committed, "committed, {timestamp}");
    }
}

#[tokio::test]
async fn producers_are_described_with_their_open_transaction() {
    let fixture = Fixture::new().await;
    fixture.append(5, 1_000);
    fixture.append(6, 3_000);
    fixture.end(5, true, 2_000);
    let topic = |name, indexes| {
        TopicRequest::default().with_name(topic_name(name)).with_partition_indexes(indexes)
    };
    let request = DescribeProducersRequest::default()
        .with_topics(vec![topic(TOPIC, vec![0, 9]), topic("no such topic", vec![0])]);
    let response = fixture.call(0, &request).await;
    let [known, unknown] = &response.topics[0].partitions[..] else {
        panic!("both partitions are answered");
    };
    let described: Vec<_> = known
        .active_producers
        .iter()
        .map(|one| (one.producer_id.0, one.coordinator_epoch, one.current_txn_start_offset))
        .collect();
    assert_eq!(described, [(5, 0, -1), (6, -1, 1)]);
    let times: Vec<_> = known.active_producers.iter().map(|one| one.last_timestamp).collect();
    assert_eq!(times, [2_000, 3_000]);
    let no_partition = ResponseError::UnknownTopicOrPartition.code();
    assert_eq!((unknown.error_code, &unknown.error_message), (no_partition, &None));
    let no_topic = &response.topics[1].partitions[0];
    assert_eq!(no_topic.error_code, no_partition);
    assert!(no_topic.error_message.is_some(), "as Kafka has it for a topic, not for a partition");
}
