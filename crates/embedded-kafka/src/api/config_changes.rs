//! Changes of settings, which AlterConfigs and IncrementalAlterConfigs have in common.
//!
//! A node takes all settings that Kafka lets an administrator change while it runs. Defaults of
//! topics, the cleaner's pace, limits of connections and the like take effect at once. Settings
//! without a counterpart in this cluster (log.cleaner.threads, the throttles of replication) are
//! kept and shown. There are no loggers.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;

use super::config_resources::{
    BROKER, BROKER_LOGGER, CLIENT_METRICS, ConfigStore, GROUP, TOPIC, node_id,
};
use crate::config::brokers::Level;
use crate::config::{
    Change, Inherited, Operation, TopicConfig, brokers, check_entries, client_metrics,
};
use crate::group::config as groups;
use crate::metadata::names;
use crate::rejection::Rejection;

/// The changes to one resource, from either API.
pub(super) struct Alteration<'a> {
    pub(super) resource_type: i8,
    pub(super) name: &'a str,
    pub(super) changes: Vec<Change<'a>>,
    /// The number of the first operation that does not exist.
    pub(super) unknown_operation: Option<i8>,
    /// Tells whether settings that the changes do not name return to their defaults (AlterConfigs).
    pub(super) replaces_all: bool,
}

/// Makes the changes, each resource on its own, and returns an error code and a message for each.
pub(super) fn alter<'a>(
    alterations: impl IntoIterator<Item = Alteration<'a>>,
    validate_only: bool,
    node: i32,
    store: &impl ConfigStore,
) -> Vec<(i16, Option<StrBytes>)> {
    let alterations: Vec<_> = alterations.into_iter().collect();
    let mut times = BTreeMap::<_, usize>::new();
    for alteration in &alterations {
        *times.entry((alteration.resource_type, alteration.name)).or_default() += 1;
    }
    let one = |alteration: &Alteration<'_>| {
        let result = if times[&(alteration.resource_type, alteration.name)] > 1 {
            Err(Rejection::invalid_request("Each resource must appear at most once."))
        } else {
            alter_one(alteration, validate_only, node, store)
        };
        match result {
            Ok(()) => (0, None),
            Err(error) => (error.code.code(), message_of(&error)),
        }
    };
    alterations.iter().map(one).collect()
}

/// Returns the message of an error. Kafka has none for an operation that does not exist.
fn message_of(error: &Rejection) -> Option<StrBytes> {
    let has_one = error.code != ResponseError::UnknownServerError;
    has_one.then(|| StrBytes::from_string(error.message.clone()))
}

fn alter_one(
    alteration: &Alteration<'_>,
    validate_only: bool,
    node: i32,
    store: &impl ConfigStore,
) -> Result<(), Rejection> {
    check_entries(alteration.changes.iter().map(|change| {
        (change.name, change.value.is_none() && change.operation != Some(Operation::Delete))
    }))?;
    match alteration.resource_type {
        TOPIC => alter_topic(alteration, validate_only, node, store),
        BROKER => alter_node(alteration, validate_only, node, store),
        GROUP => alter_group(alteration, validate_only, node, store),
        CLIENT_METRICS => alter_metrics(alteration, validate_only, store),
        BROKER_LOGGER if !alteration.replaces_all => alter_logger(alteration, node),
        other => Err(Rejection::invalid_request(format!("Unknown resource type {other}"))),
    }
}

/// Changes a topic. Values are checked before the topic is looked up, as in Kafka.
fn alter_topic(
    alteration: &Alteration<'_>,
    validate_only: bool,
    node: i32,
    store: &impl ConfigStore,
) -> Result<(), Rejection> {
    let name = alteration.name;
    if name.is_empty() {
        return Err(Rejection::invalid_request("Default topic resources are not allowed."));
    }
    names::validate(name)
        .map_err(|message| Rejection::new(ResponseError::InvalidTopicException, message))?;
    let default = TopicConfig::default().inheriting(Inherited::of(&store.layers(node)));
    let change = |now: &TopicConfig| {
        let start = if alteration.replaces_all { &default } else { now };
        start.changed(&alteration.changes)
    };
    if store.topic_config(name, node).is_none() {
        change(&default)?;
    }
    store.change_topic_config(name, validate_only, &change)
}

fn alter_node(
    alteration: &Alteration<'_>,
    validate_only: bool,
    node: i32,
    store: &impl ConfigStore,
) -> Result<(), Rejection> {
    let name = alteration.name;
    if !name.is_empty() {
        let id = node_id(name, "Node id")?;
        if id != node {
            let message = format!("Unexpected broker id, expected {node}, but received {id}");
            return Err(Rejection::invalid_request(message));
        }
    }
    if let Some(operation) = alteration.unknown_operation {
        let message = format!("Unknown operations type {operation}");
        return Err(Rejection::invalid_request(message));
    }
    let level = if name.is_empty() { Level::AllBrokers } else { Level::OneBroker };
    let layers = store.layers(node);
    store.change_node_overrides(name, validate_only, &|now| {
        brokers::changed(now, &alteration.changes, alteration.replaces_all, level, &layers)
    })
}

/// Changes a client metrics subscription, which need not exist.
fn alter_metrics(
    alteration: &Alteration<'_>,
    validate_only: bool,
    store: &impl ConfigStore,
) -> Result<(), Rejection> {
    let subscription = alteration.name;
    let now = store.metrics_overrides(subscription);
    let replaces_all = alteration.replaces_all;
    let changed = client_metrics::changed(subscription, &now, &alteration.changes, replaces_all)?;
    if validate_only || changed == now {
        return Ok(());
    }
    store.set_metrics_overrides(subscription, changed)
}

/// Changes a group, which need not exist.
fn alter_group(
    alteration: &Alteration<'_>,
    validate_only: bool,
    node: i32,
    store: &impl ConfigStore,
) -> Result<(), Rejection> {
    let group = alteration.name;
    if group.is_empty() {
        return Err(Rejection::invalid_request("Default group resources are not allowed."));
    }
    let now = store.group_overrides(group);
    let layers = store.layers(node);
    let changed = groups::changed(&now, &alteration.changes, alteration.replaces_all, &layers)?;
    if validate_only || changed == now {
        return Ok(());
    }
    store.set_group_overrides(group, changed)
}

fn alter_logger(alteration: &Alteration<'_>, node: i32) -> Result<(), Rejection> {
    let id = node_id(alteration.name, "Node id")?;
    if id != node {
        let message = format!("Unexpected node id. Expected {node}, but received {id}");
        return Err(Rejection::invalid_request(message));
    }
    match alteration.changes.first() {
        None => Ok(()),
        Some(change) => {
            let message = format!("Logger {} does not exist!", change.name);
            Err(Rejection::invalid_config(message))
        }
    }
}
