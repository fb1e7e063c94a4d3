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
use crate::cluster::BrokerMetadata;
use crate::connection::{ANSWER_LIMIT, Deadline, MetadataClient, blocking};

/// How long the brokers may take to show a change that the controller has agreed to.
pub(crate) const VISIBLE_LIMIT: Duration = Duration::from_secs(15);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Why a topic's metadata is not yet as wanted; `None` when it is.
pub(crate) type Unfinished = fn(&MetadataTopic) -> Option<String>;

/// Returns when every broker that answers has shown the topic as wanted.
///
/// Where time runs out and some broker said otherwise last, that is [`Error::NotVisible`].
pub(crate) async fn wait_for_all(
    config: ClientConfig,
    brokers: Vec<BrokerMetadata>,
    topic: &str,
    action: String,
    unfinished: Unfinished,
) -> Result<(), Error> {
    let topic = topic.to_owned();
    blocking(move || ask_until_all_agree(&config, brokers, &topic, action, unfinished)).await
}

/// Asks until every broker has shown the change. librdkafka asks whichever connected broker it
/// likes, so each question has a client of its own that starts at a broker still to be heard, and
/// what counts is who answered.
fn ask_until_all_agree(
    config: &ClientConfig,
    mut unheard: Vec<BrokerMetadata>,
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
        let client = MetadataClient::new(&start_there, Deadline::after(limit))?;
        match client.metadata(Some(topic)) {
            Ok(answer) => {
                let broker = answer.orig_broker_name().to_owned();
                if let Some(state) = answer.topics().first().and_then(unfinished) {
                    behind = Some((broker, state));
                    thread::sleep(ASK_AGAIN_AFTER);
                } else {
                    behind = behind.filter(|(name, _)| *name != broker);
                    unheard.retain(|it| !responded(it, &answer));
                }
            }
            // Nobody can produce to a broker that has just gone away either.
            Err(Error::NoResponse { brokers, .. }) => {
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

/// Whether this broker sent the response. A connection to a bootstrap address does not know the
/// broker's id yet, and is named `host:port/bootstrap`.
fn responded(broker: &BrokerMetadata, response: &Metadata) -> bool {
    let name = response.orig_broker_name();
    response.orig_broker_id() == broker.id
        || name.strip_prefix(&broker.address).is_some_and(|rest| rest.starts_with('/'))
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
