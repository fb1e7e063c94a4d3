//! Lists, creates and deletes topics.
//!
//! A cluster responds to an admin request as soon as its controller has applied it. The brokers
//! learn of it a moment later, each at its own time, and a produce request in between meets an
//! unknown topic or a partition without a leader. So [`create_topic`] and [`delete_topic`] return
//! only when every broker that responds shows the change.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication, TopicResult};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::Error;
use crate::cluster::cluster_brokers;
use crate::config::client_config;
use crate::connection::{
    Deadline, MetadataClient, blocking, bootstrap_servers, impatient, is_unreachable,
};
use crate::visibility::{has_leaders, is_gone, wait_for_all};

/// Kafka's limit, in bytes: the name becomes part of a directory's name, followed by the
/// partition's number.
const LONGEST_NAME: usize = 249;

/// How long the controller may take for a change: a busy cluster needs some seconds for it.
const CONTROLLER_LIMIT: Duration = Duration::from_secs(15);

/// By how much the broker's own limit is shorter, so that its response arrives before we give up.
const ON_THE_WAY: Duration = Duration::from_millis(500);

/// The outcome of [`create_topic`]. Either way the topic exists and every partition has a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateOutcome {
    /// The topic is new.
    Created,
    /// A topic of this name existed already; its partitions and settings are unchanged.
    AlreadyExists,
}

/// The outcome of [`delete_topic`]. Either way the topic no longer exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// The topic was deleted, with all its records.
    Deleted,
    /// There was no topic of this name.
    UnknownTopic,
}

/// The options for creating a topic.
#[derive(Clone, Debug)]
pub struct TopicOptions {
    partitions: i32,
    replication_factor: i32,
    configs: Vec<(String, String)>,
}

impl TopicOptions {
    /// Sets the number of partitions and of replicas of each; -1 uses the broker's default
    /// (KIP-464).
    pub fn new(partitions: i32, replication_factor: i32) -> Self {
        TopicOptions { partitions, replication_factor, configs: Vec::new() }
    }

    /// Adds a topic setting, for example `retention.ms` (milliseconds) or `cleanup.policy`.
    #[must_use]
    pub fn config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.configs.push((name.into(), value.into()));
        self
    }
}

/// Lists the names of all topics that this user may see, sorted. Names that begin with `__` are
/// Kafka's internal topics.
///
/// # Errors
/// [`Error::NoResponse`] within five seconds if no broker responds.
pub async fn list_topics(brokers: &str) -> Result<Vec<String>, Error> {
    let config = client_config(brokers)?;
    let deadline = Deadline::start();
    let response = blocking(move || MetadataClient::new(&config, deadline)?.metadata(None)).await?;
    let mut names: Vec<_> = response.topics().iter().map(|topic| topic.name().to_owned()).collect();
    names.sort();
    Ok(names)
}

/// Creates a topic and returns once every broker that responds names a leader for every partition,
/// so that the next produce cannot race it.
///
/// Three brokers and a replication factor of 3 survive the loss of one; a cluster of one broker
/// allows only 1. More partitions let more consumers of a group share the work, and their number
/// can grow later but never shrink.
///
/// # Errors
/// [`Error::InvalidTopicName`], [`Error::InvalidPartitions`] and
/// [`Error::InvalidReplicationFactor`] (which says how many brokers there are) for what Kafka
/// rejects, and [`Error::NotAuthorized`] if this user may not create it. [`Error::NoResponse`]
/// within five seconds if no broker responds, and [`Error::BrokerTimedOut`] if the controller has
/// not responded in 15 s. [`Error::NotVisible`] if the controller created the topic and a broker
/// does not show it within 15 s more; a broker that does not respond is left out after 4.5 s.
pub async fn create_topic(
    brokers: &str,
    topic: &str,
    partitions: i32,
    replication_factor: i32,
) -> Result<CreateOutcome, Error> {
    create_topic_with(brokers, topic, &TopicOptions::new(partitions, replication_factor)).await
}

/// Creates a topic as [`create_topic`] does, with topic settings.
///
/// # Errors
/// Those of [`create_topic`], and [`Error::InvalidTopicConfig`] for a setting that the cluster does
/// not know or a value that it rejects.
pub async fn create_topic_with(
    brokers: &str,
    topic: &str,
    options: &TopicOptions,
) -> Result<CreateOutcome, Error> {
    check_topic_name(topic)?;
    let config = client_config(brokers)?;
    let nodes = cluster_brokers(&config, Deadline::start()).await?;
    // librdkafka rejects these by itself, with a message about its own API.
    if options.partitions == 0 || options.partitions < -1 {
        return Err(Error::InvalidPartitions {
            topic: topic.to_owned(),
            asked: options.partitions,
        });
    }
    if options.replication_factor == 0 || options.replication_factor < -1 {
        return Err(rejected_creation(
            topic,
            options,
            nodes.len(),
            RDKafkaErrorCode::InvalidReplicationFactor,
        ));
    }

    // ANCHOR: create
    let replication = TopicReplication::Fixed(options.replication_factor);
    let mut wanted = NewTopic::new(topic, options.partitions, replication);
    for (name, value) in &options.configs {
        wanted = wanted.set(name, value);
    }
    let action = format!("create topic {topic}");
    let admin = AdminConnection::open(&config)?;
    let response = admin.client.create_topics([&wanted], &admin.options()).await;
    let response = admin.close(response, &action).await?;

    let outcome = match single_code(response) {
        None => CreateOutcome::Created,
        Some(RDKafkaErrorCode::TopicAlreadyExists) => CreateOutcome::AlreadyExists,
        Some(code) => return Err(rejected_creation(topic, options, nodes.len(), code)),
    };
    wait_for_all(config, nodes, topic, action, has_leaders).await?;
    // ANCHOR_END: create
    Ok(outcome)
}

/// Deletes a topic with all its records, and returns once no broker that responds shows it.
///
/// # Errors
/// [`Error::NotAuthorized`] if this user may not delete it, [`Error::Rejected`] if the cluster does
/// not delete topics (`delete.topic.enable`). [`Error::NoResponse`] within five seconds if no
/// broker responds, and [`Error::BrokerTimedOut`] if the controller has not responded in 15 s.
/// [`Error::NotVisible`] if the controller deleted the topic and a broker still shows it after 15 s
/// more; a broker that does not respond is left out after 4.5 s.
pub async fn delete_topic(brokers: &str, topic: &str) -> Result<DeleteOutcome, Error> {
    check_topic_name(topic)?;
    let config = client_config(brokers)?;
    let nodes = cluster_brokers(&config, Deadline::start()).await?;

    // ANCHOR: delete
    let action = format!("delete topic {topic}");
    let admin = AdminConnection::open(&config)?;
    let response = admin.client.delete_topics(&[topic], &admin.options()).await;
    let response = admin.close(response, &action).await?;

    let outcome = match single_code(response) {
        None => DeleteOutcome::Deleted,
        Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => {
            DeleteOutcome::UnknownTopic
        }
        Some(code) => return Err(rejected(action, code)),
    };
    wait_for_all(config, nodes, topic, action, is_gone).await?;
    // ANCHOR_END: delete
    Ok(outcome)
}

/// Returns once every broker that responds names a leader for every partition of a topic, so that
/// the next produce cannot race its creation. [`create_topic`] does this itself.
///
/// # Errors
/// [`Error::NoResponse`] within five seconds if no broker responds, and [`Error::NotVisible`] if a
/// broker does not show the topic within 15 s.
pub async fn wait_for_leaders(brokers: &str, topic: &str) -> Result<(), Error> {
    let config = client_config(brokers)?;
    let nodes = cluster_brokers(&config, Deadline::start()).await?;
    wait_for_all(config, nodes, topic, format!("create topic {topic}"), has_leaders).await
}

/// An admin client whose drop, which waits for its polling thread, does not block the runtime.
struct AdminConnection {
    client: AdminClient<DefaultClientContext>,
    brokers: String,
    deadline: Deadline,
}

impl AdminConnection {
    fn open(config: &ClientConfig) -> Result<Self, Error> {
        let client = impatient(config).create()?;
        let deadline = Deadline::after(CONTROLLER_LIMIT);
        Ok(AdminConnection { client, brokers: bootstrap_servers(config), deadline })
    }

    fn options(&self) -> AdminOptions {
        let left = self.deadline.left().max(2 * ON_THE_WAY);
        AdminOptions::new().operation_timeout(Some(left - ON_THE_WAY)).request_timeout(Some(left))
    }

    /// Drops the client, and names the controller if there was no response. The cluster does not
    /// tell its clients which broker that is.
    async fn close<T>(self, response: Result<T, KafkaError>, action: &str) -> Result<T, Error> {
        let AdminConnection { client, brokers, deadline } = self;
        let waited = deadline.waited();
        blocking(move || drop(client)).await;
        response.map_err(|error| match is_unreachable(&error) {
            true => Error::BrokerTimedOut {
                broker: format!("the controller of the cluster at {brokers}"),
                question: format!("to {action} (it may do so all the same)"),
                waited,
            },
            false => error.into(),
        })
    }
}

/// The request names one topic, so there is one result.
fn single_code(response: Vec<TopicResult>) -> Option<RDKafkaErrorCode> {
    response.into_iter().find_map(Result::err).map(|(_, code)| code)
}

fn rejected_creation(
    topic: &str,
    options: &TopicOptions,
    brokers: usize,
    code: RDKafkaErrorCode,
) -> Error {
    let action = format!("create topic {topic}");
    let topic = topic.to_owned();
    match code {
        RDKafkaErrorCode::InvalidTopic => {
            let reason = name_reason(&topic);
            Error::InvalidTopicName { topic, reason }
        }
        RDKafkaErrorCode::InvalidReplicationFactor => {
            Error::InvalidReplicationFactor { topic, asked: options.replication_factor, brokers }
        }
        RDKafkaErrorCode::InvalidPartitions => {
            Error::InvalidPartitions { topic, asked: options.partitions }
        }
        RDKafkaErrorCode::InvalidConfig => {
            let pairs = options.configs.iter().map(|(name, value)| format!("{name}={value}"));
            Error::InvalidTopicConfig { topic, configs: pairs.collect::<Vec<_>>().join(", ") }
        }
        code => rejected(action, code),
    }
}

fn rejected(action: String, code: RDKafkaErrorCode) -> Error {
    match code {
        RDKafkaErrorCode::TopicAuthorizationFailed
        | RDKafkaErrorCode::ClusterAuthorizationFailed => Error::NotAuthorized { action, code },
        code => Error::Rejected { action, code },
    }
}

/// Checks a topic's name against Kafka's rules, without a cluster.
///
/// # Errors
/// [`Error::InvalidTopicName`] with the rule that the name breaks.
pub fn check_topic_name(topic: &str) -> Result<(), Error> {
    match broken_name_rule(topic) {
        Some(reason) => Err(Error::InvalidTopicName { topic: topic.to_owned(), reason }),
        None => Ok(()),
    }
}

/// Returns which of Kafka's rules for a topic's name `name` breaks, if any.
pub(crate) fn broken_name_rule(name: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() {
        return Some("it is empty".to_owned());
    }
    if name == "." || name == ".." {
        return Some("it would be the name of a directory".to_owned());
    }
    if let Some(c) = name.chars().find(|c| !allowed(*c)) {
        return Some(format!(
            "{c:?} is not allowed, only letters a-z and A-Z, digits, '.', '_' and '-'"
        ));
    }
    if name.len() > LONGEST_NAME {
        return Some(format!("it has {} characters, and {LONGEST_NAME} is the most", name.len()));
    }
    None
}

/// Returns why a broker rejects `name`. A name that follows all rules can still collide.
pub(crate) fn name_reason(name: &str) -> String {
    broken_name_rule(name).unwrap_or_else(|| {
        "it collides with another topic: in the names of metrics '.' and '_' are the same, so \
         \"a.b\" and \"a_b\" cannot both exist"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(code: RDKafkaErrorCode) -> Error {
        let options = TopicOptions::new(5, 4).config("retention.ms", "soon");
        rejected_creation("airports", &options, 3, code)
    }

    #[test]
    fn a_bad_name_is_told_which_rule_it_breaks() {
        for (name, expected) in [
            ("", "empty"),
            ("..", "directory"),
            ("air ports", "' ' is not allowed"),
            ("flughäfen", "'ä' is not allowed"),
            (&"a".repeat(250), "250 characters"),
        ] {
            let reason = broken_name_rule(name).expect(name);
            assert!(reason.contains(expected), "{name}: {reason}");
        }
        for name in ["airports", "Air.ports_2-x", &"a".repeat(249)] {
            assert_eq!(broken_name_rule(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_without_fault_that_is_rejected_collides() {
        assert!(name_reason("a.b").contains("collides"));
    }

    #[test]
    fn each_rejection_is_an_error_of_its_own() {
        use RDKafkaErrorCode as Code;
        let text = rejection(Code::InvalidReplicationFactor).to_string();
        assert!(text.contains("factor of 4") && text.contains("3 brokers"), "{text}");
        let text = rejection(Code::InvalidConfig).to_string();
        assert!(text.contains("retention.ms=soon"), "{text}");
        assert!(matches!(rejection(Code::InvalidPartitions), Error::InvalidPartitions { .. }));
        assert!(matches!(rejection(Code::InvalidTopic), Error::InvalidTopicName { .. }));
        assert!(matches!(rejection(Code::TopicAuthorizationFailed), Error::NotAuthorized { .. }));
        assert!(matches!(rejection(Code::PolicyViolation), Error::Rejected { .. }));
    }
}
