//! Programs whose cluster fails in the middle.

use embedded_kafka::{ApiKey, ResponseError};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use crate::scene::{LIMIT, Scene, TOPIC, send, send_to, values};

/// A compacted topic.
const TABLE: &str = "table";

#[tokio::test]
async fn an_idempotent_producer_that_gets_no_response_duplicates_nothing() {
    let scene = Scene::new().await;
    let producer = scene.producer(&[("enable.idempotence", "true"), ("linger.ms", "50")]);
    scene.cluster.drop_response(ApiKey::Produce);
    assert_eq!(send(&producer, &values(20)).await, []);
    let sheet = scene.sheet().await;
    let numbers = sheet.topic(TOPIC);
    let counts = (numbers.sent, numbers.acknowledged, numbers.on_the_cluster);
    assert_eq!(counts, (20, 20, 20));
    assert_eq!((numbers.lost, numbers.duplicated, numbers.out_of_order), (0, 0, 0));
    assert!(numbers.resent > 0, "the response was dropped: {sheet}");
    assert!(sheet.to_string().contains("after a lost response"), "{sheet}");
}

#[tokio::test]
async fn equal_records_of_an_idempotent_producer_that_come_again_are_no_duplicates() {
    let scene = Scene::new().await;
    let producer = scene.producer(&[("enable.idempotence", "true"), ("batch.num.messages", "1")]);
    // A node that knows no number of a producer accepts any first one.
    assert_eq!(send(&producer, &values(1)).await, []);
    let fail = ResponseError::NotEnoughReplicas;
    scene.cluster.fail_next(ApiKey::Produce, fail, 3).unwrap();
    let equal = vec!["tick".to_owned(); 20];
    assert_eq!(send(&producer, &equal).await, []);
    let sheet = scene.sheet().await;
    let numbers = sheet.topic(TOPIC);
    let counts = (numbers.sent, numbers.acknowledged, numbers.on_the_cluster);
    assert_eq!(counts, (21, 21, 21), "{sheet}");
    assert_eq!((numbers.lost, numbers.duplicated, numbers.out_of_order), (0, 0, 0), "{sheet}");
    assert!(numbers.resent >= 3, "{sheet}");
}

#[tokio::test]
async fn a_producer_without_idempotence_that_gets_no_response_duplicates_the_batch() {
    let scene = Scene::new().await;
    let producer = scene.producer(&[("linger.ms", "50")]);
    scene.cluster.drop_response(ApiKey::Produce);
    assert_eq!(send(&producer, &values(20)).await, []);
    let sheet = scene.sheet().await;
    let numbers = sheet.topic(TOPIC);
    assert!(numbers.duplicated > 0, "{sheet}");
    assert_eq!((numbers.sent, numbers.acknowledged, numbers.lost), (20, 20, 0));
    assert_eq!(numbers.on_the_cluster, 20 + numbers.duplicated);
    assert_eq!(numbers.duplicated, numbers.resent);
    let [explanation] = &sheet.topics[0].explanations[..] else { panic!("{sheet}") };
    let begin = format!("duplicated {}, in orders/0: ", numbers.duplicated);
    assert!(explanation.starts_with(&begin), "{explanation}");
    assert!(explanation.contains("got no response, and sent them again"), "{explanation}");
}

#[tokio::test]
async fn records_that_only_a_killed_leader_had_are_lost() {
    let scene = Scene::new().await;
    let [partition] = &scene.cluster.partitions()[..] else { panic!("one partition") };
    let leader = partition.leader.expect("it has a leader");
    let follower = *partition.in_sync.iter().find(|node| **node != leader).unwrap();
    let producer = scene.producer(&[("acks", "1"), ("linger.ms", "0")]);
    assert_eq!(send(&producer, &values(5)).await, []);
    scene.cluster.pause_replication(follower).await.unwrap();
    let later: Vec<String> = (0..3).map(|number| format!("late order {number}")).collect();
    assert_eq!(send(&producer, &later).await, []);
    scene.cluster.kill_node(leader).await.unwrap();
    let sheet = scene.sheet().await;
    let numbers = sheet.topic(TOPIC);
    let counts = (numbers.sent, numbers.acknowledged, numbers.on_the_cluster, numbers.lost);
    assert_eq!(counts, (8, 8, 5, 3), "{sheet}");
    assert_eq!(
        sheet.topics[0].explanations,
        [format!(
            "lost 3, in orders/0: node {leader} acknowledged them, and node {follower}, which \
             leads now, never had them; with acks=1 a leader does not wait for its followers, and \
             with acks=all it does."
        )]
    );
}

#[tokio::test]
async fn records_of_a_compacted_topic_that_only_a_killed_leader_had_are_lost_and_not_deleted() {
    let scene = Scene::new().await;
    let admin: AdminClient<DefaultClientContext> = scene.config(&[]).create().unwrap();
    let topic =
        NewTopic::new(TABLE, 1, TopicReplication::Fixed(2)).set("cleanup.policy", "compact");
    admin.create_topics([&topic], &AdminOptions::new()).await.unwrap();
    let partitions = scene.cluster.partitions();
    let table = partitions.iter().find(|it| it.topic == TABLE).unwrap();
    let leader = table.leader.expect("it has a leader");
    let follower = *table.in_sync.iter().find(|node| **node != leader).unwrap();
    let producer = scene.producer(&[("acks", "1"), ("linger.ms", "0")]);
    assert_eq!(send_to(TABLE, &producer, &values(5)).await, []);
    scene.cluster.pause_replication(follower).await.unwrap();
    let late = ["late 1", "late 2", "late 3"].map(str::to_owned);
    assert_eq!(send_to(TABLE, &producer, &late).await, []);
    scene.cluster.kill_node(leader).await.unwrap();
    // One of their offsets has another record afterwards.
    scene.ledger.settle(&scene.cluster).await;
    assert_eq!(send_to(TABLE, &producer, &["after".to_owned()]).await, []);
    let sheet = scene.sheet().await;
    let numbers = sheet.topic(TABLE);
    let counts = (numbers.acknowledged, numbers.on_the_cluster, numbers.lost, numbers.deleted);
    assert_eq!(counts, (9, 6, 3, 0), "{sheet}");
}

#[tokio::test]
async fn records_that_no_consumer_can_read_because_every_replica_is_down_are_noted() {
    let scene = Scene::new().await;
    assert_eq!(send(&scene.producer(&[("acks", "all")]), &values(5)).await, []);
    let [partition] = &scene.cluster.partitions()[..] else { panic!("one partition") };
    for node in &partition.in_sync {
        scene.cluster.kill_node(*node).await.unwrap();
    }
    let sheet = scene.ledger.sheet(&scene.cluster).await.unwrap();
    let numbers = sheet.topic(TOPIC);
    assert_eq!((numbers.on_the_cluster, numbers.lost), (5, 0), "{sheet}");
    let note = "Without a leader: orders/0. None of the 5 records there can be read until a node \
                returns that has them.";
    assert!(sheet.notes.iter().any(|it| it == note), "{sheet}");
}

#[tokio::test]
async fn a_batch_that_is_rejected_and_sent_again_is_out_of_order() {
    let scene = Scene::new().await;
    let settings = [("batch.num.messages", "1"), ("max.in.flight.requests.per.connection", "5")];
    let producer = scene.producer(&settings);
    let fail = ResponseError::NotEnoughReplicas;
    scene.cluster.fail_next(ApiKey::Produce, fail, 1).unwrap();
    assert_eq!(send(&producer, &values(10)).await, []);
    let sheet = scene.sheet().await;
    let numbers = sheet.topic(TOPIC);
    assert_eq!((numbers.sent, numbers.acknowledged, numbers.on_the_cluster), (10, 10, 10));
    assert_eq!((numbers.out_of_order, numbers.duplicated, numbers.lost), (1, 0, 0), "{sheet}");
    let [explanation] = &sheet.topics[0].explanations[..] else { panic!("{sheet}") };
    assert!(explanation.contains("their producer got NOT_ENOUGH_REPLICAS"), "{explanation}");
    assert!(sheet.notes[0].contains("1 after NOT_ENOUGH_REPLICAS"), "{:?}", sheet.notes);
}

#[tokio::test]
async fn an_idempotent_producer_keeps_the_order() {
    let scene = Scene::new().await;
    let settings = [("enable.idempotence", "true"), ("batch.num.messages", "1")];
    let producer = scene.producer(&settings);
    // From here on the node knows the producer, and rejects what comes after a gap.
    assert_eq!(send(&producer, &["first".to_owned()]).await, []);
    let fail = ResponseError::NotEnoughReplicas;
    scene.cluster.fail_next(ApiKey::Produce, fail, 1).unwrap();
    assert_eq!(send(&producer, &values(10)).await, []);
    let sheet = scene.sheet().await;
    let numbers = sheet.topic(TOPIC);
    assert_eq!((numbers.sent, numbers.on_the_cluster), (11, 11), "{sheet}");
    assert_eq!((numbers.out_of_order, numbers.duplicated), (0, 0), "{sheet}");
    assert!(numbers.resent > 0, "{sheet}");
}

#[tokio::test]
async fn a_record_whose_producer_gives_up_is_neither_acknowledged_nor_lost() {
    let scene = Scene::new().await;
    let producer = scene.producer(&[("message.send.max.retries", "0")]);
    let fail = ResponseError::NotEnoughReplicas;
    scene.cluster.fail_next(ApiKey::Produce, fail, 1).unwrap();
    let errors = tokio::time::timeout(LIMIT, send(&producer, &values(1))).await.unwrap();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let numbers = scene.sheet().await.topic(TOPIC);
    assert_eq!((numbers.sent, numbers.acknowledged, numbers.on_the_cluster), (1, 0, 0));
    assert_eq!((numbers.lost, numbers.resent), (0, 0));
}
