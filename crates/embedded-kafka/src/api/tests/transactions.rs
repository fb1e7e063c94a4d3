//! The responses to readers of committed records, next to those of readers of everything.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::DescribeProducersRequest;
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::fetch_response::PartitionData;

use super::partition::{EVERYTHING, Fixture, TOPIC, fetch, offsets, partition_of};
use crate::api::wire::topic_name;
use crate::log::BatchBuilder;
use crate::time::Timestamp;

const COMMITTED: i8 = 1;

impl Fixture {
    /// Appends one record of a producer's transaction.
    fn append(&self, producer_id: i64, timestamp: Timestamp) {
        let mut batch = BatchBuilder::transactional(timestamp, producer_id, 0);
        batch.push(None, Some(b"seat 12A"));
        self.partition.append(1, -1, &batch.build().unwrap(), timestamp).unwrap();
    }

    fn end(&self, producer_id: i64, commit: bool, timestamp: Timestamp) {
        self.partition.append_marker(producer_id, 0, commit, 0, timestamp).unwrap();
    }
}

/// Returns producer and first offset of the aborted transactions in a response.
fn aborted(data: &PartitionData) -> Option<Vec<(i64, i64)>> {
    let aborted = data.aborted_transactions.as_ref()?;
    Some(aborted.iter().map(|one| (one.producer_id.0, one.first_offset)).collect())
}

#[tokio::test]
async fn an_open_transaction_holds_back_readers_of_committed_records_only() {
    let fixture = Fixture::new(&[]).await;
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
    let fixture = Fixture::new(&[]).await;
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
async fn a_marker_wakes_readers_of_committed_records() {
    let fixture = Fixture::new(&[]).await;
    fixture.append(5, 1_000);
    let request = fetch(COMMITTED, 0, 1 << 20, 60_000);
    let ending = async {
        // Records of other transactions do not end the wait.
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
    let fixture = Fixture::new(&[]).await;
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
    let fixture = Fixture::new(&[]).await;
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
        panic!("both partitions have a response");
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
