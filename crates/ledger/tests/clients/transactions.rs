//! Programs that send in transactions.

use rdkafka::producer::Producer;

use crate::scene::{LIMIT, Scene, TOPIC, flush, send, values};

#[tokio::test]
async fn records_of_aborted_and_open_transactions_are_counted_apart() {
    let scene = Scene::new().await;
    let producer = scene.producer(&[("transactional.id", "billing")]);
    let all = values(9);
    producer.init_transactions(LIMIT).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, &all[..4]).await;
    producer.commit_transaction(LIMIT).unwrap();
    producer.begin_transaction().unwrap();
    send(&producer, &all[4..6]).await;
    flush(&producer);
    producer.abort_transaction(LIMIT).unwrap();
    scene.read("reader", "read_committed", 4);
    producer.begin_transaction().unwrap();
    send(&producer, &all[6..]).await;

    let sheet = scene.sheet().await;
    let numbers = sheet.topic(TOPIC);
    let counts = (numbers.sent, numbers.acknowledged, numbers.on_the_cluster);
    assert_eq!(counts, (9, 9, 4), "{sheet}");
    assert_eq!((numbers.aborted, numbers.open, numbers.read), (2, 3, 4), "{sheet}");
    assert_eq!((numbers.lost, numbers.duplicated, numbers.out_of_order), (0, 0, 0));
    let text = sheet.to_string();
    assert!(text.contains("Open in transactions: 3 records."), "{text}");
    assert!(text.contains("Aborted in transactions: 2 records."), "{text}");
}

#[tokio::test]
async fn an_aborted_transaction_that_is_repeated_duplicates_nothing() {
    let scene = Scene::new().await;
    let producer = scene.producer(&[("transactional.id", "billing")]);
    producer.init_transactions(LIMIT).unwrap();
    for end in ["abort", "commit"] {
        producer.begin_transaction().unwrap();
        send(&producer, &values(5)).await;
        match end {
            "abort" => producer.abort_transaction(LIMIT).unwrap(),
            _ => producer.commit_transaction(LIMIT).unwrap(),
        }
    }
    let numbers = scene.sheet().await.topic(TOPIC);
    assert_eq!((numbers.sent, numbers.on_the_cluster, numbers.aborted), (10, 5, 5));
    assert_eq!((numbers.lost, numbers.duplicated), (0, 0));
}
