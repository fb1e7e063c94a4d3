//! The properties of a broker that a cluster can be started with: those that have an effect here,
//! and their accepted values.
//!
//! A property without an effect is rejected by its name: a user who sets it expects an effect, and
//! would look for it in vain.

use super::apache::{self, Definition, Of};
use super::layers::{Given, Layers};
use super::topic_settings::topic_setting;

/// The properties that have an effect here, in addition to those that topics inherit.
const EFFECTIVE: &[&str] = &[
    "auto.create.topics.enable",
    "broker.session.timeout.ms",
    "default.replication.factor",
    "fetch.max.bytes",
    "group.consumer.assignment.interval.ms",
    "group.consumer.heartbeat.interval.ms",
    "group.consumer.max.size",
    "group.consumer.session.timeout.ms",
    "group.initial.rebalance.delay.ms",
    "group.max.session.timeout.ms",
    "group.min.session.timeout.ms",
    "log.cleaner.backoff.ms",
    "log.retention.check.interval.ms",
    "max.connections",
    "max.connections.per.ip",
    "max.connections.per.ip.overrides",
    "num.partitions",
    "offset.metadata.max.bytes",
    "offsets.topic.num.partitions",
    "offsets.topic.replication.factor",
    "producer.id.expiration.ms",
    "replica.lag.time.max.ms",
    "socket.request.max.bytes",
    "transaction.max.timeout.ms",
    "transaction.state.log.min.isr",
    "transaction.state.log.num.partitions",
    "transaction.state.log.replication.factor",
    "transactional.id.expiration.ms",
];

/// The same properties in other units.
const IN_OTHER_UNITS: &[&str] =
    &["log.retention.minutes", "log.retention.hours", "log.roll.hours", "log.roll.jitter.hours"];

/// Returns whether a property of a broker has an effect in this cluster.
pub(crate) fn is_effective(name: &str) -> bool {
    EFFECTIVE.contains(&name)
        || IN_OTHER_UNITS.contains(&name)
        || apache::definitions(Of::Topic).any(|topic| {
            topic.node.as_deref() == Some(name)
                && topic_setting(&topic.name).is_some_and(|it| it.effective)
        })
}

/// Checks one property that a cluster will be started with, and normalizes its value, as Kafka
/// shows it.
///
/// # Errors
/// The reason why it is rejected, with a suggestion.
pub(crate) fn checked(name: &str, value: &str) -> Result<(&'static str, String), String> {
    let Some(definition) = apache::definition(Of::Broker, name) else {
        return Err(unknown(name, |definition| is_effective(&definition.name)));
    };
    if !is_effective(name) {
        return Err(match meant_instead(name) {
            Some(meant) => format!("{name} is chosen by {meant} here"),
            None => format!("{name} has no effect in the embedded cluster"),
        });
    }
    let value = definition.kind.normalize(name, value)?;
    let started = Given::from([(name.to_owned(), value.clone())]);
    super::requirements::check(&Layers::default(), &Layers { started, ..Layers::default() })
        .map_err(|reason| reason.trim_start_matches("requirement failed: ").to_owned())?;
    Ok((&definition.name, value))
}

/// Checks a property of a broker of Apache Kafka: its name, and its value by its definition. A
/// property of a plugin or of one listener has an unknown name, and is accepted.
///
/// # Errors
/// The reason why it is rejected, with a suggestion.
pub fn check_broker_property(name: &str, value: &str) -> Result<(), String> {
    match apache::definition(Of::Broker, name) {
        Some(definition) if definition.kind == super::Kind::Class => Ok(()),
        Some(definition) => definition.kind.normalize(name, value).map(drop),
        None if name.starts_with("listener.name.") => Ok(()),
        None => Err(unknown(name, |_| true)),
    }
}

fn unknown(name: &str, is_meant: impl Fn(&Definition) -> bool) -> String {
    match meant(name, is_meant) {
        Some(meant) => format!("a broker has no setting {name:?}. Did you mean {meant}?"),
        None => format!("a broker has no setting {name:?}"),
    }
}

/// Returns the counterpart of a property in this cluster.
fn meant_instead(name: &str) -> Option<&'static str> {
    match name {
        "listeners" | "advertised.listeners" => Some("its ports and its address"),
        "log.dirs" | "log.dir" => Some("its data directory"),
        "broker.rack" | "replica.selector.class" => Some("its racks"),
        "node.id" | "broker.id" => Some("the position of the node, from 1"),
        _ => None,
    }
}

/// Returns the name that the user may have meant by `name`: the broker's name for a setting of a
/// topic, or one that differs in a few letters.
fn meant(name: &str, is_meant: impl Fn(&Definition) -> bool) -> Option<&'static str> {
    if let Some(topic) = apache::definition(Of::Topic, name) {
        return topic.node.as_deref();
    }
    let distances = apache::definitions(Of::Broker)
        .filter(|definition| is_meant(definition))
        .map(|definition| (distance(name, &definition.name), &*definition.name));
    let (distance, nearest) = distances.min()?;
    (distance <= 1 + name.len() / 6).then_some(nearest)
}

/// Returns how many letters have to be changed, added or left out.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.bytes().enumerate() {
            let least = (diagonal + usize::from(a != b)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], least);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_without_an_effect_is_rejected_by_its_name() {
        let rejected = |name, value| checked(name, value).unwrap_err();
        let rows = [
            ("num.io.threads", "8", "num.io.threads has no effect in the embedded cluster"),
            ("log.dirs", "/x", "log.dirs is chosen by its data directory here"),
            (
                "retention.ms",
                "1",
                "a broker has no setting \"retention.ms\". Did you mean log.retention.ms?",
            ),
            (
                "log.retension.ms",
                "1",
                "a broker has no setting \"log.retension.ms\". Did you mean log.retention.ms?",
            ),
            (
                "num.partition",
                "1",
                "a broker has no setting \"num.partition\". Did you mean num.partitions?",
            ),
            ("color", "red", "a broker has no setting \"color\""),
            ("", "red", "a broker has no setting \"\""),
            (
                "log.retention.ms",
                "soon",
                "Invalid value soon for configuration log.retention.ms: Not a number of type LONG",
            ),
            (
                "log.retention.ms",
                "0",
                "log.retention.ms must be unlimited (-1) or, greater than or equal to 1",
            ),
            (
                "num.partitions",
                "0",
                "Invalid value 0 for configuration num.partitions: Value must be at least 1",
            ),
        ];
        for (name, value, reason) in rows {
            assert_eq!(rejected(name, value), reason);
        }
    }

    #[test]
    fn a_property_with_an_effect_is_normalized_as_kafka_shows_it() {
        assert_eq!(checked("log.retention.ms", " 1000 "), Ok(("log.retention.ms", "1000".into())));
        let cleanup = ("log.cleanup.policy", "compact,delete".into());
        assert_eq!(checked("log.cleanup.policy", "compact, delete"), Ok(cleanup));
        for name in EFFECTIVE.iter().chain(IN_OTHER_UNITS) {
            assert!(apache::definition(Of::Broker, name).is_some(), "{name}");
        }
    }
}
