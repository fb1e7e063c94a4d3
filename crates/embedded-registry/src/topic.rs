//! Making sure that the topic is there and fit to keep the state: one partition, compacted.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::Metadata;

use crate::error::Error;
use crate::log::Quiet;

/// Creates the topic where it is missing, and checks it where it is there.
pub(crate) fn prepare(
    config: &ClientConfig,
    consumer: &BaseConsumer<Quiet>,
    topic: &str,
    limit: Duration,
) -> Result<(), Error> {
    let unfit = |reason: String| Error::Topic { topic: topic.to_owned(), reason };
    let unanswered = |source| Error::Cluster {
        servers: config.get("bootstrap.servers").unwrap_or_default().to_owned(),
        source,
    };
    let metadata = consumer.fetch_metadata(None, limit).map_err(unanswered)?;
    let admin: AdminClient<DefaultClientContext> = config.create().map_err(Error::Settings)?;
    match partitions(&metadata, topic) {
        None => create(&admin, topic, metadata.brokers().len(), limit).map_err(unfit),
        Some(1) => check_compacted(&admin, topic, limit).map_err(unfit),
        Some(several) => {
            Err(unfit(format!("it has {several} partitions; the order of its records needs one")))
        }
    }
}

fn partitions(metadata: &Metadata, topic: &str) -> Option<usize> {
    let found = metadata.topics().iter().find(|it| it.name() == topic)?;
    (!found.partitions().is_empty()).then(|| found.partitions().len())
}

fn create(
    admin: &AdminClient<DefaultClientContext>,
    topic: &str,
    brokers: usize,
    limit: Duration,
) -> Result<(), String> {
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

/// Without compaction, retention would remove schemas that records still need.
fn check_compacted(
    admin: &AdminClient<DefaultClientContext>,
    topic: &str,
    limit: Duration,
) -> Result<(), String> {
    let options = AdminOptions::new().request_timeout(Some(limit));
    let described = blocking(admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options));
    let described = described.map_err(|error| error.to_string())?.into_iter().next();
    let resource = described.ok_or("the cluster does not describe it")?;
    let resource = resource.map_err(|code| code.to_string())?;
    let policy = resource.get("cleanup.policy").and_then(|entry| entry.value.clone());
    match policy.as_deref() {
        Some("compact") => Ok(()),
        other => Err(format!(
            "its cleanup.policy is {}, so Kafka would remove schemas that are still needed; \
             set it to compact",
            other.unwrap_or("not set")
        )),
    }
}

/// Waits for an answer that a thread of librdkafka brings.
fn blocking<T>(answer: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime without sockets needs nothing of the system").block_on(answer)
}
