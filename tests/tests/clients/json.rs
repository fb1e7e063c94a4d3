//! JSON in bulk against a cluster of three nodes: what arrives, in which order, and what is
//! counted.
//!
//! The cluster is known by its bootstrap servers alone. Ctrl-C is in json_interrupt.rs, what is
//! logged in json_events.rs: both concern the whole process.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use helpers::topic_metadata;
use json_batches::{Error, JsonProducer, JsonProducerBuilder, JsonSummary};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Message, OwnedMessage};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use workshop_tests::{DEADLINE, TestCluster, eventually};

fn producer(cluster: &TestCluster) -> JsonProducerBuilder {
    JsonProducer::builder(cluster.bootstrap_servers()).flush_limit(DEADLINE)
}

fn delivered(records: u64) -> JsonSummary {
    JsonSummary { delivered: records, ..JsonSummary::default() }
}

/// The first `count` records of a topic; those of a partition are in order.
fn read(cluster: &TestCluster, topic: &str, count: usize) -> Vec<OwnedMessage> {
    let consumer: BaseConsumer = cluster.consumer(&cluster.group_name(), &[]);
    consumer.subscribe(&[topic]).expect("the name is right");
    let mut messages = Vec::new();
    eventually("all records are there", || {
        while let Some(polled) = consumer.poll(Duration::from_millis(20)) {
            messages.push(polled.expect("a record comes").detach());
            if messages.len() >= count {
                break;
            }
        }
        (messages.len() >= count).then_some(())
    });
    messages
}

fn value(message: &OwnedMessage) -> Value {
    serde_json::from_slice(message.payload().expect("it has a value")).expect("it is JSON")
}

fn key(message: &OwnedMessage) -> Option<&str> {
    message.key().map(|key| std::str::from_utf8(key).expect("it is JSON"))
}

async fn records_in(cluster: &TestCluster, topic: &str) -> i64 {
    let described = topic_metadata(cluster.bootstrap_servers(), topic).await;
    described.expect("the topic is there").records()
}

#[derive(Clone, Serialize)]
struct Departure {
    id: u32,
    number: u32,
}

/// Departures of several flights, in turn.
fn departures(flights: u32, each: u32) -> impl Iterator<Item = Departure> + Send {
    (0..each).flat_map(move |number| (0..flights).map(move |id| Departure { id, number }))
}

#[tokio::test]
async fn a_string_an_object_and_a_list_become_records() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = producer(&cluster).build().await.unwrap();
    assert_eq!(producer.send(&topic, "boarding").await.unwrap(), delivered(1));
    let object = json!({"id": "BA178", "gate": 7});
    assert_eq!(producer.send(&topic, &object).await.unwrap(), delivered(1));
    let list = json!([{"id": 1}, {"flight": "LH400"}]);
    assert_eq!(producer.send(&topic, &list).await.unwrap(), delivered(2));
    assert_eq!(producer.send(&topic, &json!([])).await.unwrap(), delivered(0));

    let messages = read(&cluster, &topic, 4);
    let values: Vec<Value> = messages.iter().map(value).collect();
    let expected = [json!({"message": "boarding"}), object, list[0].clone(), list[1].clone()];
    // The list's records have different workers, so their order is not told.
    assert!(expected.iter().all(|record| values.contains(record)), "{values:?}");
    assert_eq!(values[..2], expected[..2]);
    let key_of = |record: &Value| key(messages.iter().find(|it| value(it) == *record).unwrap());
    let keys: Vec<_> = expected.iter().map(key_of).collect();
    assert_eq!(keys, [None, Some("\"BA178\""), Some("1"), None]);
}

#[tokio::test]
async fn anything_else_is_an_error_that_says_so_and_sends_nothing() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = producer(&cluster).build().await.unwrap();
    for (data, named) in [(json!(7), "the number 7"), (json!(null), "null"), (json!(true), "true")]
    {
        let error = producer.send(&topic, &data).await.unwrap_err();
        assert!(matches!(error, Error::NotRecords { .. }), "{error}");
        assert!(error.to_string().starts_with(named), "{error}");
    }
    for name in ["", "air ports"] {
        let error = producer.send(name, "boarding").await.unwrap_err();
        assert!(matches!(error, Error::Client(helpers::Error::InvalidTopicName { .. })), "{error}");
    }
    assert_eq!(records_in(&cluster, &topic).await, 0);
}

#[tokio::test]
async fn with_auth_on_the_environment_must_name_a_user() {
    let cluster = TestCluster::start().await;
    let Err(error) = producer(&cluster).auth(true).build().await else {
        panic!("no one is named in the environment of a test");
    };
    assert!(error.to_string().contains("KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"), "{error}");
    let producer = producer(&cluster).auth(false).build().await.unwrap();
    let topic = cluster.create_topic(1);
    assert_eq!(producer.send(&topic, "boarding").await.unwrap(), delivered(1));
}

#[tokio::test]
async fn the_order_of_each_key_is_kept_although_several_workers_run() {
    const FLIGHTS: u32 = 50;
    const EACH: u32 = 400;
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(3);
    let producer = producer(&cluster).max_workers(8).batch_size(7).build().await.unwrap();
    let summary = producer.send_all(&topic, departures(FLIGHTS, EACH)).await.unwrap();
    assert_eq!(summary, delivered(u64::from(FLIGHTS * EACH)));

    let mut next: BTreeMap<String, (i32, u64)> = BTreeMap::new();
    for message in read(&cluster, &topic, (FLIGHTS * EACH) as usize) {
        let value = value(&message);
        let key = key(&message).unwrap().to_owned();
        assert_eq!(key, value["id"].to_string());
        let (partition, number) = next.entry(key).or_insert((message.partition(), 0));
        assert_eq!((message.partition(), &value["number"]), (*partition, &json!(*number)));
        *number += 1;
    }
    assert_eq!(next.len(), FLIGHTS as usize);
}

#[tokio::test]
async fn date_times_leave_as_iso_8601() {
    #[derive(Serialize)]
    struct Times {
        utc: DateTime<Utc>,
        local: NaiveDateTime,
        #[serde(serialize_with = "json_batches::iso8601")]
        system: SystemTime,
    }
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = producer(&cluster).build().await.unwrap();
    let local = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap().and_hms_opt(7, 5, 0).unwrap();
    let times = Times { utc: local.and_utc(), local, system: local.and_utc().into() };
    assert_eq!(producer.send(&topic, &times).await.unwrap(), delivered(1));
    let utc = "2026-11-21T07:05:00Z";
    let expected = json!({"utc": utc, "local": "2026-11-21T07:05:00", "system": utc});
    assert_eq!(value(&read(&cluster, &topic, 1)[0]), expected);
}

#[tokio::test]
async fn a_full_queue_is_tried_again_and_loses_and_reorders_nothing() {
    const RECORDS: u32 = 5000;
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = producer(&cluster).set("queue.buffering.max.messages", "50");
    let producer = producer.build().await.unwrap();
    let summary = producer.send_all(&topic, departures(1, RECORDS)).await.unwrap();
    assert!(summary.retried > 0 && summary.retried <= u64::from(RECORDS), "{summary}");
    assert_eq!(JsonSummary { retried: 0, ..summary }, delivered(u64::from(RECORDS)));
    let messages = read(&cluster, &topic, RECORDS as usize);
    let numbers: Vec<Value> = messages.iter().map(|it| value(it)["number"].clone()).collect();
    let expected: Vec<Value> = (0..RECORDS).map(Value::from).collect();
    assert!(numbers == expected, "another order");
}

#[tokio::test]
async fn invalid_records_are_reported_and_skipped_and_the_rest_goes_on() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let skipped = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&skipped);
    let on_skipped = move |it: &json_batches::SkippedRecord| {
        collected.lock().unwrap().push((it.position, it.reason.clone()));
    };
    let producer = producer(&cluster).set("message.max.bytes", "1000").on_skipped(on_skipped);
    let producer = producer.build().await.unwrap();
    let too_large = json!({"id": 5, "text": "x".repeat(1000)});
    let list = json!([{"id": 1}, "text", 3, null, too_large, [], {"id": 7}]);
    let summary = producer.send(&topic, &list).await.unwrap();
    assert_eq!(summary, JsonSummary { skipped: 5, ..delivered(2) });
    assert_eq!(summary.records(), 7);

    let mut skipped = std::mem::take(&mut *skipped.lock().unwrap());
    skipped.sort();
    let expected = ["a string", "a number", "null", "message.max.bytes", "a list"];
    for ((position, reason), (number, named)) in skipped.iter().zip((2..).zip(expected)) {
        assert_eq!(*position, number, "{reason}");
        assert!(reason.contains(named), "{reason}");
    }
    assert_eq!(skipped.len(), expected.len());
    assert_eq!(records_in(&cluster, &topic).await, 2);
}

#[tokio::test]
async fn json_text_that_was_parsed_no_further_has_its_id_as_key_too() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = producer(&cluster).build().await.unwrap();
    let list = r#"[{"gate": 7, "id": "BA178"}, 7, {"id":null}]"#;
    let records: Vec<Box<RawValue>> = serde_json::from_str(list).unwrap();
    let summary = producer.send_all(&topic, records).await.unwrap();
    assert_eq!(summary, JsonSummary { skipped: 1, ..delivered(2) });
    let messages = read(&cluster, &topic, 2);
    let mut keys: Vec<_> = messages.iter().map(|it| (key(it), value(it)["id"].clone())).collect();
    keys.sort_by_key(|(key, _)| *key);
    assert_eq!(keys, [(None, json!(null)), (Some("\"BA178\""), json!("BA178"))]);
}

#[tokio::test]
async fn a_record_that_does_not_serialize_is_skipped() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = producer(&cluster).build().await.unwrap();
    let records = vec![BTreeMap::from([((1, 2), "x")]), BTreeMap::new()];
    let summary = producer.send_all(&topic, records).await.unwrap();
    assert_eq!(summary, JsonSummary { skipped: 1, ..delivered(1) });
}

#[tokio::test]
async fn a_record_that_panics_is_a_panic_and_hangs_no_caller() {
    struct Panics(u32);
    impl Serialize for Panics {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            assert!(self.0 < 10, "this record panics");
            serializer.collect_map([("number", self.0)])
        }
    }
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = producer(&cluster).max_workers(1).build().await.unwrap();
    let sending = async move { producer.send_all(&topic, (0..100_000).map(Panics)).await };
    assert!(tokio::spawn(sending).await.unwrap_err().is_panic());
}

#[tokio::test]
async fn a_failed_delivery_is_final_and_never_sent_again() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 3, &[("max.message.bytes", "1000")]);
    let failed = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&failed);
    let producer = producer(&cluster).on_delivery(move |report| {
        if let Some(error) = report.error {
            collected.lock().unwrap().push((report.key.unwrap().to_vec(), error.to_string()));
        }
    });
    // One record in a batch of its own, which the broker refuses for its size.
    let producer = producer.set("batch.num.messages", "1").build().await.unwrap();
    let large = json!({"id": 2, "text": "x".repeat(5000)});
    let summary = producer.send(&topic, &json!([{"id": 1}, large, {"id": 3}])).await.unwrap();
    assert_eq!(summary, JsonSummary { failed: 1, ..delivered(2) });
    let failed = std::mem::take(&mut *failed.lock().unwrap());
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0].0, b"2");
    assert!(failed[0].1.contains("MessageSizeTooLarge"), "{failed:?}");
    assert_eq!(records_in(&cluster, &topic).await, 2);
}

#[tokio::test]
async fn records_that_the_client_refuses_are_tried_four_times_and_counted_once() {
    let cluster = TestCluster::start().await;
    let topic = cluster.topic_name();
    let reported = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&reported);
    let producer = producer(&cluster)
        .set("allow.auto.create.topics", "false")
        .set("topic.metadata.propagation.max.ms", "100")
        .set("topic.metadata.refresh.interval.ms", "100")
        .on_delivery(move |report| {
            assert!(!report.is_delivered());
            counted.fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .await
        .unwrap();
    // The first is queued, and fails when the client has learnt that there is no such topic.
    let first = producer.send(&topic, &json!({"id": 1})).await.unwrap();
    assert_eq!(first, JsonSummary { failed: 1, ..delivered(0) });
    let started = std::time::Instant::now();
    let summary = producer.send_all(&topic, departures(1, 20)).await.unwrap();
    // Only the first was tried again; after it there was no hope.
    assert_eq!(summary, JsonSummary { failed: 20, retried: 1, ..delivered(0) });
    assert_eq!(reported.load(Ordering::Relaxed), 21);
    let waited = started.elapsed();
    assert!(waited >= Duration::from_millis(700), "100 + 200 + 400 ms at least: {waited:?}");
}

#[tokio::test]
async fn every_record_has_one_report() {
    const RECORDS: u64 = 3000;
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(3);
    let reports = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&reports);
    let producer = producer(&cluster).on_delivery(move |report| {
        let key = String::from_utf8(report.key.unwrap().to_vec()).unwrap();
        collected.lock().unwrap().push((key, report.partition, report.offset));
    });
    let producer = producer.build().await.unwrap();
    let summary = producer.send_all(&topic, departures(RECORDS as u32, 1)).await.unwrap();
    assert_eq!(summary, delivered(RECORDS));
    let mut reports = std::mem::take(&mut *reports.lock().unwrap());
    reports.sort();
    let messages = read(&cluster, &topic, RECORDS as usize);
    let place = |it: &OwnedMessage| (key(it).unwrap().to_owned(), it.partition(), it.offset());
    let mut places: Vec<_> = messages.iter().map(place).collect();
    places.sort();
    assert!(reports == places, "{} reports", reports.len());
}

#[tokio::test]
async fn a_file_of_json_lines_is_sent_as_it_stands() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let long = "x".repeat(2000);
    write!(file, "{{\"id\": 1}}\r\n\n[1]\n  {{ \"id\":\"a\\u0062\" }}\n{{\"id\":\n{long}\n")
        .unwrap();
    file.write_all(b"{\"id\":\"\xff\"}\n{\"last\":true}").unwrap();
    let skipped = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&skipped);
    let producer = producer(&cluster)
        .set("message.max.bytes", "1000")
        .on_skipped(move |it| collected.lock().unwrap().push(it.position))
        .build()
        .await
        .unwrap();
    let summary = producer.send_file(&topic, file.path()).await.unwrap();
    assert_eq!(summary, JsonSummary { skipped: 4, ..delivered(3) });
    assert_eq!(*skipped.lock().unwrap(), [3, 5, 6, 7]);

    let messages = read(&cluster, &topic, 3);
    let text = |it: &OwnedMessage| {
        let value = std::str::from_utf8(it.payload().unwrap()).unwrap().to_owned();
        (value, key(it).map(str::to_owned))
    };
    let mut found: Vec<_> = messages.iter().map(text).collect();
    found.sort();
    let expected = [
        ("{ \"id\":\"a\\u0062\" }", Some("\"ab\"")),
        ("{\"id\": 1}", Some("1")),
        ("{\"last\":true}", None),
    ];
    assert_eq!(found, expected.map(|(text, key)| (text.to_owned(), key.map(str::to_owned))));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named() {
    let cluster = TestCluster::start().await;
    let producer = producer(&cluster).build().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().join("nowhere.jsonl"), directory.path().to_owned()] {
        let error = producer.send_file("departures", &path).await.unwrap_err();
        assert!(matches!(error, Error::JsonLines { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

#[tokio::test]
async fn an_input_of_any_length_is_read_no_further_ahead_than_the_queues_hold() {
    const RECORDS: u64 = 30_000;
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let settled = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&settled);
    let producer = producer(&cluster)
        .max_workers(2)
        .batch_size(10)
        .set("queue.buffering.max.messages", "100")
        .on_delivery(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .await
        .unwrap();
    let most_ahead = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&most_ahead);
    let input = (0..RECORDS).map(move |number| {
        seen.fetch_max(number - settled.load(Ordering::Relaxed).min(number), Ordering::Relaxed);
        json!({"id": number, "text": "x".repeat(100)})
    });
    let summary = producer.send_all(&topic, input).await.unwrap();
    assert_eq!(summary.delivered, RECORDS);
    // For each worker four batches that wait and one in hand; the client's queue; and reports on
    // their way, which leave the queue a moment before they are counted.
    let most = 2 * 5 * 10 + 2 * 100;
    let most_ahead = most_ahead.load(Ordering::Relaxed);
    assert!(most_ahead > 100 && most_ahead <= most, "{most_ahead} records were read ahead");
}

#[tokio::test]
async fn what_has_no_report_when_the_flush_limit_has_passed_is_counted_as_still_queued() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = producer(&cluster).set("linger.ms", "60000").flush_limit(Duration::ZERO);
    let producer = producer.build().await.unwrap();
    let summary = producer.send_all(&topic, departures(1, 10)).await.unwrap();
    assert_eq!(summary, JsonSummary { still_queued: 10, ..delivered(0) });
    assert!(!summary.all_delivered());
}

#[tokio::test]
async fn a_slow_input_does_not_wait_for_a_batch_to_fill() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let (report, reports) = std::sync::mpsc::channel();
    let producer = producer(&cluster).batch_size(1000).on_delivery(move |_| {
        // No one waits for the last one.
        let _ = report.send(());
    });
    let producer = producer.build().await.unwrap();
    // Each record is given only when the one before has arrived.
    let input = (0..5).map(move |number| {
        if number > 0 {
            reports.recv_timeout(DEADLINE).expect("the record before it arrives by itself");
        }
        json!({ "number": number })
    });
    assert_eq!(producer.send_all(&topic, input).await.unwrap(), delivered(5));
}

#[tokio::test]
async fn an_input_whose_reader_is_dropped_is_not_read_on() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    // What was read goes on being sent, and the test's runtime waits for that.
    let producer = producer(&cluster).flush_limit(Duration::ZERO).build().await.unwrap();
    let reading = Arc::new(());
    let held = Arc::clone(&reading);
    let endless = (0_u64..).map(move |number| {
        let _held = &held;
        json!({ "number": number })
    });
    let sending = producer.send_all(&topic, endless);
    let stopped = tokio::time::timeout(Duration::from_millis(200), sending).await;
    assert!(stopped.is_err(), "an endless input has no summary: {stopped:?}");
    eventually("the input is let go", || (Arc::strong_count(&reading) == 1).then_some(()));
}

#[tokio::test]
async fn two_inputs_at_once_have_a_summary_each() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(3);
    let producer = producer(&cluster).build().await.unwrap();
    let (one, other) = tokio::join!(
        producer.send_all(&topic, departures(10, 500)),
        producer.send_all(&topic, departures(10, 30))
    );
    assert_eq!((one.unwrap(), other.unwrap()), (delivered(5000), delivered(300)));
    assert_eq!(records_in(&cluster, &topic).await, 5300);
}
