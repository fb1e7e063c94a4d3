//! Programs that nothing disturbs.

use embedded_kafka::{Cluster, TopicAtStart};
use ledger::{Ledger, Numbers};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;

use crate::scene::{Scene, TOPIC, send, values};

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
