//! Waits until every broker shows a change to a topic.
//!
//! Each broker keeps metadata of its own and learns of a change a moment after the controller has
//! applied it. topics.rs requests the change; this file waits until all brokers show it.

use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::{Metadata, MetadataTopic};

use crate::Error;
use crate::cluster::BrokerMetadata;
use crate::connection::{Deadline, MetadataClient, RESPONSE_LIMIT, blocking};

/// How long the brokers may take to show a change that the controller has applied.
pub(crate) const VISIBLE_LIMIT: Duration = Duration::from_secs(15);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Returns why a topic's metadata does not show the change yet; `None` when it does.
pub(crate) type Unfinished = fn(&MetadataTopic) -> Option<String>;

/// Waits until every broker that responds shows the change.
///
/// If some broker still does not at the deadline, that is [`Error::NotVisible`].
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

/// Asks until every broker has shown the change. librdkafka picks any connected broker, so each
/// request uses a client of its own that starts at a broker still missing, and what counts is which
/// broker responded.
fn ask_until_all_agree(
    config: &ClientConfig,
    mut missing: Vec<BrokerMetadata>,
    topic: &str,
    action: String,
    unfinished: Unfinished,
) -> Result<(), Error> {
    let all = Deadline::after(VISIBLE_LIMIT);
    let mut stale: Option<(String, String)> = None;
    while let Some(next) = missing.first() {
        let mut start_there = config.clone();
        start_there.set("bootstrap.servers", &next.address);
        let limit = RESPONSE_LIMIT.min(all.left());
        let client = MetadataClient::new(&start_there, Deadline::after(limit))?;
        match client.metadata(Some(topic)) {
            Ok(response) => {
                let broker = response.orig_broker_name().to_owned();
                if let Some(state) = response.topics().first().and_then(unfinished) {
                    stale = Some((broker, state));
                    thread::sleep(ASK_AGAIN_AFTER);
                } else {
                    stale = stale.filter(|(name, _)| *name != broker);
                    missing.retain(|it| !responded(it, &response));
                }
            }
            // No client can produce to a broker that is down either.
            Err(Error::NoResponse { brokers, .. }) => {
                tracing::warn!(brokers, topic, "a broker of the cluster does not response");
                missing.remove(0);
            }
            Err(error) => return Err(error),
        }
        if all.left().is_zero() {
            break;
        }
        let step = 1.min(missing.len());
        missing.rotate_left(step);
    }
    match stale {
        Some((broker, state)) if !missing.is_empty() => {
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

/// Returns what a new topic still lacks.
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

/// Returns what a broker still shows of a deleted topic.
pub(crate) fn is_gone(topic: &MetadataTopic) -> Option<String> {
    match topic.error().map(RDKafkaErrorCode::from) {
        Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => None,
        Some(other) => Some(other.to_string()),
        None => Some("the topic is there".to_owned()),
    }
}
