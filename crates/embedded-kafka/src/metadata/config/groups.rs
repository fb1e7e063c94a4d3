//! The settings of consumer groups: those of a group of the new protocol (KIP-848), and the node's
//! which it has where it sets none, with their limits.
//!
//! Apache Kafka has more of them for share groups and for those of Kafka Streams, which this cluster
//! has not.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;

use super::kinds::Kind::{self, Choice, Choices, Int};
use super::{Change, NodeSetting, Operation};
use crate::group;
use crate::metadata::Refusal;

/// A setting of a group. All of them are whole numbers of milliseconds.
#[derive(Debug)]
pub(crate) struct GroupSetting {
    pub(crate) name: &'static str,
    /// The node's name for it.
    pub(crate) node_setting: &'static str,
    pub(crate) kind: Kind,
    /// What a group has that sets nothing.
    pub(crate) default: i32,
    pub(crate) documentation: &'static str,
    least: Limit,
    most: Limit,
    /// Apache Kafka's default.
    pub(crate) apache: &'static str,
}

/// A limit that the node sets to the groups' values.
#[derive(Debug)]
struct Limit {
    node_setting: &'static str,
    value: i32,
    apache: &'static str,
    documentation: &'static str,
}

macro_rules! group_setting {
    ($name:literal: $kind:expr, $default:expr, $apache:literal, from $least:literal ($apache_least:literal) to $most:literal, $documentation:literal) => {
        GroupSetting {
            name: concat!("consumer.", $name),
            node_setting: concat!("group.consumer.", $name),
            kind: $kind,
            default: $default,
            documentation: $documentation,
            apache: $apache,
            least: Limit {
                node_setting: concat!("group.consumer.min.", $name),
                value: $least,
                apache: $apache_least,
                documentation: concat!("The least that a group may set as consumer.", $name, "."),
            },
            most: Limit {
                node_setting: concat!("group.consumer.max.", $name),
                value: $most,
                apache: stringify!($most),
                documentation: concat!("The most that a group may set as consumer.", $name, "."),
            },
        }
    };
}

/// Every setting of a group, by name.
pub(crate) static GROUP_SETTINGS: [GroupSetting; 3] = [
    group_setting!(
        "assignment.interval.ms": Int(0, i32::MAX), group::CONSUMER_ASSIGNMENT_INTERVAL_MS, "1000",
        from 0 ("0") to 15000,
        "How long, in ms, an assignment holds at least before the next one is computed."
    ),
    group_setting!(
        "heartbeat.interval.ms": Int(1, i32::MAX), group::CONSUMER_HEARTBEAT_INTERVAL_MS, "5000",
        from 100 ("5000") to 15000,
        "How often, in ms, a member is to be heard of, and so how soon it learns what it is to do."
    ),
    group_setting!(
        "session.timeout.ms": Int(1, i32::MAX), group::CONSUMER_SESSION_TIMEOUT_MS, "45000",
        from 6000 ("45000") to 60000,
        "How long, in ms, a member may keep silent before it is taken for dead."
    ),
];

/// What becomes of a group's own settings by these changes. With `replaces_all`, what they do not
/// name goes.
///
/// # Errors
/// INVALID_CONFIG for an unknown name, for a list's operation and for a value that is no number or
/// outside the node's limits; UNKNOWN_SERVER_ERROR for an operation that does not exist.
pub(crate) fn changed(
    now: &BTreeMap<String, String>,
    changes: &[Change<'_>],
    replaces_all: bool,
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
    check(own)
}

/// The settings as Kafka shows them.
fn check(mut own: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Refusal> {
    let is_known = |name: &str| GROUP_SETTINGS.iter().any(|setting| setting.name == name);
    if let Some(unknown) = own.keys().find(|name| !is_known(name)) {
        return Err(Refusal::invalid_config(format!("Unknown group config name: {unknown}")));
    }
    for setting in &GROUP_SETTINGS {
        if let Some(value) = own.get_mut(setting.name) {
            let normal = setting.kind.normalise(setting.name, value);
            *value = normal.map_err(Refusal::invalid_config)?;
        }
    }
    for setting in &GROUP_SETTINGS {
        let Some(value) = value(setting, &own) else { continue };
        let (name, least, most) = (setting.name, &setting.least, &setting.most);
        let beyond = if value < least.value {
            format!("{name} must be greater than or equal to {}", least.node_setting)
        } else if value > most.value {
            format!("{name} must be less than or equal to {}", most.node_setting)
        } else {
            continue;
        };
        return Err(Refusal::invalid_config(beyond));
    }
    let [_, heartbeat, session] = &GROUP_SETTINGS;
    let effective = |setting| value(setting, &own).unwrap_or(setting.default);
    if effective(session) <= effective(heartbeat) {
        return Err(Refusal::invalid_config(format!(
            "{} must be greater than {}",
            session.name, heartbeat.name
        )));
    }
    Ok(own)
}

/// What a group sets itself.
fn value(setting: &GroupSetting, own: &BTreeMap<String, String>) -> Option<i32> {
    own.get(setting.name)?.parse().ok()
}

/// What the coordinator works with for a group that sets this itself.
pub(crate) fn applied(own: &BTreeMap<String, String>, to: &group::Settings) -> group::Settings {
    let [assignment, heartbeat, session] =
        GROUP_SETTINGS.each_ref().map(|setting| value(setting, own));
    group::Settings {
        consumer_assignment_interval_ms: assignment.unwrap_or(to.consumer_assignment_interval_ms),
        consumer_heartbeat_interval_ms: heartbeat.unwrap_or(to.consumer_heartbeat_interval_ms),
        consumer_session_timeout_ms: session.unwrap_or(to.consumer_session_timeout_ms),
        ..to.clone()
    }
}

/// The node's settings of groups of the new protocol.
pub(super) fn node_settings() -> Vec<NodeSetting> {
    let row = |name, kind, value: String, default, documentation| NodeSetting {
        name,
        kind,
        value,
        default: Some(default),
        documentation,
    };
    let mut rows = vec![
        row(
            "group.consumer.assignors",
            Choices(&group::ASSIGNORS),
            group::ASSIGNORS.join(","),
            "uniform,range",
            "The assignors that members can ask for, the default first.",
        ),
        row(
            "group.consumer.max.size",
            Int(1, i32::MAX),
            i32::MAX.to_string(),
            "2147483647",
            "The most members of a group.",
        ),
        row(
            "group.consumer.migration.policy",
            Choice(&["bidirectional", "upgrade", "downgrade", "disabled"]),
            group::MIGRATION_POLICY.to_owned(),
            "bidirectional",
            "Which groups with members change their protocol.",
        ),
    ];
    for setting in &GROUP_SETTINGS {
        let value = setting.default.to_string();
        let (name, documentation) = (setting.node_setting, setting.documentation);
        rows.push(row(name, setting.kind, value, setting.apache, documentation));
        for limit in [&setting.least, &setting.most] {
            let (name, value) = (limit.node_setting, limit.value.to_string());
            rows.push(row(name, setting.kind, value, limit.apache, limit.documentation));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "consumer.session.timeout.ms";
    const HEARTBEAT: &str = "consumer.heartbeat.interval.ms";

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
