//! The properties of a broker that a cluster can be started with: which of them mean something
//! here, and what values they take.
//!
//! A property that would change nothing is refused by its name. Who sets it expects an effect, and
//! would look for it in vain.

use super::apache::{self, Definition, Of};
use super::layers::{Given, Layers};
use super::topic_settings::topic_setting;

/// The properties that mean something here, besides those that topics inherit.
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

/// The same in other units.
const IN_OTHER_UNITS: &[&str] =
    &["log.retention.minutes", "log.retention.hours", "log.roll.hours", "log.roll.jitter.hours"];

/// Whether a property of a broker changes anything in this cluster.
pub(crate) fn is_effective(name: &str) -> bool {
    EFFECTIVE.contains(&name)
        || IN_OTHER_UNITS.contains(&name)
        || apache::definitions(Of::Topic).any(|topic| {
            topic.node.as_deref() == Some(name)
                && topic_setting(&topic.name).is_some_and(|it| it.effective)
        })
}

/// Checks one property that a cluster is to be started with, and brings its value into the form in
/// which Kafka shows it.
///
/// # Errors
/// Why it is refused, with what may have been meant.
pub(crate) fn checked(name: &str, value: &str) -> Result<(&'static str, String), String> {
    let Some(definition) = apache::definition(Of::Broker, name) else {
        return Err(unknown(name, |definition| is_effective(&definition.name)));
    };
    if !is_effective(name) {
        return Err(match meant_instead(name) {
            Some(meant) => format!("{name} is chosen by {meant} here"),
            None => format!("{name} means nothing in the embedded cluster"),
        });
    }
    let value = definition.kind.normalise(name, value)?;
    let started = Given::from([(name.to_owned(), value.clone())]);
    super::requirements::check(&Layers::default(), &Layers { started, ..Layers::default() })
        .map_err(|reason| reason.trim_start_matches("requirement failed: ").to_owned())?;
    Ok((&definition.name, value))
}

/// Checks a property of a broker of Apache Kafka: its name, and what its definition says of the
/// value. What a plugin or one listener is told has names that nobody else knows, and is taken.
///
/// # Errors
/// Why it is refused, with what may have been meant.
pub fn check_broker_property(name: &str, value: &str) -> Result<(), String> {
    match apache::definition(Of::Broker, name) {
        Some(definition) if definition.kind == super::Kind::Class => Ok(()),
        Some(definition) => definition.kind.normalise(name, value).map(drop),
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

/// What this cluster has in the place of a property.
fn meant_instead(name: &str) -> Option<&'static str> {
    match name {
        "listeners" | "advertised.listeners" => Some("its ports and its address"),
        "log.dirs" | "log.dir" => Some("its data directory"),
        "broker.rack" | "replica.selector.class" => Some("its racks"),
        "node.id" | "broker.id" => Some("the place of the node, from 1"),
        _ => None,
    }
}

/// A name that somebody who wrote `name` may have had in mind: the broker's name for a setting of a
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

/// How many letters have to be changed, added or left out.
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
    fn a_property_that_changes_nothing_is_refused_by_its_name() {
        let refused = |name, value| checked(name, value).unwrap_err();
        let rows = [
            ("num.io.threads", "8", "num.io.threads means nothing in the embedded cluster"),
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
            ("colour", "red", "a broker has no setting \"colour\""),
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
            assert_eq!(refused(name, value), reason);
        }
    }

    #[test]
    fn a_property_that_means_something_is_taken_as_kafka_shows_it() {
        assert_eq!(checked("log.retention.ms", " 1000 "), Ok(("log.retention.ms", "1000".into())));
        let cleanup = ("log.cleanup.policy", "compact,delete".into());
        assert_eq!(checked("log.cleanup.policy", "compact, delete"), Ok(cleanup));
        for name in EFFECTIVE.iter().chain(IN_OTHER_UNITS) {
            assert!(apache::definition(Of::Broker, name).is_some(), "{name}");
        }
    }
}
