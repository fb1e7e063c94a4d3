//! Settings of topics and brokers as librdkafka describes and alters them.

use std::collections::HashMap;
use std::time::Duration;

use rdkafka::admin::{
    AdminOptions, AlterConfig, ConfigResource, ConfigSource, OwnedResourceSpecifier,
    ResourceSpecifier,
};
use rdkafka::error::RDKafkaErrorCode;
use workshop_tests::{DEADLINE, TestCluster, eventually};

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(DEADLINE))
}

async fn describe(
    cluster: &TestCluster,
    resource: ResourceSpecifier<'_>,
) -> Result<ConfigResource, RDKafkaErrorCode> {
    let answer = cluster.admin().describe_configs([&resource], &options()).await;
    answer.expect("an answer").pop().expect("one resource, one answer")
}

/// Replaces a topic's own settings. The rdkafka crate drops a topic's error here and in
/// `describe`: what is refused is tested with raw requests.
async fn alter(cluster: &TestCluster, topic: &str, settings: &[(&str, &str)]) {
    let mut change = AlterConfig::new(ResourceSpecifier::Topic(topic));
    for (key, value) in settings {
        change = change.set(key, value);
    }
    let answer = cluster.admin().alter_configs([&change], &options()).await.expect("an answer");
    assert_eq!(answer[0], Ok(OwnedResourceSpecifier::Topic(topic.to_owned())));
}

/// Every topic setting of Apache Kafka 4.3 with the value that it has when no one set it.
const DEFAULTS: &[(&str, &str)] = &[
    ("cleanup.policy", "delete"),
    ("compression.type", "producer"),
    ("delete.retention.ms", "86400000"),
    ("file.delete.delay.ms", "60000"),
    ("flush.messages", "9223372036854775807"),
    ("flush.ms", "9223372036854775807"),
    ("index.interval.bytes", "4096"),
    ("max.compaction.lag.ms", "9223372036854775807"),
    ("max.message.bytes", "1048588"),
    ("message.timestamp.after.max.ms", "3600000"),
    ("message.timestamp.before.max.ms", "9223372036854775807"),
    ("message.timestamp.type", "CreateTime"),
    ("min.cleanable.dirty.ratio", "0.5"),
    ("min.compaction.lag.ms", "0"),
    ("min.insync.replicas", "1"),
    ("preallocate", "false"),
    ("retention.bytes", "-1"),
    ("retention.ms", "604800000"),
    ("segment.bytes", "1073741824"),
    ("segment.index.bytes", "10485760"),
    ("segment.jitter.ms", "0"),
    ("segment.ms", "604800000"),
    ("unclean.leader.election.enable", "false"),
];

#[tokio::test]
async fn a_topic_describes_every_setting_with_its_default() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let answer = describe(&cluster, ResourceSpecifier::Topic(&topic)).await.expect("described");
    assert_eq!(answer.specifier, OwnedResourceSpecifier::Topic(topic));
    let entries = answer.entry_map();
    for (name, value) in DEFAULTS {
        let entry = entries.get(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(entry.value.as_deref(), Some(*value), "{name}");
        assert!(!entry.is_read_only && !entry.is_sensitive, "{name}");
        // Where min.insync.replicas comes from depends on the cluster: since 4.0 a new one sets it
        // for all its topics (KIP-966).
        if *name != "min.insync.replicas" {
            assert_eq!(entry.source, ConfigSource::Default, "{name}");
            assert!(entry.is_default, "{name}");
        }
    }
}

#[tokio::test]
async fn what_was_set_at_creation_is_the_topics_own() {
    let cluster = TestCluster::start().await;
    let settings = [("retention.ms", "1000"), ("cleanup.policy", "compact,delete")];
    let topic = cluster.create_topic_with(1, 1, &settings);
    let answer = describe(&cluster, ResourceSpecifier::Topic(&topic)).await.expect("described");
    for (name, value) in settings {
        let entry = answer.get(name).expect("it is there");
        assert_eq!(entry.value.as_deref(), Some(value));
        assert_eq!(entry.source, ConfigSource::DynamicTopic);
        assert!(!entry.is_default);
    }
}

#[tokio::test]
async fn altering_replaces_all_of_the_topics_own_settings() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic_with(1, 1, &[("retention.ms", "1000")]);
    alter(&cluster, &topic, &[("segment.ms", "2000")]).await;
    let own = || async {
        let answer = describe(&cluster, ResourceSpecifier::Topic(&topic)).await;
        let entries = answer.expect("described").entries.into_iter();
        entries
            .filter(|it| it.source == ConfigSource::DynamicTopic)
            .map(|it| (it.name, it.value.unwrap_or_default()))
            .collect::<HashMap<_, _>>()
    };
    let expected = HashMap::from([("segment.ms".to_owned(), "2000".to_owned())]);
    let mut tries = 0;
    while own().await != expected {
        tries += 1;
        assert!(tries < 100, "the change is not visible");
    }
}

#[tokio::test]
async fn a_broker_describes_its_own_settings() {
    let cluster = TestCluster::start().await;
    let answer = describe(&cluster, ResourceSpecifier::Broker(2)).await.expect("described");
    assert_eq!(answer.specifier, OwnedResourceSpecifier::Broker(2));
    let value = |name| answer.get(name).and_then(|it| it.value.clone());
    assert_eq!(value("auto.create.topics.enable").as_deref(), Some("true"));
    assert_eq!(value("default.replication.factor").as_deref(), Some("3"));
    assert_eq!(value("num.partitions").as_deref(), Some("1"));
    assert_eq!(value("message.max.bytes").as_deref(), Some("1048588"));
}

#[tokio::test]
async fn a_changed_limit_holds_for_the_next_record() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let producer = cluster.producer(&[]);
    alter(&cluster, &topic, &[("max.message.bytes", "500")]).await;
    let mut leader = cluster.connect_to_leader(&topic, 0);
    eventually("the limit holds", || {
        let batch = workshop_tests::batch::Batch::of(&[&"x".repeat(1_000)]).encode();
        let request = workshop_tests::requests::produce(&topic, 0, -1, batch);
        let answer = leader.call(9, &request);
        (workshop_tests::requests::produced(&answer).error_code == 10).then_some(())
    });
    let payload = "x".repeat(1_000);
    let record = rdkafka::producer::FutureRecord::<str, str>::to(&topic).payload(&payload);
    let (error, _) = producer.send(record, Duration::from_secs(5)).await.expect_err("too large");
    assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::MessageSizeTooLarge));
}
