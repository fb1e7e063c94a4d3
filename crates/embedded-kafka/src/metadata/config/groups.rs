//! The settings of consumer groups (KIP-848): what a group may set itself, and within which limits of
//! its broker.
//!
//! Those of share groups and of groups of Kafka Streams are known as well, since tools set them
//! before there is such a group. This cluster has neither.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;

use super::apache::{self, Definition, Of};
use super::layers::Layers;
use super::{Change, Operation};
use crate::group;
use crate::metadata::Refusal;

const ASSIGNMENT: &str = "consumer.assignment.interval.ms";
const HEARTBEAT: &str = "consumer.heartbeat.interval.ms";
const SESSION: &str = "consumer.session.timeout.ms";

/// What becomes of a group's own settings by these changes. With `replaces_all`, what they do not
/// name goes.
///
/// # Errors
/// INVALID_CONFIG for an unknown name, for a list's operation and for a value that is no number or
/// outside the broker's limits; UNKNOWN_SERVER_ERROR for an operation that does not exist.
pub(crate) fn changed(
    now: &BTreeMap<String, String>,
    changes: &[Change<'_>],
    replaces_all: bool,
    layers: &Layers,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut own = if replaces_all { BTreeMap::new() } else { now.clone() };
    for change in changes {
        let Some(operation) = change.operation else {
            let error = ResponseError::UnknownServerError;
            return Err(Refusal::new(error, error.to_string()));
        };
        let verb = match operation {
            Operation::Delete => {
                own.remove(change.name);
                continue;
            }
            Operation::Set => {
                let value = change.value.unwrap_or_default();
                own.insert(change.name.to_owned(), value.to_owned());
                continue;
            }
            Operation::Append => "APPEND",
            Operation::Subtract => "SUBTRACT",
        };
        let message = format!("Can't {verb} to key {} because its type is not LIST.", change.name);
        return Err(Refusal::invalid_config(message));
    }
    check(own, layers).map_err(Refusal::invalid_config)
}

/// The settings as Kafka shows them.
fn check(
    mut own: BTreeMap<String, String>,
    layers: &Layers,
) -> Result<BTreeMap<String, String>, String> {
    let is_known = |name: &str| apache::definition(Of::Group, name).is_some();
    if let Some(unknown) = own.keys().find(|name| !is_known(name)) {
        return Err(format!("Unknown group config name: {unknown}"));
    }
    for definition in apache::definitions(Of::Group) {
        if let Some(value) = own.get_mut(&definition.name) {
            *value = definition.kind.normalise(&definition.name, value)?;
            check_words(&definition.name, value)?;
        }
    }
    for definition in apache::definitions(Of::Group) {
        if let Some(value) = own.get(&definition.name).and_then(|value| value.parse().ok()) {
            check_limits(definition, value, layers)?;
        }
    }
    for kind in ["consumer", "share", "streams"] {
        let session = format!("{kind}.session.timeout.ms");
        let heartbeat = format!("{kind}.heartbeat.interval.ms");
        let effective = |name: &str| {
            let own = own.get(name).and_then(|value| value.parse().ok());
            own.or_else(|| layers.number(&format!("group.{name}")))
        };
        if effective(&session) <= effective(&heartbeat) {
            return Err(format!("{session} must be greater than {heartbeat}"));
        }
    }
    Ok(own)
}

/// What no type says of a value.
fn check_words(name: &str, value: &str) -> Result<(), String> {
    match name {
        "errors.deadletterqueue.topic.name" if value.starts_with("__") => {
            Err(format!("{name}: DLQ topic name must not start with '__'"))
        }
        "streams.assignor.name" if value != "sticky" => Err(format!(
            "{name} '{value}' is not a registered task assignor. Registered assignors are: \
             [sticky]."
        )),
        "share.auto.offset.reset" => {
            let is_known = ["earliest", "latest"].contains(&value)
                || value.strip_prefix("by_duration:").is_some_and(|it| it.starts_with('P'));
            let message = || {
                format!(
                    "Invalid value {value} for configuration {name}: Invalid value `{value}` for \
                     configuration {name}. The value must be either 'earliest', 'latest' or of \
                     the format 'by_duration:<PnDTnHnMn.nS>'."
                )
            };
            if is_known { Ok(()) } else { Err(message()) }
        }
        _ => Ok(()),
    }
}

/// `group.consumer.min.session.timeout.ms` and its like.
fn check_limits(definition: &Definition, value: i64, layers: &Layers) -> Result<(), String> {
    let name = &definition.name;
    if name == "streams.num.standby.replicas" {
        let most = layers.number("group.streams.max.standby.replicas").unwrap_or(i64::MAX);
        return if value <= most {
            Ok(())
        } else {
            Err(format!("{name} must be less than or equal to {most}"))
        };
    }
    let Some((kind, rest)) = name.split_once('.') else { return Ok(()) };
    let limit = |which| layers.number(&format!("group.{kind}.{which}.{rest}"));
    match (limit("min"), limit("max")) {
        (Some(least), Some(most)) if !(least..=most).contains(&value) => {
            Err(format!("{name} must be in the range {least} to {most} inclusive."))
        }
        _ => Ok(()),
    }
}

/// What the coordinator works with for a group that sets this itself.
pub(crate) fn applied(own: &BTreeMap<String, String>, to: &group::Settings) -> group::Settings {
    let value = |name: &str, or: i32| own.get(name).and_then(|it| it.parse().ok()).unwrap_or(or);
    group::Settings {
        consumer_assignment_interval_ms: value(ASSIGNMENT, to.consumer_assignment_interval_ms),
        consumer_heartbeat_interval_ms: value(HEARTBEAT, to.consumer_heartbeat_interval_ms),
        consumer_session_timeout_ms: value(SESSION, to.consumer_session_timeout_ms),
        ..to.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(
        now: &BTreeMap<String, String>,
        changes: &[Change<'_>],
        replaces_all: bool,
    ) -> Result<BTreeMap<String, String>, Refusal> {
        let limits = [
            ("group.consumer.min.session.timeout.ms", "6000"),
            ("group.consumer.min.heartbeat.interval.ms", "100"),
        ];
        let started = limits.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let layers = Layers { started, ..Layers::default() };
        super::changed(now, changes, replaces_all, &layers)
    }

    fn set<'a>(name: &'a str, value: &'a str) -> Change<'a> {
        Change { name, operation: Some(Operation::Set), value: Some(value) }
    }

    #[test]
    fn what_a_group_sets_is_what_its_coordinator_works_with() {
        let own = changed(&BTreeMap::new(), &[set(SESSION, " 46000 ")], false).unwrap();
        assert_eq!(own, BTreeMap::from([(SESSION.to_owned(), "46000".to_owned())]));
        let node = group::Settings::default();
        let applied = applied(&own, &node);
        assert_eq!(applied.consumer_session_timeout_ms, 46_000);
        assert_eq!(applied.consumer_heartbeat_interval_ms, node.consumer_heartbeat_interval_ms);
        let other = changed(&own, &[set(HEARTBEAT, "6000")], true).unwrap();
        assert_eq!(other.keys().collect::<Vec<_>>(), [HEARTBEAT]);
        let delete = Change { name: HEARTBEAT, operation: Some(Operation::Delete), value: None };
        assert_eq!(changed(&other, &[delete], false).unwrap(), BTreeMap::new());
    }

    #[test]
    fn a_session_is_longer_than_the_time_between_two_heartbeats() {
        let settings = [set(SESSION, "6000"), set(HEARTBEAT, "6000")];
        let refused = changed(&BTreeMap::new(), &settings, false).unwrap_err();
        let message = "consumer.session.timeout.ms must be greater than \
                       consumer.heartbeat.interval.ms";
        assert_eq!(refused.message, message);
    }
}
