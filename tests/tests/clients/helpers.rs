//! The helpers against a cluster of three nodes: topics, metadata, publishing and reading.
//!
//! The cluster is known by its bootstrap servers alone. What a helper says where no broker answers
//! is in helpers_unanswered.rs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use helpers::{
    Committed, ConsumerBuilder, CreateOutcome, DeleteOutcome, EndOfPartitions, Error,
    ProducerBuilder, Summary, TopicOptions, commit_stored, create_topic, create_topic_with,
    delete_topic, list_topics, readable, store_processed, topic_metadata,
};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Message, OwnedHeaders, OwnedMessage};
use rdkafka::producer::BaseRecord;
use workshop_tests::{DEADLINE, TestCluster};

fn unique(name: &str) -> String {
    format!("helpers-{name}-{}", uuid::Uuid::new_v4().simple())
}

/// A topic that is deleted when the test is over, also when it fails.
struct Topic {
    brokers: String,
    name: String,
}

impl Topic {
    async fn new(brokers: &str, name: &str, partitions: i32) -> Topic {
        let topic = Topic { brokers: brokers.to_owned(), name: unique(name) };
        let outcome = create_topic(brokers, &topic.name, partitions, 3)
            .await
            .expect("the topic can be created");
        assert_eq!(outcome, CreateOutcome::Created);
        topic
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        let (brokers, name) = (self.brokers.clone(), self.name.clone());
        // A runtime cannot be entered twice on one thread, so the deletion has a thread of its own.
        let deletion = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
            runtime.block_on(delete_topic(&brokers, &name)).map(|_| ())
        });
        if let Ok(Err(error)) = deletion.join() {
            eprintln!("topic {} is left behind: {error}", self.name);
        }
    }
}

/// Reads the topic to its end as a member of `group`, and commits what was read.
async fn read_to_end(brokers: &str, topic: &str, group: &str) -> Vec<OwnedMessage> {
    let builder = ConsumerBuilder::new(brokers, group).enable_partition_eof();
    let consumer = builder.build_polled().await.expect("the cluster answers");
    consumer.subscribe(&[topic]).expect("the topic can be subscribed to");
    let messages = tokio::task::spawn_blocking(move || poll_to_end(&consumer));
    messages.await.expect("the topic has an end")
}

fn poll_to_end(consumer: &BaseConsumer) -> Vec<OwnedMessage> {
    let started = Instant::now();
    let mut end = EndOfPartitions::new();
    let mut messages = Vec::new();
    while !end.all_of(&consumer.assignment().expect("the assignment is known")) {
        assert!(started.elapsed() < DEADLINE, "{} messages and no end", messages.len());
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                end.message_from(message.partition());
                messages.push(message.detach());
                assert!(store_processed(consumer, &message).expect("it can be stored"));
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => end.ended(partition),
            Some(Err(error)) => panic!("{error}"),
            None => {}
        }
    }
    let committed = commit_stored(consumer, CommitMode::Sync).expect("the commit is accepted");
    let expected = if messages.is_empty() { Committed::Nothing } else { Committed::Done };
    assert_eq!(committed, expected);
    messages
}

#[tokio::test]
async fn a_topic_is_listed_from_its_creation_to_its_deletion() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let topic = unique("listed");
    assert!(!list_topics(brokers).await.unwrap().contains(&topic));

    assert_eq!(create_topic(brokers, &topic, 5, 1).await.unwrap(), CreateOutcome::Created);
    assert!(list_topics(brokers).await.unwrap().contains(&topic));
    let again = create_topic(brokers, &topic, 2, 1).await.unwrap();
    assert_eq!(again, CreateOutcome::AlreadyExists);

    assert_eq!(delete_topic(brokers, &topic).await.unwrap(), DeleteOutcome::Deleted);
    assert!(!list_topics(brokers).await.unwrap().contains(&topic));
    let again = delete_topic(brokers, &topic).await.unwrap();
    assert_eq!(again, DeleteOutcome::UnknownTopic);
}

#[tokio::test]
async fn every_partition_of_a_new_topic_has_a_leader() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let topic = Topic::new(brokers, "led", 12).await;
    let described = topic_metadata(brokers, &topic.name).await.unwrap();
    assert_eq!(described.name, topic.name);
    assert_eq!(described.partitions.len(), 12);
    for (id, partition) in (0..).zip(&described.partitions) {
        assert_eq!(partition.id, id);
        assert!(partition.leader.is_some(), "{described}");
        assert_eq!(partition.replicas.len(), 3, "{described}");
        assert_eq!(partition.in_sync_replicas.len(), 3, "{described}");
        let watermarks = partition.watermarks.unwrap();
        assert_eq!((watermarks.low, watermarks.high), (0, 0), "{described}");
    }
}

#[tokio::test]
async fn watermarks_follow_what_was_written() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let topic = Topic::new(brokers, "watermarks", 2).await;
    let producer = helpers::producer(brokers).await.unwrap();
    for _ in 0..7 {
        let record = BaseRecord::<(), str>::to(&topic.name).partition(1).payload("x");
        producer.send(record).unwrap();
    }
    assert_eq!(producer.flush(DEADLINE).unwrap().delivered, 7);

    let described = topic_metadata(brokers, &topic.name).await.unwrap();
    let high: Vec<i64> =
        described.partitions.iter().map(|partition| partition.watermarks.unwrap().high).collect();
    assert_eq!(high, [0, 7], "{described}");
}

#[tokio::test]
async fn an_unknown_topic_is_named_and_the_question_does_not_create_it() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let topic = unique("unknown");
    for _ in 0..3 {
        let error = topic_metadata(brokers, &topic).await.unwrap_err();
        assert!(matches!(error, Error::UnknownTopic { .. }), "{error}");
        assert!(error.to_string().contains(&topic), "{error}");
    }
    assert!(!list_topics(brokers).await.unwrap().contains(&topic));
}

#[tokio::test]
async fn more_replicas_than_brokers_are_refused_with_their_number() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let topic = unique("replicas");
    let error = create_topic(brokers, &topic, 1, 4).await.unwrap_err();
    assert!(matches!(error, Error::InvalidReplicationFactor { brokers: 3, .. }), "{error}");
    assert!(error.to_string().contains("the cluster has 3 brokers"), "{error}");
    for factor in [0, -2] {
        let error = create_topic(brokers, &topic, 1, factor).await.unwrap_err();
        assert!(matches!(error, Error::InvalidReplicationFactor { .. }), "{error}");
    }
    assert!(!list_topics(brokers).await.unwrap().contains(&topic));
}

#[tokio::test]
async fn impossible_partitions_are_refused() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let topic = unique("partitions");
    for partitions in [0, -2] {
        let error = create_topic(brokers, &topic, partitions, 1).await.unwrap_err();
        assert!(matches!(error, Error::InvalidPartitions { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_name_that_kafka_refuses_is_an_error_with_the_rule() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    for name in ["", ".", "..", "air ports", "a/b", "flughäfen", &"a".repeat(250)] {
        let error = create_topic(brokers, name, 1, 1).await.unwrap_err();
        assert!(matches!(error, Error::InvalidTopicName { .. }), "{name}: {error}");
        let error = topic_metadata(brokers, name).await.unwrap_err();
        assert!(matches!(error, Error::InvalidTopicName { .. }), "{name}: {error}");
        let error = delete_topic(brokers, name).await.unwrap_err();
        assert!(matches!(error, Error::InvalidTopicName { .. }), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_name_that_differs_only_in_dot_and_underscore_collides() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let topic = Topic::new(brokers, "a_b", 1).await;
    let other = topic.name.replace('_', ".");
    let error = create_topic(brokers, &other, 1, 1).await.unwrap_err();
    assert!(matches!(error, Error::InvalidTopicName { .. }), "{error}");
    assert!(error.to_string().contains("collides"), "{error}");
}

#[tokio::test]
async fn a_topic_takes_settings_and_refuses_wrong_ones() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let topic = Topic { brokers: brokers.to_owned(), name: unique("settings") };
    for (setting, value) in [("retention.ms", "soon"), ("no.such.setting", "1")] {
        let options = TopicOptions::new(1, 1).config(setting, value);
        let error = create_topic_with(brokers, &topic.name, &options).await.unwrap_err();
        assert!(matches!(error, Error::InvalidTopicConfig { .. }), "{error}");
        assert!(error.to_string().contains(&format!("{setting}={value}")), "{error}");
    }
    let options = TopicOptions::new(1, 1).config("retention.ms", "60000");
    let outcome = create_topic_with(brokers, &topic.name, &options).await.unwrap();
    assert_eq!(outcome, CreateOutcome::Created);
}

#[tokio::test]
async fn a_topic_can_take_the_brokers_defaults() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let topic = Topic { brokers: brokers.to_owned(), name: unique("defaults") };
    let outcome = create_topic(brokers, &topic.name, -1, -1).await.unwrap();
    assert_eq!(outcome, CreateOutcome::Created);
}

#[tokio::test]
async fn a_wrong_setting_is_refused_by_name() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let error = ProducerBuilder::new(brokers).set("linger.ms", "soon").build().await.unwrap_err();
    assert!(matches!(error, Error::Setting { .. }), "{error}");
    assert!(error.to_string().contains("linger.ms"), "{error}");
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let builder = ProducerBuilder::new(brokers).set("enable.idempotence", "true");
    let error = builder.set("acks", "1").build().await.unwrap_err();
    assert!(matches!(error, Error::SettingsTogether { .. }), "{error}");
}

#[tokio::test]
async fn every_part_of_a_record_arrives() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let topic = Topic { brokers: brokers.to_owned(), name: unique("record") };
    // The record is from the year 2000, and must outlive the test.
    let options = TopicOptions::new(3, 1).config("retention.ms", "-1");
    create_topic_with(brokers, &topic.name, &options).await.unwrap();
    let reported = Arc::new(AtomicU64::new(0));
    let on_every = reported.clone();
    let producer = ProducerBuilder::new(brokers)
        .on_delivery(move |_report| {
            on_every.fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .await
        .unwrap();

    let headers = OwnedHeaders::new()
        .insert(Header { key: "source", value: Some("airportsdata") })
        .insert(Header { key: "source", value: None::<&str> });
    let record = BaseRecord::to(&topic.name)
        .key("JFK")
        .payload("{\"city\":\"New York\"}")
        .partition(2)
        .timestamp(951_782_400_123)
        .headers(headers);
    let (line, lines) = std::sync::mpsc::channel();
    producer.send_then(record, move |report| line.send(report.to_string()).unwrap()).unwrap();
    let summary = producer.flush(DEADLINE).unwrap();
    assert_eq!(summary, Summary { delivered: 1, failed: 0, still_queued: 0 });
    assert_eq!(reported.load(Ordering::Relaxed), 1);
    let expected = format!("delivered  JFK to {}[2] at offset 0", topic.name);
    assert_eq!(lines.try_recv().unwrap(), expected);

    let messages = read_to_end(brokers, &topic.name, &unique("group")).await;
    let expected = [
        &format!("topic      {}", topic.name),
        "partition  2",
        "offset     0",
        "timestamp  2000-02-29T00:00:00.123Z (CreateTime, 951782400123 ms)",
        "key        JFK",
        "headers    source=airportsdata, source=null",
        "value      {\"city\":\"New York\"}",
    ];
    assert_eq!(messages.len(), 1);
    assert_eq!(readable(&messages[0]).to_string(), expected.join("\n"));
}

#[tokio::test]
async fn all_airports_are_delivered_and_each_group_reads_all_of_them() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let topic = Topic::new(brokers, "airports", 5).await;
    let airports = airports::all().unwrap();
    let producer = helpers::producer(brokers).await.unwrap();
    for airport in &airports {
        let value = serde_json::to_vec(airport).unwrap();
        producer.send(BaseRecord::to(&topic.name).key(&airport.iata).payload(&value)).unwrap();
    }
    let summary = producer.flush(DEADLINE).unwrap();
    assert_eq!(summary, Summary { delivered: 7884, failed: 0, still_queued: 0 });

    let (east, west) = (unique("east-coast-dpt"), unique("west-coast-dpt"));
    for group in [&east, &west] {
        let mut read: Vec<airports::Airport> = read_to_end(brokers, &topic.name, group)
            .await
            .iter()
            .map(|message| serde_json::from_slice(message.payload().unwrap()).unwrap())
            .collect();
        read.sort_by(|one, other| one.iata.cmp(&other.iata));
        assert!(read == airports, "group {group} read {} records", read.len());
    }
    let again = read_to_end(brokers, &topic.name, &east).await;
    assert_eq!(again.len(), 0, "group {east} had committed all it read");
}

#[tokio::test]
async fn a_full_queue_loses_and_reorders_nothing() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    const ROOM: u64 = 50;
    let topic = Topic::new(brokers, "full", 1).await;
    let builder = ProducerBuilder::new(brokers);
    let producer =
        builder.set("queue.buffering.max.messages", ROOM.to_string()).build().await.unwrap();
    let sent: Vec<[u8; 4]> = (0..5000_u32).map(u32::to_be_bytes).collect();
    let mut most_queued = 0;
    for value in &sent {
        producer.send(BaseRecord::<(), [u8]>::to(&topic.name).payload(value)).unwrap();
        most_queued = most_queued.max(producer.summary().still_queued);
    }
    assert_eq!(most_queued, ROOM, "the queue was filled, and never beyond its room");
    let summary = producer.flush(DEADLINE).unwrap();
    assert_eq!(summary, Summary { delivered: 5000, failed: 0, still_queued: 0 });

    let messages = read_to_end(brokers, &topic.name, &unique("group")).await;
    let read: Vec<&[u8]> = messages.iter().filter_map(Message::payload).collect();
    assert!(read == sent, "{} records, or another order", read.len());
}

#[tokio::test]
async fn a_record_for_a_topic_that_is_gone_is_counted_as_failed() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let topic = Topic::new(brokers, "gone", 1).await;
    let builder = ProducerBuilder::new(brokers).set("allow.auto.create.topics", "false");
    let producer = builder.set("delivery.timeout.ms", "2000").build().await.unwrap();
    producer.send(BaseRecord::<(), str>::to(&topic.name).payload("x")).unwrap();
    assert_eq!(producer.flush(DEADLINE).unwrap().delivered, 1);
    delete_topic(brokers, &topic.name).await.unwrap();

    producer.send(BaseRecord::<(), str>::to(&topic.name).payload("y")).unwrap();
    let summary = producer.flush(DEADLINE).unwrap();
    assert_eq!(summary, Summary { delivered: 1, failed: 1, still_queued: 0 });
}

#[tokio::test]
async fn a_record_that_is_too_large_fails_at_the_broker_or_is_never_queued() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let topic = Topic { brokers: brokers.to_owned(), name: unique("large") };
    let options = TopicOptions::new(1, 1).config("max.message.bytes", "1000");
    create_topic_with(brokers, &topic.name, &options).await.unwrap();
    let producer = helpers::producer(brokers).await.unwrap();
    let too_large_for_the_topic = vec![b'x'; 5000];
    let record = BaseRecord::<(), [u8]>::to(&topic.name).payload(&too_large_for_the_topic);
    let (line, lines) = std::sync::mpsc::channel();
    producer.send_then(record, move |report| line.send(report.to_string()).unwrap()).unwrap();
    let summary = producer.flush(DEADLINE).unwrap();
    assert_eq!(summary, Summary { delivered: 0, failed: 1, still_queued: 0 });
    let line = lines.try_recv().unwrap();
    assert!(line.contains("MessageSizeTooLarge"), "{line}");

    let too_large_for_the_client = vec![b'x'; 2_000_000];
    let record = BaseRecord::<(), [u8]>::to(&topic.name).payload(&too_large_for_the_client);
    let error = producer.send(record).unwrap_err();
    assert!(matches!(error, Error::NotQueued { .. }), "{error}");
    assert_eq!(producer.summary(), summary, "what was never queued is in no count");
}

#[tokio::test]
async fn a_flush_ends_at_its_deadline_and_a_later_one_finishes() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let topic = Topic::new(brokers, "deadline", 1).await;
    let builder = ProducerBuilder::new(brokers).set("linger.ms", "3000");
    let producer = builder.build().await.unwrap();
    producer.send(BaseRecord::<(), str>::to(&topic.name).payload("x")).unwrap();
    let summary = producer.flush(Duration::ZERO).unwrap();
    assert_eq!(summary, Summary { delivered: 0, failed: 0, still_queued: 1 });
    let summary = producer.flush(DEADLINE).unwrap();
    assert_eq!(summary, Summary { delivered: 1, failed: 0, still_queued: 0 });
}
