//! Programs that nothing disturbs.

use std::time::{Duration, Instant};

use embedded_kafka::{Cluster, TopicAtStart};
use ledger::{Ledger, Numbers};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::FutureRecord;

use crate::scene::{LIMIT, Scene, TOPIC, send, send_to, values};

#[tokio::test]
async fn records_that_are_sent_and_read_are_counted_once() {
    let scene = Scene::new().await;
    let producer = scene.producer(&[("acks", "all")]);
    assert_eq!(send(&producer, &values(100)).await, []);
    scene.read("billing", "read_committed", 100);
    scene.read("shipping", "read_committed", 40);
    let sheet = scene.sheet().await;
    let numbers = sheet.topic(TOPIC);
    let counts = (numbers.sent, numbers.acknowledged, numbers.on_the_cluster, numbers.read);
    assert_eq!(counts, (100, 100, 100, 100));
    assert_eq!((numbers.lost, numbers.duplicated, numbers.out_of_order), (0, 0, 0));
    let groups: Vec<_> =
        sheet.groups.iter().map(|it| (it.group.as_str(), it.committed, it.of)).collect();
    assert_eq!(groups, [("billing", 100, 100), ("shipping", 40, 100)]);
    let text = sheet.to_string();
    let row = text.lines().nth(1).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(row, [TOPIC, "100", "100", "100", "100", "0", "0", "0"]);
    assert!(text.contains("Group shipping has committed 40 of 100 records of orders."), "{text}");
}

#[tokio::test]
async fn equal_records_that_were_sent_twice_are_no_duplicates() {
    let scene = Scene::new().await;
    let producer = scene.producer(&[("acks", "all")]);
    let equal = vec!["the same".to_owned(); 50];
    send(&producer, &equal).await;
    send(&producer, &equal).await;
    let numbers = scene.sheet().await.topic(TOPIC);
    assert_eq!((numbers.sent, numbers.on_the_cluster), (100, 100));
    assert_eq!((numbers.duplicated, numbers.resent), (0, 0));
}

#[tokio::test]
async fn compressed_batches_are_read_record_by_record() {
    for codec in ["gzip", "snappy", "lz4"] {
        let scene = Scene::new().await;
        let producer = scene.producer(&[("compression.type", codec), ("linger.ms", "50")]);
        send(&producer, &values(200)).await;
        let numbers = scene.sheet().await.topic(TOPIC);
        let counts = (numbers.sent, numbers.acknowledged, numbers.on_the_cluster);
        assert_eq!(counts, (200, 200, 200), "{codec}");
        assert_eq!((numbers.lost, numbers.duplicated, numbers.not_noted), (0, 0, 0), "{codec}");
    }
}

#[tokio::test]
async fn records_without_acknowledgements_are_sent_and_not_acknowledged() {
    let scene = Scene::new().await;
    let producer = scene.producer(&[("acks", "0")]);
    send(&producer, &values(10)).await;
    let numbers = scene.sheet().await.topic(TOPIC);
    let counts = (numbers.sent, numbers.acknowledged, numbers.on_the_cluster);
    assert_eq!(counts, (10, 0, 10));
    assert_eq!((numbers.lost, numbers.not_noted), (0, 0));
}

#[tokio::test]
async fn deleted_records_are_not_lost() {
    let scene = Scene::new().await;
    send(&scene.producer(&[("acks", "all")]), &values(10)).await;
    let admin: AdminClient<DefaultClientContext> = scene.config(&[]).create().unwrap();
    let mut until = rdkafka::TopicPartitionList::new();
    until.add_partition_offset(TOPIC, 0, rdkafka::Offset::Offset(4)).unwrap();
    admin.delete_records(&until, &AdminOptions::new()).await.unwrap();
    let numbers = scene.sheet().await.topic(TOPIC);
    let counts = (numbers.acknowledged, numbers.on_the_cluster, numbers.deleted, numbers.lost);
    assert_eq!(counts, (10, 6, 4, 0));

    let deleted = admin.delete_topics(&[TOPIC], &AdminOptions::new()).await.unwrap();
    assert_eq!(deleted, [Ok(TOPIC.to_owned())]);
    let numbers = scene.sheet().await.topic(TOPIC);
    assert_eq!((numbers.on_the_cluster, numbers.deleted, numbers.lost), (0, 10, 0));
}

#[tokio::test]
async fn records_that_compaction_has_removed_are_deleted_and_not_read() {
    let scene = Scene::compacting().await;
    let admin: AdminClient<DefaultClientContext> = scene.config(&[]).create().unwrap();
    let topic = NewTopic::new("table", 1, TopicReplication::Fixed(1))
        .set("cleanup.policy", "compact")
        .set("segment.ms", "100")
        .set("max.compaction.lag.ms", "100");
    admin.create_topics([&topic], &AdminOptions::new()).await.unwrap();
    let producer = scene.producer(&[("linger.ms", "50")]);
    // Compaction leaves gaps in their batch, because later ones have the key k again.
    let keys = ["k", "a", "k", "b", "k", "c", "k", "d", "k", "e"];
    let records = keys.map(|key| FutureRecord::to("table").partition(0).key(key).payload("first"));
    let sent = records.map(|it| producer.send_result(it).map_err(|(error, _)| error).unwrap());
    for delivery in sent {
        delivery.await.expect("the producer lives").unwrap();
    }
    let begin = Instant::now();
    let mut sent = 10;
    let left = loop {
        let left = scene.records("table").await;
        if left < sent {
            break left;
        }
        assert!(begin.elapsed() < LIMIT, "the log is compacted in time");
        // A segment ends with the record that comes after its time.
        let last = format!("last {sent}");
        assert_eq!(send_to("table", &producer, &[last]).await, []);
        sent += 1;
    };
    let settings = [("group.id", "g"), ("enable.auto.commit", "false")];
    let consumer: BaseConsumer = scene.config(&settings).create().unwrap();
    let mut all = rdkafka::TopicPartitionList::new();
    all.add_partition_offset("table", 0, rdkafka::Offset::Beginning).unwrap();
    consumer.assign(&all).unwrap();
    let mut read = 0;
    let end = i64::try_from(sent).unwrap() - 1;
    while begin.elapsed() < LIMIT {
        let Some(record) = consumer.poll(Duration::from_millis(100)) else { continue };
        read += 1;
        if record.unwrap().offset() == end {
            break;
        }
    }
    drop(consumer);
    let numbers = scene.sheet().await.topic("table");
    assert!(read <= left as u64, "{read} of {left}");
    assert_eq!((numbers.read, numbers.lost), (read, 0));
    assert_eq!(numbers.acknowledged, numbers.on_the_cluster + numbers.deleted);
}

#[tokio::test]
async fn a_full_ledger_says_so() {
    let topic = TopicAtStart::new(TOPIC).partitions(1);
    let cluster = Cluster::builder().topic(topic).start().await.unwrap();
    let ledger = Ledger::watch_up_to(&cluster, 5);
    let scene = Scene { cluster, ledger };
    let producer = scene.producer(&[("batch.num.messages", "1")]);
    send(&producer, &values(12)).await;
    let sheet = scene.sheet().await;
    let numbers = sheet.topic(TOPIC);
    assert_eq!((numbers.sent, numbers.on_the_cluster, numbers.duplicated), (5, 12, 0));
    let note = &sheet.notes[0];
    assert!(
        note.starts_with("The ledger is full. Sent and not in the table: 7 records."),
        "{note}"
    );
}

#[tokio::test]
async fn a_sheet_survives_json() {
    let scene = Scene::new().await;
    send(&scene.producer(&[]), &values(3)).await;
    let sheet = scene.sheet().await;
    let json = serde_json::to_string(&sheet).unwrap();
    assert!(json.contains(r#""topic":"orders","sent":3,"acknowledged":3"#), "{json}");
    assert_eq!(serde_json::from_str::<ledger::Sheet>(&json).unwrap(), sheet);
}

#[tokio::test]
async fn a_program_that_does_nothing_has_an_empty_sheet() {
    let scene = Scene::new().await;
    let sheet = scene.sheet().await;
    assert_eq!((sheet.topics.len(), sheet.total), (0, Numbers::default()));
}
