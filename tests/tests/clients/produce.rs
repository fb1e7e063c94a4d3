//! Producing with librdkafka: what a record may hold, and what the log makes of it.

use std::time::Duration;

use rdkafka::Message;
use rdkafka::Timestamp;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{Header, Headers, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use workshop_tests::batch::now;
use workshop_tests::{DEADLINE, TestCluster, eventually};

/// Reads the first `count` records of a topic's partition 0.
fn read(cluster: &TestCluster, topic: &str, count: usize) -> Vec<OwnedMessage> {
    let consumer: BaseConsumer = cluster.consumer(&cluster.group_name(), &[]);
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(topic, 0, Offset::Beginning).expect("a valid offset");
    consumer.assign(&assignment).expect("assigned");
    let mut messages = Vec::new();
    eventually("all records are read", || {
        while let Some(message) = consumer.poll(Duration::from_millis(100)) {
            messages.push(message.expect("a record").detach());
            if messages.len() == count {
                return Some(());
            }
        }
        None
    });
    messages
}

/// Sends one record to partition 0; returns its offset or why it was refused.
async fn send(
    producer: &FutureProducer,
    record: FutureRecord<'_, str, [u8]>,
) -> Result<i64, RDKafkaErrorCode> {
    match producer.send(record.partition(0), DEADLINE).await {
        Ok(delivered) => Ok(delivered.offset),
        Err((error, _)) => Err(error.rdkafka_error_code().expect("a code")),
    }
}

#[tokio::test]
async fn key_value_timestamp_and_offset_come_back() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = cluster.producer(&[]);
    let record = FutureRecord::to(&topic).key("key").payload(b"value".as_slice()).timestamp(1_234);
    assert_eq!(send(&producer, record).await, Ok(0));
    let read = &read(&cluster, &topic, 1)[0];
    assert_eq!((read.key(), read.payload()), (Some(&b"key"[..]), Some(&b"value"[..])));
    assert_eq!(read.timestamp(), Timestamp::CreateTime(1_234));
    assert_eq!((read.topic(), read.partition(), read.offset()), (&*topic, 0, 0));
}

#[tokio::test]
async fn null_and_empty_are_not_the_same() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = cluster.producer(&[]);
    let null = FutureRecord::<str, [u8]>::to(&topic);
    let empty = FutureRecord::<str, [u8]>::to(&topic).key("").payload(&[]);
    assert_eq!(send(&producer, null).await, Ok(0));
    assert_eq!(send(&producer, empty).await, Ok(1));
    let read = read(&cluster, &topic, 2);
    assert_eq!((read[0].key(), read[0].payload()), (None, None));
    assert_eq!((read[1].key(), read[1].payload()), (Some(&[][..]), Some(&[][..])));
}

#[tokio::test]
async fn headers_keep_their_order_duplicates_and_nulls() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let header = |key, value| Header { key, value };
    let headers = OwnedHeaders::new()
        .insert(header("trace", Some("1")))
        .insert(header("other", None::<&str>))
        .insert(header("trace", Some("2")))
        .insert(header("empty", Some("")));
    let record = FutureRecord::to(&topic).payload(&b"v"[..]).headers(headers);
    assert_eq!(send(&cluster.producer(&[]), record).await, Ok(0));
    let read = read(&cluster, &topic, 1);
    let found: Vec<_> =
        read[0].headers().expect("headers").iter().map(|it| (it.key, it.value)).collect();
    let expected: [(&str, Option<&[u8]>); 4] =
        [("trace", Some(b"1")), ("other", None), ("trace", Some(b"2")), ("empty", Some(b""))];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn every_acks_setting_delivers() {
    let cluster = TestCluster::start().await;
    for acks in ["0", "1", "all"] {
        let topic = cluster.create_topic(1);
        let producer = cluster.producer(&[("acks", acks)]);
        for _ in 0..3 {
            let sent = send(&producer, FutureRecord::to(&topic).payload(&b"v"[..])).await;
            assert!(sent.is_ok(), "acks={acks}: {sent:?}");
        }
        let offsets: Vec<_> = read(&cluster, &topic, 3).iter().map(Message::offset).collect();
        assert_eq!(offsets, [0, 1, 2], "acks={acks}");
    }
}

#[tokio::test]
async fn every_codec_is_read_back() {
    let cluster = TestCluster::start().await;
    for codec in ["none", "gzip", "snappy", "lz4"] {
        let topic = cluster.create_topic(1);
        let producer = cluster.producer(&[("compression.type", codec), ("linger.ms", "20")]);
        let values: Vec<_> = (0..100).map(|it| format!("{it}-{}", "x".repeat(200))).collect();
        let sent: Vec<_> = values
            .iter()
            .map(|it| FutureRecord::<str, str>::to(&topic).partition(0).payload(it))
            .map(|it| producer.send_result(it).map_err(|(error, _)| error).expect("queued"))
            .collect();
        for delivery in sent {
            delivery.await.expect("not cancelled").expect("delivered");
        }
        let read = read(&cluster, &topic, 100);
        for (index, (read, value)) in read.iter().zip(&values).enumerate() {
            assert_eq!(read.offset(), index as i64, "{codec}");
            assert_eq!(read.payload(), Some(value.as_bytes()), "{codec}");
        }
    }
}

#[tokio::test]
async fn a_topic_with_a_codec_of_its_own_compresses_what_comes_plain() {
    let cluster = TestCluster::start().await;
    for (codec, bits) in [("gzip", 1), ("snappy", 2), ("lz4", 3), ("uncompressed", 0)] {
        let topic = cluster.create_topic_with(1, 3, &[("compression.type", codec)]);
        let producer = cluster.producer(&[("compression.type", "gzip")]);
        let payload = "x".repeat(5_000);
        let record = FutureRecord::to(&topic).payload(payload.as_bytes());
        assert_eq!(send(&producer, record).await, Ok(0), "{codec}");
        let mut leader = cluster.connect_to_leader(&topic, 0);
        let answer = leader.call(11, &workshop_tests::requests::fetch(&topic, 0, 0));
        let records = answer.responses[0].partitions[0].records.clone().expect("some");
        assert_eq!(records[22] & 7, bits, "{codec}");
        assert_eq!(read(&cluster, &topic, 1)[0].payload(), Some(payload.as_bytes()));
    }
}

#[tokio::test]
async fn a_message_above_the_topics_limit_is_too_large() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("max.message.bytes", "1000")]);
    let producer = cluster.producer(&[]);
    let large = FutureRecord::to(&topic).payload(&[b'x'; 1_000][..]);
    assert_eq!(send(&producer, large).await, Err(RDKafkaErrorCode::MessageSizeTooLarge));
    let small = FutureRecord::to(&topic).payload(&[b'x'; 500][..]);
    assert_eq!(send(&producer, small).await, Ok(0), "the producer goes on");
}

#[tokio::test]
async fn a_compacted_topic_needs_keys() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("cleanup.policy", "compact")]);
    let producer = cluster.producer(&[]);
    let without = FutureRecord::to(&topic).payload(&b"v"[..]);
    assert_eq!(send(&producer, without).await, Err(RDKafkaErrorCode::InvalidRecord));
    let with = FutureRecord::to(&topic).key("k").payload(&b"v"[..]);
    assert_eq!(send(&producer, with).await, Ok(0));
    let tombstone = FutureRecord::<str, [u8]>::to(&topic).key("k");
    assert_eq!(send(&producer, tombstone).await, Ok(1), "a null value deletes");
}

#[tokio::test]
async fn the_broker_stamps_records_where_the_topic_says_so() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("message.timestamp.type", "LogAppendTime")]);
    let before = now();
    let record = FutureRecord::to(&topic).payload(&b"v"[..]).timestamp(1_234);
    assert_eq!(send(&cluster.producer(&[]), record).await, Ok(0));
    match read(&cluster, &topic, 1)[0].timestamp() {
        Timestamp::LogAppendTime(time) => assert!((before..=now()).contains(&time)),
        other => panic!("not stamped by the broker: {other:?}"),
    }
}

#[tokio::test]
async fn a_create_time_out_of_range_is_refused() {
    let cluster = TestCluster::start().await;
    let limits =
        [("message.timestamp.before.max.ms", "60000"), ("message.timestamp.after.max.ms", "60000")];
    let topic = cluster.create_topic_with(1, 3, &limits);
    let producer = cluster.producer(&[]);
    for timestamp in [now() - 3_600_000, now() + 3_600_000] {
        let record = FutureRecord::to(&topic).payload(&b"v"[..]).timestamp(timestamp);
        assert_eq!(send(&producer, record).await, Err(RDKafkaErrorCode::InvalidTimestamp));
    }
    assert_eq!(send(&producer, FutureRecord::to(&topic).payload(&b"v"[..])).await, Ok(0));
}

#[tokio::test]
async fn an_idempotent_producer_keeps_order_without_gaps() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = cluster.producer(&[("enable.idempotence", "true"), ("linger.ms", "5")]);
    let values: Vec<_> = (0..2_000).map(|it| it.to_string()).collect();
    let sent: Vec<_> = values
        .iter()
        .map(|it| FutureRecord::<str, str>::to(&topic).partition(0).payload(it))
        .map(|it| producer.send_result(it).map_err(|(error, _)| error).expect("queued"))
        .collect();
    for (index, delivery) in sent.into_iter().enumerate() {
        let delivered = delivery.await.expect("not cancelled").expect("delivered");
        assert_eq!(delivered.offset, index as i64);
    }
    let read = read(&cluster, &topic, values.len());
    assert!(read.iter().zip(&values).all(|(read, it)| read.payload() == Some(it.as_bytes())));
}

#[tokio::test]
async fn big_batches_and_big_messages_come_back_whole() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = cluster.producer(&[("linger.ms", "20")]);
    let large: Vec<u8> = (0..900_000_u32).map(|it| it as u8).collect();
    let sent: Vec<_> = (0..8)
        .map(|_| FutureRecord::<str, [u8]>::to(&topic).partition(0).payload(&large))
        .map(|it| producer.send_result(it).map_err(|(error, _)| error).expect("queued"))
        .collect();
    for delivery in sent {
        delivery.await.expect("not cancelled").expect("delivered");
    }
    let read = read(&cluster, &topic, 8);
    assert!(read.iter().all(|it| it.payload() == Some(&large)));
}

#[tokio::test]
async fn the_same_key_goes_to_the_same_partition() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(6);
    let producer = cluster.producer(&[]);
    for key in ["a", "b", "c", "d"] {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..3 {
            let record = FutureRecord::to(&topic).key(key).payload("v");
            seen.insert(producer.send(record, DEADLINE).await.expect("delivered").partition);
        }
        assert_eq!(seen.len(), 1, "{key}");
    }
}
