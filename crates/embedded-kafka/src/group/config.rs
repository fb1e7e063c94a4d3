//! The settings of groups: the brokers' defaults for all groups, and those of a single consumer
//! group (KIP-848), within the limits of its broker.
//!
//! Settings of share groups and of Kafka Streams groups are known as well, since tools set them
//! before such a group exists. This cluster supports neither.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;

use crate::config::apache::{Definition, Of};
use crate::config::group_defaults::{
    CONSUMER_ASSIGNMENT_INTERVAL_MS, CONSUMER_HEARTBEAT_INTERVAL_MS, CONSUMER_SESSION_TIMEOUT_MS,
};
use crate::config::layers::Layers;
use crate::config::{Change, Operation, Settings as ClusterSettings, apache};
use crate::rejection::Rejection;

const ASSIGNMENT: &str = "consumer.assignment.interval.ms";
const HEARTBEAT: &str = "consumer.heartbeat.interval.ms";
const SESSION: &str = "consumer.session.timeout.ms";

/// The limits and delays of all groups, in milliseconds unless noted.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The time that the first rebalance of an empty group waits for more members
    /// (`group.initial.rebalance.delay.ms`, 3 s in Kafka; short here, so that a learner's first
    /// consumer starts at once).
    pub(crate) initial_rebalance_delay_ms: i32,
    /// `group.min.session.timeout.ms`.
    pub(crate) min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub(crate) max_session_timeout_ms: i32,
    /// The time that a new member's JoinGroup may wait before the member is removed: its client may
    /// have stopped, and it has no session yet. Kafka's own constant.
    pub(crate) new_member_join_timeout_ms: i32,
    /// The longest metadata of a committed offset, in UTF-16 units (`offset.metadata.max.bytes`).
    pub(crate) max_offset_metadata: usize,
    /// The time after which a group without members and offsets is deleted
    /// (`offsets.retention.check.interval.ms`).
    pub(crate) empty_group_retention_ms: i32,
    /// The session timeout of a member of the consumer protocol
    /// (`group.consumer.session.timeout.ms`).
    pub(crate) consumer_session_timeout_ms: i32,
    /// The heartbeat interval of the consumer protocol, and so the time until a member learns of
    /// another assignment (`group.consumer.heartbeat.interval.ms`, 5 s in Kafka).
    pub(crate) consumer_heartbeat_interval_ms: i32,
    /// The shortest time between two assignments of the consumer protocol
    /// (`group.consumer.assignment.interval.ms`, 1 s in Kafka).
    pub(crate) consumer_assignment_interval_ms: i32,
    /// The most members of a group of the consumer protocol (`group.consumer.max.size`).
    pub(crate) consumer_group_max_size: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            initial_rebalance_delay_ms: 50,
            min_session_timeout_ms: 6_000,
            max_session_timeout_ms: 1_800_000,
            new_member_join_timeout_ms: 300_000,
            max_offset_metadata: 4_096,
            empty_group_retention_ms: 600_000,
            consumer_session_timeout_ms: CONSUMER_SESSION_TIMEOUT_MS,
            consumer_heartbeat_interval_ms: CONSUMER_HEARTBEAT_INTERVAL_MS,
            consumer_assignment_interval_ms: CONSUMER_ASSIGNMENT_INTERVAL_MS,
            consumer_group_max_size: usize::MAX,
        }
    }
}

impl Settings {
    /// Takes the settings that the cluster started with, and the defaults for the rest.
    pub(crate) fn chosen(cluster: &ClusterSettings) -> Self {
        let default = Self::default();
        let number = |name: &str, or: i32| cluster.number(name).unwrap_or(or);
        let size = |name: &str, or: usize| cluster.number(name).unwrap_or(or);
        Self {
            initial_rebalance_delay_ms: cluster.initial_rebalance_delay_ms,
            min_session_timeout_ms: number(
                "group.min.session.timeout.ms",
                default.min_session_timeout_ms,
            ),
            max_session_timeout_ms: number(
                "group.max.session.timeout.ms",
                default.max_session_timeout_ms,
            ),
            max_offset_metadata: size("offset.metadata.max.bytes", default.max_offset_metadata),
            consumer_session_timeout_ms: number(
                "group.consumer.session.timeout.ms",
                default.consumer_session_timeout_ms,
            ),
            consumer_heartbeat_interval_ms: number(
                "group.consumer.heartbeat.interval.ms",
                default.consumer_heartbeat_interval_ms,
            ),
            consumer_assignment_interval_ms: number(
                "group.consumer.assignment.interval.ms",
                default.consumer_assignment_interval_ms,
            ),
            consumer_group_max_size: size(
                "group.consumer.max.size",
                default.consumer_group_max_size,
            ),
            ..default
        }
    }
}

/// Returns a group's own settings after these changes. With `replaces_all`, settings that the
/// changes do not name are removed.
///
/// # Errors
/// INVALID_CONFIG for an unknown name, for an operation on a list, and for a value that is no
/// number or outside the broker's limits; UNKNOWN_SERVER_ERROR for an operation that does not
/// exist.
pub(crate) fn changed(
    now: &BTreeMap<String, String>,
    changes: &[Change<'_>],
    replaces_all: bool,
    layers: &Layers,
) -> Result<BTreeMap<String, String>, Rejection> {
    let mut own = if replaces_all { BTreeMap::new() } else { now.clone() };
    for change in changes {
        let Some(operation) = change.operation else {
            let error = ResponseError::UnknownServerError;
            return Err(Rejection::new(error, error.to_string()));
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
        return Err(Rejection::invalid_config(message));
    }
    check(own, layers).map_err(Rejection::invalid_config)
}

/// Returns the settings as Kafka shows them.
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
            *value = definition.kind.normalize(&definition.name, value)?;
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

/// Checks the rules of a value that its type does not express.
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

/// `group.consumer.min.session.timeout.ms` and similar names.
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

/// Returns the settings that the coordinator uses for a group with these settings of its own.
pub(crate) fn applied(own: &BTreeMap<String, String>, to: &Settings) -> Settings {
    let value = |name: &str, or: i32| own.get(name).and_then(|it| it.parse().ok()).unwrap_or(or);
    Settings {
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
    ) -> Result<BTreeMap<String, String>, Rejection> {
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
    fn the_coordinator_uses_the_settings_of_a_group() {
        let own = changed(&BTreeMap::new(), &[set(SESSION, " 46000 ")], false).unwrap();
        assert_eq!(own, BTreeMap::from([(SESSION.to_owned(), "46000".to_owned())]));
        let node = Settings::default();
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
        let rejected = changed(&BTreeMap::new(), &settings, false).unwrap_err();
        let message = "consumer.session.timeout.ms must be greater than \
                       consumer.heartbeat.interval.ms";
        assert_eq!(rejected.message, message);
    }
}
