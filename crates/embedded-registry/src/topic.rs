//! Prepares the topic that keeps the state: one partition, compacted.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

use crate::error::Error;
use crate::quiet::Quiet;

/// A client that describes and creates topics. It has its own connections: on a consumer's, each
/// request would wait for the consumer's fetch to end.
pub(crate) type Admin = AdminClient<Quiet>;

/// The pause before a request to a broker is repeated.
const PAUSE: Duration = Duration::from_millis(50);

/// Connects to the cluster with these settings.
pub(crate) fn admin(config: &ClientConfig) -> KafkaResult<Admin> {
    let mut config = config.clone();
    // Checking whether a topic exists must not create it.
    config.set("allow.auto.create.topics", "false");
    config.create_with_context(Quiet)
}

/// Creates the topic if it is missing, and checks it otherwise.
pub(crate) fn prepare(
    admin: &Admin,
    servers: &str,
    topic: &str,
    limit: Duration,
) -> Result<(), Error> {
    let unfit = |reason: String| Error::Topic { topic: topic.to_owned(), reason };
    let unanswered = |source| Error::Cluster { servers: servers.to_owned(), source };
    let metadata = admin.inner().fetch_metadata(None, limit).map_err(unanswered)?;
    match partitions(&metadata, topic) {
        None => create(admin, topic, metadata.brokers().len(), limit).map_err(unfit),
        Some(1) => check_compacted(admin, topic, limit).map_err(unfit),
        Some(several) => {
            Err(unfit(format!("it has {several} partitions; the order of its records needs one")))
        }
    }
}

fn partitions(metadata: &Metadata, topic: &str) -> Option<usize> {
    let found = metadata.topics().iter().find(|it| it.name() == topic)?;
    (!found.partitions().is_empty()).then(|| found.partitions().len())
}

fn create(admin: &Admin, topic: &str, brokers: usize, limit: Duration) -> Result<(), String> {
    let replicas = TopicReplication::Fixed(brokers.clamp(1, 3) as i32);
    let topic = NewTopic::new(topic, 1, replicas).set("cleanup.policy", "compact");
    let options = AdminOptions::new().operation_timeout(Some(limit));
    let created = blocking(admin.create_topics([&topic], &options));
    match created.map_err(|error| error.to_string())?.into_iter().next() {
        // Another registry was faster.
        None | Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(()),
        Some(Err((_, code))) => Err(code.to_string()),
    }
}

/// Checks that the topic is compacted: otherwise, retention would remove schemas that records still
/// need.
fn check_compacted(admin: &Admin, topic: &str, limit: Duration) -> Result<(), String> {
    let deadline = Instant::now() + limit;
    let policy = loop {
        match cleanup_policy(admin, topic, limit)? {
            Some(policy) => break policy,
            // Another registry has just created the topic, and this broker does not know it yet.
            None if Instant::now() < deadline => std::thread::sleep(PAUSE),
            None => return Err("no broker describes its cleanup.policy".to_owned()),
        }
    };
    if policy == "compact" {
        return Ok(());
    }
    Err(format!(
        "its cleanup.policy is {policy}, so Kafka would remove schemas that are still needed; \
         set it to compact"
    ))
}

/// Queries one broker for the topic's setting; `None` if that broker does not know the topic.
fn cleanup_policy(admin: &Admin, topic: &str, limit: Duration) -> Result<Option<String>, String> {
    let options = AdminOptions::new().request_timeout(Some(limit));
    let described = blocking(admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options));
    let described = described.map_err(|error| error.to_string())?.into_iter().next();
    match described.ok_or("the cluster does not describe it")? {
        Ok(resource) => Ok(resource.get("cleanup.policy").and_then(|entry| entry.value.clone())),
        Err(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => Ok(None),
        Err(code) => Err(code.to_string()),
    }
}

/// Waits for a response that a thread of librdkafka delivers.
fn blocking<T>(answer: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime without sockets needs nothing of the system").block_on(answer)
}
