//! Consuming with librdkafka, without a group's rebalances: positions, offsets and waiting.

use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::admin::AdminOptions;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::FutureRecord;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use workshop_tests::batch::Batch;
use workshop_tests::requests::{produce, produced};
use workshop_tests::{DEADLINE, TestCluster, eventually};

/// Appends records at these times to partition 0, each in a batch of its own.
fn append(cluster: &TestCluster, topic: &str, timestamps: &[i64]) {
    let mut leader = cluster.connect_to_leader(topic, 0);
    for timestamp in timestamps {
        let batch = Batch::at(&[&timestamp.to_string()], *timestamp).encode();
        let answer = leader.call(9, &produce(topic, 0, -1, batch));
        assert_eq!(produced(&answer).error_code, 0);
    }
}

/// A topic of one partition with records at the times 1000, 2000 and 3000 ms.
async fn three_records() -> (TestCluster, String) {
    let cluster = TestCluster::start().await;
    // Records of 1970 are kept, whenever someone looks for old ones.
    let topic = cluster.create_topic_with(1, 3, &[("retention.ms", "-1")]);
    append(&cluster, &topic, &[1_000, 2_000, 3_000]);
    (cluster, topic)
}

fn at(topic: &str, offset: Offset) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, offset).expect("a valid offset");
    list
}

fn assigned(
    cluster: &TestCluster,
    topic: &str,
    offset: Offset,
    more: &[(&str, &str)],
) -> BaseConsumer {
    let consumer = cluster.consumer(&cluster.group_name(), more);
    consumer.assign(&at(topic, offset)).expect("assigned");
    consumer
}

/// The next event that is no timeout: an offset, or an error.
fn next(consumer: &BaseConsumer) -> Result<i64, KafkaError> {
    eventually("something arrives", || consumer.poll(Duration::from_millis(100)))
        .map(|message| message.offset())
}

#[tokio::test]
async fn an_assigned_consumer_starts_at_its_explicit_offset() {
    let (cluster, topic) = three_records().await;
    for (offset, first) in
        [(Offset::Beginning, 0), (Offset::Offset(1), 1), (Offset::OffsetTail(1), 2)]
    {
        assert_eq!(next(&assigned(&cluster, &topic, offset, &[])), Ok(first), "{offset:?}");
    }
}

#[tokio::test]
async fn the_end_of_a_partition_is_an_event() {
    let (cluster, topic) = three_records().await;
    let settings = [("enable.partition.eof", "true")];
    let consumer = assigned(&cluster, &topic, Offset::Offset(2), &settings);
    assert_eq!(next(&consumer), Ok(2));
    assert_eq!(next(&consumer), Err(KafkaError::PartitionEOF(0)));
}

#[tokio::test]
async fn seek_goes_back_and_forward() {
    let (cluster, topic) = three_records().await;
    let consumer = assigned(&cluster, &topic, Offset::Beginning, &[]);
    assert_eq!(next(&consumer), Ok(0));
    for offset in [2, 0, 1] {
        consumer.seek(&topic, 0, Offset::Offset(offset), DEADLINE).expect("sought");
        assert_eq!(next(&consumer), Ok(offset));
    }
}

#[tokio::test]
async fn a_paused_partition_yields_nothing_until_it_resumes() {
    let (cluster, topic) = three_records().await;
    let consumer = assigned(&cluster, &topic, Offset::Beginning, &[]);
    assert_eq!(next(&consumer), Ok(0));
    consumer.pause(&at(&topic, Offset::Invalid)).expect("paused");
    assert!(consumer.poll(Duration::from_millis(200)).is_none());
    consumer.resume(&at(&topic, Offset::Invalid)).expect("resumed");
    assert_eq!(next(&consumer), Ok(1));
}

#[tokio::test]
async fn offsets_are_found_by_time() {
    let (cluster, topic) = three_records().await;
    let consumer = cluster.consumer(&cluster.group_name(), &[]);
    for (time, expected) in [
        (0, Offset::Offset(0)),
        (1_001, Offset::Offset(1)),
        (3_000, Offset::Offset(2)),
        (3_001, Offset::End),
    ] {
        let asked = at(&topic, Offset::Offset(time));
        let found = consumer.offsets_for_times(asked, DEADLINE).expect("an answer");
        assert_eq!(found.elements()[0].offset(), expected, "{time} ms");
    }
}

#[tokio::test]
async fn watermarks_move_with_appends_and_deletions() {
    let (cluster, topic) = three_records().await;
    let consumer = cluster.consumer(&cluster.group_name(), &[]);
    assert_eq!(consumer.fetch_watermarks(&topic, 0, DEADLINE), Ok((0, 3)));
    append(&cluster, &topic, &[4_000]);
    assert_eq!(consumer.fetch_watermarks(&topic, 0, DEADLINE), Ok((0, 4)));
    let before = at(&topic, Offset::Offset(2));
    let deleted = cluster.admin().delete_records(&before, &AdminOptions::new()).await;
    let deleted = deleted.expect("an answer");
    assert_eq!(deleted.elements()[0].error(), Ok(()));
    assert_eq!(deleted.elements()[0].offset(), Offset::Offset(2), "the new low watermark");
    assert_eq!(consumer.fetch_watermarks(&topic, 0, DEADLINE), Ok((2, 4)));
    assert_eq!(next(&assigned(&cluster, &topic, Offset::Beginning, &[])), Ok(2));
}

#[tokio::test]
async fn all_records_can_be_deleted_but_none_beyond_the_end() {
    let (cluster, topic) = three_records().await;
    let admin = cluster.admin();
    let beyond = admin.delete_records(&at(&topic, Offset::Offset(4)), &AdminOptions::new()).await;
    let error = beyond.expect("an answer").elements()[0].error();
    let code = error.expect_err("out of range").rdkafka_error_code();
    assert_eq!(code, Some(RDKafkaErrorCode::OffsetOutOfRange));
    let all = admin.delete_records(&at(&topic, Offset::End), &AdminOptions::new()).await;
    assert_eq!(all.expect("an answer").elements()[0].offset(), Offset::Offset(3));
}

#[tokio::test]
async fn auto_offset_reset_says_what_happens_outside_of_the_log() {
    let (cluster, topic) = three_records().await;
    let read = |reset| {
        let settings = [("auto.offset.reset", reset), ("enable.partition.eof", "true")];
        next(&assigned(&cluster, &topic, Offset::Offset(1_000), &settings))
    };
    assert_eq!(read("earliest"), Ok(0));
    assert_eq!(read("latest"), Err(KafkaError::PartitionEOF(0)));
    let refused = read("error").expect_err("an error").rdkafka_error_code();
    assert_eq!(refused, Some(RDKafkaErrorCode::AutoOffsetReset));
}

#[tokio::test]
async fn a_record_reaches_a_waiting_consumer_at_once() {
    let (cluster, topic) = three_records().await;
    let settings = [("fetch.wait.max.ms", "30000"), ("enable.partition.eof", "true")];
    let consumer = assigned(&cluster, &topic, Offset::Offset(3), &settings);
    assert_eq!(next(&consumer), Err(KafkaError::PartitionEOF(0)));
    let producer = cluster.producer(&[]);
    for offset in 3..6 {
        let started = Instant::now();
        let record = FutureRecord::<str, str>::to(&topic).payload("v");
        producer.send(record, DEADLINE).await.expect("delivered");
        let mut found = next(&consumer);
        while found == Err(KafkaError::PartitionEOF(0)) {
            found = next(&consumer);
        }
        assert_eq!(found, Ok(offset));
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_message_larger_than_the_fetch_limit_still_comes() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let payload = "x".repeat(100_000);
    let producer = cluster.producer(&[]);
    for _ in 0..3 {
        let record = FutureRecord::<str, str>::to(&topic).payload(&payload);
        producer.send(record, DEADLINE).await.expect("delivered");
    }
    let limits = [("max.partition.fetch.bytes", "1000"), ("fetch.message.max.bytes", "1000")];
    let consumer = assigned(&cluster, &topic, Offset::Beginning, &limits);
    for offset in 0..3 {
        assert_eq!(next(&consumer), Ok(offset));
    }
}

#[tokio::test]
async fn consumers_of_one_partition_do_not_disturb_each_other() {
    let (cluster, topic) = three_records().await;
    let consumers: Vec<_> =
        (0..5).map(|_| assigned(&cluster, &topic, Offset::Beginning, &[])).collect();
    for offset in 0..3 {
        for consumer in &consumers {
            assert_eq!(next(consumer), Ok(offset));
        }
    }
}

#[tokio::test]
async fn an_unknown_topic_is_an_error_event() {
    let cluster = TestCluster::start().await;
    let topic = cluster.topic_name();
    let consumer = cluster.consumer(&cluster.group_name(), &[]);
    consumer.subscribe(&[&topic]).expect("subscribed");
    let code = next(&consumer).expect_err("an error").rdkafka_error_code();
    assert_eq!(code, Some(RDKafkaErrorCode::UnknownTopicOrPartition));
}
