//! When a change to a topic is there for everyone.
//!
//! Each broker keeps metadata of its own and learns of a change a moment after the controller has
//! agreed to it. This waits until all of them have; what is asked for is topics.rs's.

use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::{Metadata, MetadataTopic};

use crate::Error;
use crate::connection::{ANSWER_LIMIT, ClusterQuestions, Deadline, address, blocking};

/// How long the brokers may take to show a change that the controller has agreed to.
pub(crate) const VISIBLE_LIMIT: Duration = Duration::from_secs(15);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// A broker of the cluster.
pub(crate) struct Node {
    id: i32,
    /// As host:port.
    address: String,
}

impl Node {
    /// Whether this broker gave the answer. A connection to a bootstrap address does not know the
    /// broker's number yet, and is named `host:port/bootstrap`.
    fn gave(&self, answer: &Metadata) -> bool {
        let name = answer.orig_broker_name();
        answer.orig_broker_id() == self.id
            || name.strip_prefix(&self.address).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// All brokers of the cluster, by the addresses that they advertise.
pub(crate) async fn cluster_nodes(
    config: &ClientConfig,
    deadline: Deadline,
) -> Result<Vec<Node>, Error> {
    let config = config.clone();
    let answer = blocking(move || ClusterQuestions::new(&config, deadline)?.metadata(None)).await?;
    let nodes = answer.brokers().iter();
    Ok(nodes.map(|node| Node { id: node.id(), address: address(node) }).collect())
}

/// Why a topic's metadata is not yet as wanted; `None` when it is.
pub(crate) type Unfinished = fn(&MetadataTopic) -> Option<String>;

/// Returns when every broker that answers has shown the topic as wanted.
///
/// Where time runs out and some broker said otherwise last, that is [`Error::NotVisible`].
pub(crate) async fn wait_for_all(
    config: ClientConfig,
    nodes: Vec<Node>,
    topic: &str,
    action: String,
    unfinished: Unfinished,
) -> Result<(), Error> {
    let topic = topic.to_owned();
    blocking(move || ask_until_all_agree(&config, nodes, &topic, action, unfinished)).await
}

/// Asks until every broker has shown the change. librdkafka asks whichever connected broker it
/// likes, so each question has a client of its own that starts at a broker still to be heard, and
/// what counts is who answered.
fn ask_until_all_agree(
    config: &ClientConfig,
    mut unheard: Vec<Node>,
    topic: &str,
    action: String,
    unfinished: Unfinished,
) -> Result<(), Error> {
    let all = Deadline::after(VISIBLE_LIMIT);
    let mut behind: Option<(String, String)> = None;
    while let Some(next) = unheard.first() {
        let mut start_there = config.clone();
        start_there.set("bootstrap.servers", &next.address);
        let limit = ANSWER_LIMIT.min(all.left());
        let questions = ClusterQuestions::new(&start_there, Deadline::after(limit))?;
        match questions.metadata(Some(topic)) {
            Ok(answer) => {
                let broker = answer.orig_broker_name().to_owned();
                if let Some(state) = answer.topics().first().and_then(unfinished) {
                    behind = Some((broker, state));
                    thread::sleep(ASK_AGAIN_AFTER);
                } else {
                    behind = behind.filter(|(name, _)| *name != broker);
                    unheard.retain(|node| !node.gave(&answer));
                }
            }
            // Nobody can produce to a broker that has just gone away either.
            Err(Error::NoAnswer { brokers, .. }) => {
                tracing::warn!(brokers, topic, "a broker of the cluster does not answer");
                unheard.remove(0);
            }
            Err(error) => return Err(error),
        }
        if all.left().is_zero() {
            break;
        }
        let step = 1.min(unheard.len());
        unheard.rotate_left(step);
    }
    match behind {
        Some((broker, state)) if !unheard.is_empty() => {
            Err(Error::NotVisible { action, broker, state, waited: all.waited() })
        }
        _ => Ok(()),
    }
}

/// Says what a new topic still lacks.
pub(crate) fn has_leaders(topic: &MetadataTopic) -> Option<String> {
    if let Some(error) = topic.error() {
        return Some(RDKafkaErrorCode::from(error).to_string());
    }
    if topic.partitions().is_empty() {
        return Some("the topic has no partitions".to_owned());
    }
    let leaderless = topic.partitions().iter().find(|partition| partition.leader() < 0)?;
    Some(format!("partition {} has no leader", leaderless.id()))
}

/// Says what is still to be seen of a deleted topic.
pub(crate) fn is_gone(topic: &MetadataTopic) -> Option<String> {
    match topic.error().map(RDKafkaErrorCode::from) {
        Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => None,
        Some(other) => Some(other.to_string()),
        None => Some("the topic is there".to_owned()),
    }
}
