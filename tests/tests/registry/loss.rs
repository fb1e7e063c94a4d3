//! The topic goes away, comes back as another one, or is cut short under a registry that runs.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use embedded_registry::Registry;
use rdkafka::admin::{AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::producer::FutureRecord;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};
use tracing_subscriber::filter::LevelFilter;
use workshop_tests::{TestCluster, eventually};

use crate::http::{Answer, TestRegistry, avro, send};

/// How long the cluster may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// What the registries of this process logged as errors.
static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Logged;

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.lock().expect("no writer panics").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged(needle: &str) -> Option<()> {
    let logged = LOGGED.lock().expect("no writer panics");
    String::from_utf8_lossy(&logged).contains(needle).then_some(())
}

async fn started() -> TestRegistry {
    // Another test of this process may have been here first.
    let _ = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::ERROR)
        .with_ansi(false)
        .with_writer(|| Logged)
        .try_init();
    let it = TestRegistry::start().await;
    assert_eq!(it.register("s", &fixed("A")), 1);
    assert_eq!(it.register("s", &fixed("B")), 2);
    it
}

/// Each name makes another schema, and each may follow the other.
fn fixed(name: &str) -> Value {
    avro(&json!({ "type": "fixed", "name": "F", "size": 1, "doc": name }))
}

async fn delete(cluster: &TestCluster, topic: &str) {
    let deleted = cluster.admin().delete_topics(&[topic], &AdminOptions::new()).await;
    assert!(matches!(deleted.expect("it answers").as_slice(), [Ok(_)]), "{topic} is there");
    let consumer = cluster.consumer(&cluster.group_name(), &[]);
    eventually("the topic is gone", || {
        let metadata = consumer.fetch_metadata(Some(topic), LIMIT).ok()?;
        metadata.topics().iter().all(|it| it.partitions().is_empty()).then_some(())
    });
}

async fn create(cluster: &TestCluster, topic: &str) {
    let new = NewTopic::new(topic, 1, TopicReplication::Fixed(1)).set("cleanup.policy", "compact");
    let created = cluster.admin().create_topics([&new], &AdminOptions::new()).await;
    assert!(matches!(created.expect("it answers").as_slice(), [Ok(_)]), "{topic} was gone");
    cluster.wait_for_leaders(topic, 1);
}

/// Kafka deletes records only where the policy says that they may go.
async fn delete_records(cluster: &TestCluster, topic: &str, before: Offset) {
    set_policy(cluster, topic, "compact,delete").await;
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, 0, before).expect("it is valid");
    let deleted = cluster.admin().delete_records(&offsets, &AdminOptions::new()).await;
    let deleted = deleted.expect("it answers");
    deleted.elements()[0].error().expect("they are deleted");
    set_policy(cluster, topic, "compact").await;
}

async fn set_policy(cluster: &TestCluster, topic: &str, policy: &str) {
    let alter = AlterConfig::new(ResourceSpecifier::Topic(topic)).set("cleanup.policy", policy);
    let altered = cluster.admin().alter_configs([&alter], &AdminOptions::new()).await;
    assert!(matches!(altered.expect("it answers").as_slice(), [Ok(_)]));
}

/// What nothing must change once the topic is lost: each write is refused, and says why.
fn check_refused(it: &TestRegistry, what: &str) {
    let answers: [(&str, Answer); 7] = [
        (
            "Register schema operation failed while writing to the Kafka store",
            it.post("/subjects/s/versions", &fixed("C")),
        ),
        (
            "Delete Schema Version operation failed while writing to the Kafka store",
            it.delete("/subjects/s/versions/1"),
        ),
        ("Error while deleting the subject s", it.delete("/subjects/s")),
        (
            "Failed to update compatibility level",
            it.put("/config/s", &json!({ "compatibility": "FULL" })),
        ),
        ("Failed to delete compatibility level", it.delete("/config")),
        ("Failed to update mode", it.put("/mode/s", &json!({ "mode": "READONLY" }))),
        ("Failed to delete mode", it.delete("/mode")),
    ];
    let reason = format!(
        "{} while this registry ran. It still serves the schemas it knows, and rejects writes. \
         Restore the topic from a backup, or register the schemas again after the restart; then \
         restart the registry. Allocated ids are never reused",
        what.replace("{}", &it.topic)
    );
    for (wording, answer) in answers {
        assert_eq!(answer.error(), (500, 50001), "{wording}: {answer:?}");
        assert_eq!(answer.json()["message"], format!("{wording}: {reason}"));
    }
    // Readers of records go on.
    assert_eq!(it.get("/schemas/ids/1").status, 200);
    assert_eq!(it.register("s", &fixed("B")), 2, "what is there already needs no writing");
    eventually("it is in the log", || logged(&reason));
}

/// The registry starts again, and gives out ids that no one had before.
async fn check_restarted(it: TestRegistry, next: u64) {
    let TestRegistry { registry, topic, cluster } = it;
    registry.shutdown().await;
    let builder = Registry::builder(cluster.bootstrap_servers()).topic(&topic);
    let again = builder.start().await.expect("it starts again");
    for (name, id) in [("D", next), ("E", next + 1)] {
        let answer = register(again.address(), name);
        assert_eq!(answer.json()["id"], id, "{name}: {answer:?}");
    }
    assert_eq!(partitions_and_policy(&cluster, &topic).await, (1, "compact".to_owned()));
    again.shutdown().await;
}

fn register(address: SocketAddr, name: &str) -> Answer {
    send(address, "POST", "/subjects/s/versions", &[], fixed(name).to_string().as_bytes())
}

async fn partitions_and_policy(cluster: &TestCluster, topic: &str) -> (usize, String) {
    let admin = cluster.admin();
    let asked = [ResourceSpecifier::Topic(topic)];
    let described = admin.describe_configs(&asked, &AdminOptions::new()).await;
    let resources = described.expect("it answers");
    let resource = resources[0].as_ref().expect("the topic is there");
    let policy = resource.get("cleanup.policy").and_then(|entry| entry.value.clone());
    let metadata = admin.inner().fetch_metadata(Some(topic), LIMIT).expect("it answers");
    (metadata.topics()[0].partitions().len(), policy.unwrap_or_default())
}

#[tokio::test]
async fn a_registry_whose_topic_is_deleted_writes_nothing_and_does_not_bring_it_back() {
    let it = started().await;
    delete(&it.cluster, &it.topic).await;
    check_refused(&it, "the topic {} was deleted");
    let consumer = it.cluster.consumer(&it.cluster.group_name(), &[]);
    let metadata = consumer.fetch_metadata(Some(&it.topic), LIMIT).expect("it answers");
    assert!(metadata.topics().iter().all(|topic| topic.partitions().is_empty()));
    check_restarted(it, 3).await;
}

#[tokio::test]
async fn a_deletion_is_noticed_before_anybody_writes() {
    let it = started().await;
    delete(&it.cluster, &it.topic).await;
    eventually("it is in the log", || logged(&format!("the topic {} was deleted", it.topic)));
    check_restarted(it, 3).await;
}

#[tokio::test]
async fn a_topic_that_was_created_again_is_not_the_same_topic() {
    let it = started().await;
    delete(&it.cluster, &it.topic).await;
    create(&it.cluster, &it.topic).await;
    // Who was quick enough to see it missing says that it was deleted.
    let answer = it.post("/subjects/s/versions", &fixed("C"));
    assert_eq!(answer.error(), (500, 50001), "{answer:?}");
    let created_again = answer.text.contains("created again");
    let again = if created_again { " and created again" } else { "" };
    check_refused(&it, &format!("the topic {{}} was deleted{again}"));
    check_restarted(it, 3).await;
}

#[tokio::test]
async fn a_topic_that_was_restored_from_a_backup_is_not_the_same_topic() {
    let it = started().await;
    delete(&it.cluster, &it.topic).await;
    create(&it.cluster, &it.topic).await;
    // As many records as the old one had, and more.
    let producer = it.cluster.producer(&[]);
    let key = r#"{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}"#;
    let value = r#"{"subject":"s","version":1,"id":1,"schema":"\"int\"","deleted":false}"#;
    for _ in 0..20 {
        let record = FutureRecord::to(&it.topic).partition(0).key(key).payload(value);
        producer.send(record, LIMIT).await.expect("it is delivered");
    }
    let answer = it.post("/subjects/s/versions", &fixed("C"));
    assert_eq!(answer.error(), (500, 50001), "{answer:?}");
    let restored = it.get("/subjects/s/versions/1").json();
    assert_ne!(restored["schema"], "\"int\"", "the old and the new are not mixed");
    let TestRegistry { registry, topic, cluster } = it;
    registry.shutdown().await;
    let builder = Registry::builder(cluster.bootstrap_servers()).topic(&topic);
    let again = builder.start().await.expect("it starts again");
    let restored = send(again.address(), "GET", "/schemas/ids/1", &[], b"").json();
    assert_eq!(restored["schema"], "\"int\"");
    let config = json!({ "compatibility": "NONE" }).to_string();
    assert_eq!(send(again.address(), "PUT", "/config", &[], config.as_bytes()).status, 200);
    assert_eq!(register(again.address(), "C").json()["id"], 3, "1 and 2 were assigned");
    again.shutdown().await;
}

#[tokio::test]
async fn a_topic_whose_records_were_deleted_is_written_to_no_more() {
    for before in [Offset::End, Offset::Offset(2)] {
        let it = started().await;
        delete_records(&it.cluster, &it.topic, before).await;
        check_refused(&it, "records of the topic {} were deleted");
        check_restarted(it, 3).await;
    }
}

#[tokio::test]
async fn assigned_ids_are_persisted_again_after_their_file_was_deleted() {
    let it = started().await;
    let ids = format!("{}_ids", it.topic);
    assert_eq!(partitions_and_policy(&it.cluster, &ids).await, (1, "compact".to_owned()));
    delete(&it.cluster, &ids).await;
    assert_eq!(it.register("s", &fixed("C")), 3);
    assert_eq!(partitions_and_policy(&it.cluster, &ids).await, (1, "compact".to_owned()));
    delete(&it.cluster, &it.topic).await;
    check_restarted(it, 4).await;
}

#[tokio::test]
async fn an_imported_id_is_not_assigned_after_a_loss() {
    let it = started().await;
    assert_eq!(it.put("/mode/i", &json!({ "mode": "IMPORT" })).status, 200);
    let mut imported = fixed("I");
    imported["id"] = json!(50);
    assert_eq!(it.register("i", &imported), 50);
    delete(&it.cluster, &it.topic).await;
    check_restarted(it, 51).await;
}
