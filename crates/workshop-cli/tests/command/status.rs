//! `cargo workshop status`. These tests know their cluster by its addresses alone, so they run on
//! the one that `KAFKA_BOOTSTRAP_SERVERS` names as well.

use std::time::Duration;

use crate::process::{Data, Up, stderr};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

const LIMIT: Duration = Duration::from_secs(30);

/// A cluster to look at: the one that the environment names, or one of our own.
struct Subject {
    servers: String,
    data: Data,
    _up: Option<Up>,
}

impl Subject {
    fn new() -> Self {
        let data = Data::new();
        match std::env::var("KAFKA_BOOTSTRAP_SERVERS") {
            Ok(servers) => Self { servers, data, _up: None },
            Err(_) => {
                let up = Up::start(&data, &["--port", "0", "--no-registry"]);
                Self { servers: up.bootstrap_servers(), data, _up: Some(up) }
            }
        }
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.servers);
        config
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config().create().unwrap()
    }

    /// What status prints of the cluster at these addresses.
    fn status(&self) -> String {
        let mut command = self.data.command();
        let output =
            command.arg("status").env("KAFKA_BOOTSTRAP_SERVERS", &self.servers).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// The words of the line that begins with this one.
fn line<'a>(status: &'a str, first: &str) -> Vec<&'a str> {
    let mut lines = status.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.find(|words| words.first() == Some(&first)).unwrap_or_default()
}

/// A name that no one else on a shared cluster has.
fn unique(name: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("{name}-{}-{}", std::process::id(), now.as_nanos())
}

async fn create_topic(subject: &Subject, topic: &str, partitions: i32) {
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(3));
    let options = AdminOptions::new().operation_timeout(Some(LIMIT));
    for created in subject.admin().create_topics([&new], &options).await.unwrap() {
        created.unwrap();
    }
}

async fn produce(subject: &Subject, topic: &str, partition: i32, records: usize) {
    let producer: FutureProducer = subject.config().create().unwrap();
    for _ in 0..records {
        let record = FutureRecord::<(), str>::to(topic).partition(partition).payload("EHAM");
        producer.send(record, LIMIT).await.map_err(|(error, _)| error).unwrap();
    }
}

fn commit(subject: &Subject, group: &str, topic: &str, offsets: &[(i32, i64)]) {
    let consumer: BaseConsumer = subject.config().set("group.id", group).create().unwrap();
    let mut list = TopicPartitionList::new();
    for &(partition, offset) in offsets {
        list.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
    }
    consumer.commit(&list, CommitMode::Sync).unwrap();
}

async fn delete(subject: &Subject, topic: &str, group: &str) {
    let options = AdminOptions::new();
    subject.admin().delete_groups(&[group], &options).await.unwrap();
    subject.admin().delete_topics(&[topic], &options).await.unwrap();
}

#[tokio::test]
async fn topics_groups_and_lag_are_shown() {
    let subject = Subject::new();
    let (topic, group) = (unique("airports"), unique("east-coast-dpt"));
    create_topic(&subject, &topic, 2).await;
    produce(&subject, &topic, 0, 5).await;
    produce(&subject, &topic, 1, 2).await;
    commit(&subject, &group, &topic, &[(0, 3)]);

    let status = subject.status();
    assert_eq!(line(&status, &topic), [&topic, "2", "3", "7"], "{status}");
    let committed = [&group, "Empty", "0", &topic, "1", "of", "2", "partitions", "2"];
    assert_eq!(line(&status, &group), committed, "{status}");

    commit(&subject, &group, &topic, &[(0, 5), (1, 2)]);
    let status = subject.status();
    let committed = [&group, "Empty", "0", &topic, "all", "partitions", "0"];
    assert_eq!(line(&status, &group), committed, "{status}");
    delete(&subject, &topic, &group).await;
}

#[tokio::test]
async fn a_group_that_reads_and_has_committed_nothing_has_no_lag_to_show() {
    let subject = Subject::new();
    let (topic, group) = (unique("airports"), unique("west-coast-dpt"));
    create_topic(&subject, &topic, 1).await;
    produce(&subject, &topic, 0, 1).await;
    let mut config = subject.config();
    config.set("group.id", &group).set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = config.set("enable.auto.commit", "false").create().unwrap();
    consumer.subscribe(&[&topic]).unwrap();
    while consumer.poll(Duration::from_millis(100)).and_then(Result::ok).is_none() {}

    let status = subject.status();
    assert_eq!(line(&status, &group), [&group, "Stable", "1", &topic, "-", "-"], "{status}");
    drop(consumer);
    delete(&subject, &topic, &group).await;
}

/// librdkafka describes it as a classic group, and those are `Dead` to it.
#[tokio::test]
async fn a_group_of_the_consumer_protocol_is_shown_with_its_members() {
    let subject = Subject::new();
    let (topic, group) = (unique("airports"), unique("north-coast-dpt"));
    create_topic(&subject, &topic, 2).await;
    produce(&subject, &topic, 0, 1).await;
    let member = || -> BaseConsumer {
        let mut config = subject.config();
        config.set("group.id", &group).set("auto.offset.reset", "earliest");
        config.set("group.protocol", "consumer").set("enable.auto.commit", "false");
        let consumer: BaseConsumer = config.create().unwrap();
        consumer.subscribe(&[&topic]).unwrap();
        consumer
    };
    let members = [member(), member()];
    let has_a_partition = |consumer: &BaseConsumer| {
        consumer.poll(Duration::from_millis(20));
        consumer.assignment().unwrap().count() == 1
    };
    // Each is polled in each round: a member that is not polled holds the others up.
    while members.iter().filter(|member| has_a_partition(member)).count() < members.len() {}

    let status = subject.status();
    assert_eq!(line(&status, &group), [&group, "Stable", "2", &topic, "-", "-"], "{status}");
    drop(members);
    commit(&subject, &group, &topic, &[(0, 1)]);
    let status = subject.status();
    let committed = [&group, "Empty", "0", &topic, "1", "of", "2", "partitions", "0"];
    assert_eq!(line(&status, &group), committed, "{status}");
    delete(&subject, &topic, &group).await;
}

#[test]
fn looking_changes_nothing() {
    let subject = Subject::new();
    let before = subject.status();
    assert!(before.contains("NODE"), "{before}");
    if subject._up.is_some() {
        // On a cluster that others use, something may change by itself.
        assert!(before.contains("No topics yet."), "{before}");
        assert_eq!(subject.status(), before);
    }
}

#[test]
fn a_cluster_that_does_not_answer_is_an_error_that_names_it() {
    let data = Data::new();
    let address = format!("127.0.0.1:{}", engines::free_ports(1)[0]);
    let mut command = data.command();
    let output = command.arg("status").env("KAFKA_BOOTSTRAP_SERVERS", &address).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = stderr(&output);
    assert!(error.contains(&address) && error.contains("within 5 s"), "{error}");
}

#[test]
fn with_no_cluster_status_says_how_to_start_one_and_creates_nothing() {
    let data = Data::new();
    let status = data.printed(&["status"]);
    assert!(status.contains("No cluster runs here."), "{status}");
    assert!(status.contains("cargo workshop up"), "{status}");
    assert!(!data.path().exists());
}
