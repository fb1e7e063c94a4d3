//! The records of messages: envelopes, the newest of each id, tombstones, and other values.

use std::convert::Infallible;
use std::time::Duration;

use ::lineage::Error;
use ::lineage::{Message, Produced, format_kafka_ref, unpack_kafka_payload};
use rdkafka::consumer::Consumer as _;
use rdkafka::message::Message as _;
use rdkafka::producer::FutureRecord;
use serde_json::{Value, json};
use workshop_tests::{DEADLINE, TestCluster, eventually};

use super::{batch, committed, consumer, numbered, producer};

#[tokio::test]
async fn a_message_is_written_in_its_envelope_and_read_with_a_ref_to_itself() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = producer(&cluster).await;
    let message = Message::new("WS042", json!({"gate": 7}));
    let done = producer.produce(&topic, &message).await.unwrap();
    assert_eq!(done, Produced { delivered: 1, skipped: 0 });
    producer.produce(&topic, &Message::new("", Value::Null)).await.unwrap();

    let raw = cluster.consumer(&cluster.group_name(), &[]);
    raw.subscribe(&[&topic]).unwrap();
    let first = eventually("the first record comes", || raw.poll(Duration::from_millis(50)));
    let first = first.unwrap().detach();
    assert_eq!(first.key(), Some(b"WS042".as_slice()));
    let envelope: Value = serde_json::from_slice(first.payload().unwrap()).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&envelope), ["hist", "item"]);
    assert_eq!(names(&envelope["hist"]), ["dt", "refs", "svc"]);
    assert_eq!(envelope["item"], json!({"gate": 7}));
    assert_eq!(envelope["hist"]["svc"], "departures");
    assert_eq!(envelope["hist"]["refs"], json!([]));

    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(2).build().await.unwrap();
    let mut read = Vec::new();
    let handler = async |messages: Vec<Message>| {
        read = messages;
        Ok::<(), Infallible>(())
    };
    assert_eq!(consumer.process_batch(handler).await.unwrap(), 2);
    assert_eq!((read[0].id.as_str(), &read[0].payload), ("WS042", &message.payload));
    assert_eq!(format_kafka_ref(&read[0].refs[0]), format!("{topic}:0:0:WS042"));
    let (_, history) = unpack_kafka_payload::<Value>(first.payload().unwrap()).unwrap();
    assert_eq!(read[0].refs[0].hist, Some(history));
    assert_eq!((read[1].id.as_str(), &read[1].refs[0].key), ("", &None));
}

#[tokio::test]
async fn a_topic_without_a_name_is_an_error() {
    let cluster = TestCluster::start().await;
    let producer = producer(&cluster).await;
    for (name, said) in [("", "it is empty"), ("air ports", "not allowed")] {
        let error = producer.produce(name, &Message::new("a", 1)).await.unwrap_err();
        assert!(matches!(error, Error::Client(helpers::Error::InvalidTopicName { .. })), "{error}");
        assert!(error.to_string().contains(said), "{error}");
        let error = producer.produce_batch(name, &numbered(0..0)).await.unwrap_err();
        assert!(matches!(error, Error::Client(helpers::Error::InvalidTopicName { .. })), "{error}");
    }
}

#[tokio::test]
async fn only_the_newest_message_of_each_id_is_handed_over() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..35)).await.unwrap();
    let group = cluster.group_name();
    let builder = consumer(&cluster, &[&topic], &group).batch_size(35).latest_only(true);
    let mut consumer = builder.build().await.unwrap();
    assert_eq!(batch(&mut consumer).await, (25..35).collect::<Vec<_>>());
    assert_eq!(committed(&cluster, &group, &topic, 0), Some(35));
}

#[tokio::test]
async fn the_same_id_in_two_topics_is_two_ids_of_which_each_keeps_its_newest() {
    let cluster = TestCluster::start().await;
    let [departures, delays] = [(); 2].map(|()| cluster.create_topic(1));
    let producer = producer(&cluster).await;
    producer.produce_batch(&departures, &numbered(0..20)).await.unwrap();
    producer.produce_batch(&delays, &numbered(100..130)).await.unwrap();
    let group = cluster.group_name();
    let builder = consumer(&cluster, &[&departures, &delays], &group).batch_size(50);
    let mut consumer = builder.timeout_ms(30_000).latest_only(true).build().await.unwrap();
    let mut newest = batch(&mut consumer).await;
    newest.sort_unstable();
    assert_eq!(newest, (10..20).chain(120..130).collect::<Vec<_>>());
    let committed = |topic| committed(&cluster, &group, topic, 0);
    assert_eq!((committed(&departures), committed(&delays)), (Some(20), Some(30)));
}

#[tokio::test]
async fn tombstones_and_the_ends_of_partitions_are_no_messages_and_no_errors() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = producer(&cluster).await;
    producer.produce(&topic, &Message::new("WS001", 1)).await.unwrap();
    let raw = cluster.producer(&[]);
    let tombstone = || FutureRecord::<str, [u8]>::to(&topic).key("WS001");
    raw.send(tombstone(), DEADLINE).await.unwrap();
    producer.produce(&topic, &Message::new("WS002", 2)).await.unwrap();
    raw.send(tombstone(), DEADLINE).await.unwrap();

    let group = cluster.group_name();
    let builder = consumer(&cluster, &[&topic], &group).set("enable.partition.eof", "true");
    let mut consumer = builder.timeout_ms(2000).build().await.unwrap();
    assert_eq!(batch(&mut consumer).await, [1, 2]);
    assert_eq!(committed(&cluster, &group, &topic, 0), Some(4), "the tombstones are done too");
    raw.send(tombstone(), DEADLINE).await.unwrap();
    assert_eq!(batch(&mut consumer).await, [] as [u32; 0]);
    assert_eq!(committed(&cluster, &group, &topic, 0), Some(5));
}

#[tokio::test]
async fn a_record_that_is_no_envelope_is_named_and_comes_again_or_is_skipped_by_choice() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = producer(&cluster).await;
    producer.produce(&topic, &Message::new("WS001", 1)).await.unwrap();
    let raw = cluster.producer(&[]);
    // The second is what Python writes.
    let hist = r#"{"svc": "delays", "dt": "2026-11-21T12:00:00+00:00", "refs": []}"#;
    for value in ["plain".to_owned(), format!(r#"{{"item": NaN, "hist": {hist}}}"#)] {
        raw.send(FutureRecord::to(&topic).key("WS002").payload(&value), DEADLINE).await.unwrap();
    }
    let group = cluster.group_name();
    let mut strict = consumer(&cluster, &[&topic], &group).batch_size(2).build().await.unwrap();
    for _ in 0..2 {
        let handler = async |_: Vec<Message<u32>>| Ok::<(), Infallible>(());
        let error = strict.process_batch(handler).await.unwrap_err();
        assert!(matches!(error, Error::NoEnvelope { .. }), "{error}");
        assert!(error.to_string().contains(&format!("{topic}:0:1:WS002")), "{error}");
    }
    strict.close().await.unwrap();
    let builder = consumer(&cluster, &[&topic], &group).skip_undecodable(true).timeout_ms(2000);
    let mut lenient = builder.build().await.unwrap();
    assert_eq!(batch(&mut lenient).await, [1]);
    assert_eq!(committed(&cluster, &group, &topic, 0), Some(3));
}
