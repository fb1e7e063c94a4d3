//! Messages with their lineage against a cluster of three nodes: what is written, what comes again
//! after a failure, and what is carried along.
//!
//! The cluster is known by its bootstrap servers alone. What is logged is in lineage_events.rs, and
//! the exchange with Python in lineage_python.rs.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use helpers::topic_metadata;
use lineage::{
    BatchMetrics, Consumer, ConsumerBuilder, Error, Message, Processor, Produced, Producer,
    calc_ref_latencies, format_kafka_ref, lineage_tree, unpack_kafka_payload,
};
use rdkafka::consumer::Consumer as _;
use rdkafka::message::Message as _;
use rdkafka::producer::FutureRecord;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use workshop_tests::{DEADLINE, TestCluster, eventually};

async fn producer(cluster: &TestCluster) -> Producer {
    let producer = Producer::new("departures", cluster.bootstrap_servers(), &[]).await;
    producer.expect("the cluster answers")
}

fn consumer(cluster: &TestCluster, topics: &[&str], group: &str) -> ConsumerBuilder {
    Consumer::builder("boards", cluster.bootstrap_servers(), topics, group)
        .timeout_ms(3000)
        .set("session.timeout.ms", "6000")
}

fn numbered(numbers: std::ops::Range<u32>) -> Vec<Message<u32>> {
    numbers.map(|number| Message::new(format!("WS{}", number % 10), number)).collect()
}

fn numbers_of(messages: &[Message<u32>]) -> Vec<u32> {
    messages.iter().map(|message| message.payload).collect()
}

/// One batch that is processed well.
async fn batch(consumer: &mut Consumer) -> Vec<u32> {
    let mut numbers = Vec::new();
    let read = consumer
        .process_batch(async |messages: Vec<Message<u32>>| {
            numbers = numbers_of(&messages);
            Ok::<(), Infallible>(())
        })
        .await;
    assert_eq!(read.expect("the batch is processed"), numbers.len());
    numbers
}

/// One batch that fails; what it was.
async fn failing_batch(consumer: &mut Consumer) -> Vec<u32> {
    let mut numbers = Vec::new();
    let failed = consumer
        .process_batch(async |messages: Vec<Message<u32>>| {
            numbers = numbers_of(&messages);
            Err("the database is away")
        })
        .await;
    let error = failed.expect_err("the handler fails");
    assert!(matches!(error, Error::Handler { .. }), "{error}");
    assert!(error.to_string().ends_with("will come again: the database is away"), "{error}");
    numbers
}

fn committed(cluster: &TestCluster, group: &str, topic: &str, partition: i32) -> Option<i64> {
    let asking = cluster.consumer(group, &[]);
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, partition);
    let list = asking.committed_offsets(list, DEADLINE).expect("the group can be asked");
    match list.elements()[0].offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}

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
async fn a_batch_is_full_or_what_came_within_the_timeout() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..25)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(10).build().await.unwrap();
    assert_eq!(batch(&mut consumer).await, (0..10).collect::<Vec<_>>());
    assert_eq!(batch(&mut consumer).await, (10..20).collect::<Vec<_>>());
    assert_eq!(batch(&mut consumer).await, (20..25).collect::<Vec<_>>());
    let nothing = consumer.process_batch(async |_: Vec<Message<u32>>| {
        panic!("there is nothing to handle");
        #[allow(unreachable_code)]
        Ok::<(), Infallible>(())
    });
    assert_eq!(nothing.await.unwrap(), 0);
}

#[tokio::test]
async fn a_batch_is_committed_only_after_its_handler_returned_ok() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..20)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(10).build().await.unwrap();
    let while_handled = Mutex::new(Vec::new());
    let handler = async |_: Vec<Message<u32>>| {
        while_handled.lock().unwrap().push(committed(&cluster, &group, &topic, 0));
        Ok::<(), Infallible>(())
    };
    consumer.process_batch(handler).await.unwrap();
    assert_eq!(committed(&cluster, &group, &topic, 0), Some(10));
    consumer.process_batch(handler).await.unwrap();
    assert_eq!(committed(&cluster, &group, &topic, 0), Some(20));
    assert_eq!(*while_handled.lock().unwrap(), [None, Some(10)]);
}

#[tokio::test]
async fn a_batch_that_fails_comes_again_and_nothing_else_does() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..250)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).build().await.unwrap();
    let second: Vec<u32> = (100..200).collect();
    assert_eq!(batch(&mut consumer).await, (0..100).collect::<Vec<_>>());
    for _ in 0..3 {
        assert_eq!(failing_batch(&mut consumer).await, second);
        assert_eq!(committed(&cluster, &group, &topic, 0), Some(100));
    }
    assert_eq!(batch(&mut consumer).await, second);
    assert_eq!(batch(&mut consumer).await, (200..250).collect::<Vec<_>>());
    assert_eq!(committed(&cluster, &group, &topic, 0), Some(250));
}

#[tokio::test]
async fn a_batch_of_several_partitions_comes_again_from_each() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(3);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..300)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(70).build().await.unwrap();
    let mut done = batch(&mut consumer).await;
    let failed: BTreeSet<u32> = failing_batch(&mut consumer).await.into_iter().collect();
    assert!(done.iter().all(|number| !failed.contains(number)));
    while done.len() < 300 {
        done.extend(batch(&mut consumer).await);
    }
    assert_eq!(done.iter().copied().collect::<BTreeSet<_>>(), (0..300).collect());
    assert_eq!(done.len(), 300, "each once, the failed ones too");
    let all: i64 = (0..3).filter_map(|id| committed(&cluster, &group, &topic, id)).sum();
    assert_eq!(all, 300);
}

#[tokio::test]
async fn a_batch_that_nobody_waited_for_comes_again() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..20)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(10).build().await.unwrap();
    let (reached, mut reaches) = tokio::sync::mpsc::unbounded_channel();
    let endless = consumer.process_batch(async |_: Vec<Message<u32>>| {
        reached.send(()).unwrap();
        std::future::pending::<Result<(), Infallible>>().await
    });
    tokio::select! {
        _ = endless => panic!("the handler never returns"),
        _ = reaches.recv() => {}
    }
    assert_eq!(batch(&mut consumer).await, (0..10).collect::<Vec<_>>());
    assert_eq!(batch(&mut consumer).await, (10..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_loop_ends_at_an_error_and_goes_on_with_the_batch_that_failed() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..40)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(10).build().await.unwrap();
    let seen = Mutex::new(Vec::new());
    for _ in 0..2 {
        let ended = consumer.process(|messages: Vec<Message<u32>>| {
            let numbers = numbers_of(&messages);
            seen.lock().unwrap().push(numbers[0]);
            let calls = seen.lock().unwrap().len();
            async move { if calls == 3 || calls == 5 { Err("away") } else { Ok(()) } }
        });
        assert!(matches!(ended.await.unwrap_err(), Error::Handler { .. }));
    }
    assert_eq!(*seen.lock().unwrap(), [0, 10, 20, 20, 30]);
}

#[tokio::test]
async fn the_loop_hands_a_batch_over_when_the_one_before_is_committed() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..40)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(10).build().await.unwrap();
    let mut while_handled = Vec::new();
    let ended = consumer.process(|messages: Vec<Message<u32>>| {
        while_handled.push(committed(&cluster, &group, &topic, 0));
        async move { if messages[0].payload == 20 { Err("away") } else { Ok(()) } }
    });
    assert!(matches!(ended.await.unwrap_err(), Error::Handler { .. }));
    assert_eq!(while_handled, [None, Some(10), Some(20)]);
    assert_eq!(committed(&cluster, &group, &topic, 0), Some(20));
}

#[tokio::test]
async fn a_loop_that_nobody_waits_for_has_committed_what_it_processed() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..20)).await.unwrap();
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(10).build().await.unwrap();
    let enough = tokio::sync::Notify::new();
    let endless = consumer.process(|messages: Vec<Message<u32>>| {
        if messages[0].payload == 10 {
            enough.notify_one();
        }
        std::future::ready(Ok::<(), Infallible>(()))
    });
    tokio::select! {
        biased;
        _ = endless => panic!("no handler fails"),
        () = enough.notified() => {}
    }
    consumer.close().await.unwrap();
    assert_eq!(committed(&cluster, &group, &topic, 0), Some(20));
}

#[tokio::test]
async fn two_members_share_the_work_and_leave_nothing_out() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(4);
    let producer = producer(&cluster).await;
    producer.produce_batch(&topic, &numbered(0..200)).await.unwrap();
    let group = cluster.group_name();
    let builder = || consumer(&cluster, &[&topic], &group).batch_size(7).timeout_ms(300);
    let mut first = builder().build().await.unwrap();
    let mut seen: BTreeSet<u32> = batch(&mut first).await.into_iter().collect();
    // The second joins while the first reads.
    let mut second = builder().build().await.unwrap();
    producer.produce_batch(&topic, &numbered(200..400)).await.unwrap();
    let started = std::time::Instant::now();
    while seen.len() < 400 {
        assert!(started.elapsed() < DEADLINE, "{} of 400 were seen", seen.len());
        let (one, other) = tokio::join!(batch(&mut first), batch(&mut second));
        seen.extend(one.into_iter().chain(other));
    }
    let all: i64 = (0..4).filter_map(|id| committed(&cluster, &group, &topic, id)).sum();
    assert_eq!(all, 400);
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
async fn a_topic_that_does_not_exist_keeps_nobody_from_the_others() {
    let cluster = TestCluster::start().await;
    let (topic, missing) = (cluster.create_topic(1), cluster.topic_name());
    producer(&cluster).await.produce_batch(&topic, &numbered(0..3)).await.unwrap();
    let group = cluster.group_name();
    let builder = consumer(&cluster, &[&topic, &missing], &group).batch_size(3);
    let mut consumer = builder.build().await.unwrap();
    assert_eq!(batch(&mut consumer).await, [0, 1, 2]);
}

#[tokio::test]
async fn a_caller_cannot_switch_auto_commit_on() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..10)).await.unwrap();
    let group = cluster.group_name();
    let builder = consumer(&cluster, &[&topic], &group).batch_size(10);
    let builder = builder.set("enable.auto.commit", "true").set("auto.commit.interval.ms", "1");
    let mut consumer = builder.build().await.unwrap();
    failing_batch(&mut consumer).await;
    // With auto-commit, closing commits what was read.
    consumer.close().await.unwrap();
    assert_eq!(committed(&cluster, &group, &topic, 0), None);
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

#[tokio::test]
async fn a_record_over_the_topics_limit_is_named_or_skipped_and_takes_no_other_along() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("max.message.bytes", "2000")]);
    let messages = [("a", 10), ("large", 5000), ("b", 10)]
        .map(|(id, size)| Message::new(id, "x".repeat(size)));
    let builder = || {
        // One batch for all three: the leader refuses it as a whole.
        let builder = Producer::builder("departures", cluster.bootstrap_servers());
        builder.set("compression.type", "none").set("linger.ms", "200")
    };
    let strict = builder().build().await.unwrap();
    let error = strict.produce_batch(&topic, &messages).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains(&format!("{topic}:large is too large")), "{error}");
    let records =
        async || topic_metadata(cluster.bootstrap_servers(), &topic).await.unwrap().records();
    assert_eq!(records().await, 2);
    let lenient = builder().ignore_large_message_errors(true).build().await.unwrap();
    let done = lenient.produce_batch(&topic, &messages).await.unwrap();
    assert_eq!(done, Produced { delivered: 2, skipped: 1 });
    assert_eq!(records().await, 4);
}

#[tokio::test]
async fn with_batches_below_the_topics_limit_a_large_record_does_not_reorder_the_others() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("max.message.bytes", "2000")]);
    let text = |number: usize| match number {
        5 => "x".repeat(5000),
        _ => format!("{number:0100}"),
    };
    let messages: Vec<_> = (0..20).map(|number| Message::new("WS042", text(number))).collect();
    let producer = Producer::builder("departures", cluster.bootstrap_servers())
        .set("compression.type", "none")
        .set("linger.ms", "200")
        .set("batch.size", "1000")
        .ignore_large_message_errors(true);
    let producer = producer.build().await.unwrap();
    let done = producer.produce_batch(&topic, &messages).await.unwrap();
    assert_eq!(done, Produced { delivered: 19, skipped: 1 });
    let group = cluster.group_name();
    let builder = consumer(&cluster, &[&topic], &group).batch_size(19).timeout_ms(30_000);
    let mut consumer = builder.build().await.unwrap();
    let mut read = Vec::new();
    let handler = async |messages: Vec<Message<String>>| {
        read = messages.into_iter().map(|it| it.payload).collect();
        Ok::<(), Infallible>(())
    };
    consumer.process_batch(handler).await.unwrap();
    let expected: Vec<_> = (0..20).filter(|number| *number != 5).map(text).collect();
    assert_eq!(read, expected);
}

#[tokio::test]
async fn a_record_over_the_clients_limit_is_named_or_skipped() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let messages = [Message::new("large", "x".repeat(5000)), Message::new("b", String::new())];
    let builder = || {
        let builder = Producer::builder("departures", cluster.bootstrap_servers());
        builder.set("message.max.bytes", "2000")
    };
    let strict = builder().build().await.unwrap();
    let error = strict.produce(&topic, &messages[0]).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    let lenient = builder().ignore_large_message_errors(true).build().await.unwrap();
    let done = lenient.produce_batch(&topic, &messages).await.unwrap();
    assert_eq!(done, Produced { delivered: 1, skipped: 1 });
}

#[tokio::test]
async fn a_full_queue_delays_a_batch_and_loses_nothing_of_it() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = Producer::builder("departures", cluster.bootstrap_servers());
    let producer = producer.set("queue.buffering.max.messages", "10").build().await.unwrap();
    let done = producer.produce_batch(&topic, &numbered(0..500)).await.unwrap();
    assert_eq!(done.delivered, 500);
    let group = cluster.group_name();
    let mut consumer = consumer(&cluster, &[&topic], &group).batch_size(500).build().await.unwrap();
    assert_eq!(batch(&mut consumer).await, (0..500).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_message_that_cannot_arrive_is_an_error_that_names_it() {
    let cluster = TestCluster::start().await;
    let topic = cluster.topic_name();
    let producer = Producer::builder("departures", cluster.bootstrap_servers())
        .set("allow.auto.create.topics", "false")
        .set("topic.metadata.propagation.max.ms", "100");
    let producer = producer.build().await.unwrap();
    let error = producer.produce(&topic, &Message::new("WS042", 1)).await.unwrap_err();
    assert!(matches!(error, Error::NotProduced { .. }), "{error}");
    assert!(error.to_string().contains(&format!("{topic}:WS042 did not arrive")), "{error}");
    let no_json = Message::new("WS042", BTreeMap::from([((1, 2), 3)]));
    let error = producer.produce(&topic, &no_json).await.unwrap_err();
    assert!(matches!(error, Error::NotProduced { .. }), "{error}");
}

#[tokio::test]
async fn a_processor_carries_the_lineage_along_and_the_latency_of_each_stage_is_in_it() {
    let cluster = TestCluster::start().await;
    let brokers = cluster.bootstrap_servers();
    let [departures, delays, boards] = [(); 3].map(|()| cluster.create_topic(1));
    producer(&cluster).await.produce_batch(&departures, &numbered(0..5)).await.unwrap();
    let group = cluster.group_name();
    for (service, from, to) in [("delays", &departures, &delays), ("boards", &delays, &boards)] {
        let reader = consumer(&cluster, &[from], &group).batch_size(5).build().await.unwrap();
        let writer = Producer::new(service, brokers, &[]).await.unwrap();
        let mut processor = Processor::new(reader, writer, to);
        // The first stage leaves the refs to the processor, the second gives them.
        let transform = |message: &Message<u32>| {
            Ok::<_, Infallible>(match service {
                "delays" => vec![Message::new(message.id.clone(), message.payload * 10)],
                _ => vec![message.derive("JFK", message.payload + 1)],
            })
        };
        assert_eq!(processor.process_batch(transform).await.unwrap(), 5);
        processor.close().await.unwrap();
    }
    let mut last = consumer(&cluster, &[&boards], &group).batch_size(5).build().await.unwrap();
    let read = Mutex::new(Vec::new());
    let handler = async |messages: Vec<Message<u32>>| {
        read.lock().unwrap().extend(messages);
        Ok::<(), Infallible>(())
    };
    last.process_batch(handler).await.unwrap();
    let read = read.into_inner().unwrap();
    assert_eq!(numbers_of(&read), [1, 11, 21, 31, 41]);
    let origin = &read[3].refs[0];
    let tree = lineage_tree(origin);
    let lines: Vec<_> = tree.lines().map(|it| it.rsplit_once("  ").unwrap().0).collect();
    let expected = [
        format!("boards  {boards}:0:3:JFK"),
        format!("└─ delays  {delays}:0:3:WS3"),
        format!("   └─ departures  {departures}:0:3:WS3"),
    ];
    assert_eq!(lines, expected);
    let stages = calc_ref_latencies(origin.hist.as_ref().unwrap());
    let names: Vec<_> = stages.iter().map(|it| (it.source.as_str(), it.service.as_str())).collect();
    assert_eq!(names, [("delays", "boards"), ("departures", "delays")]);
    assert!(stages.iter().all(|it| it.latency > chrono::TimeDelta::zero()), "{stages:?}");
}

#[tokio::test]
async fn a_processor_that_fails_reads_and_writes_its_batch_again() {
    let cluster = TestCluster::start().await;
    let [source, target] = [(); 2].map(|()| cluster.create_topic(1));
    producer(&cluster).await.produce_batch(&source, &numbered(0..10)).await.unwrap();
    let group = cluster.group_name();
    let reader = consumer(&cluster, &[&source], &group).batch_size(10).build().await.unwrap();
    let mut processor = Processor::new(reader, producer(&cluster).await, &target);
    let failing = |message: &Message<u32>| match message.payload {
        7 => Err("seven is refused"),
        number => Ok(vec![message.derive("x", number)]),
    };
    let error = processor.process_batch(failing).await.unwrap_err();
    assert!(error.to_string().contains("seven is refused"), "{error}");
    assert_eq!(committed(&cluster, &group, &source, 0), None);
    let copy =
        |message: &Message<u32>| Ok::<_, Infallible>(vec![message.derive("x", message.payload)]);
    assert_eq!(processor.process_batch(copy).await.unwrap(), 10);
    assert_eq!(committed(&cluster, &group, &source, 0), Some(10));
    let written = topic_metadata(cluster.bootstrap_servers(), &target).await.unwrap();
    assert_eq!(written.records(), 10, "nothing was written before the transform had succeeded");
}

#[tokio::test]
async fn the_time_and_count_of_each_batch_are_told() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    producer(&cluster).await.produce_batch(&topic, &numbered(0..15)).await.unwrap();
    let group = cluster.group_name();
    let told: Arc<Mutex<Vec<BatchMetrics>>> = Arc::default();
    let collected = Arc::clone(&told);
    let mut consumer = consumer(&cluster, &[&topic], &group)
        .batch_size(10)
        .on_batch(move |metrics| collected.lock().unwrap().push(metrics.clone()))
        .build()
        .await
        .unwrap();
    failing_batch(&mut consumer).await;
    let mut took = Duration::ZERO;
    let handler = async |_: Vec<Message<u32>>| {
        let started = std::time::Instant::now();
        committed(&cluster, &group, &topic, 0);
        took = started.elapsed();
        Ok::<(), Infallible>(())
    };
    consumer.process_batch(handler).await.unwrap();
    let told = std::mem::take(&mut *told.lock().unwrap());
    assert_eq!(told.len(), 2);
    for (metrics, processed) in told.iter().zip([false, true]) {
        assert_eq!((metrics.service.as_str(), &metrics.group), ("boards", &group));
        assert_eq!((metrics.messages, metrics.records, metrics.processed), (10, 10, processed));
        assert_eq!(metrics.batch, format!("{topic}[0=0:10]"));
    }
    assert!(told[1].took >= took && told[0].took < took, "{took:?}: {told:?}");
}
