//! What the APIs for settings have in common: the kinds of resources, and what may be altered.
//!
//! Most of a node's settings are read-only here: what Kafka lets an administrator change on a running
//! node (log.cleaner.threads and the like) has no counterpart in this cluster. The throttles of
//! replication can be set, for the tools that do. Loggers are none.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;

use crate::metadata::config::{
    Change, NodeSettings, Operation, TopicConfig, check_entries, groups, throttles,
};
use crate::metadata::{Refusal, names};
use crate::state::State;

pub(super) const TOPIC: i8 = 2;
pub(super) const BROKER: i8 = 4;
pub(super) const BROKER_LOGGER: i8 = 8;
pub(super) const GROUP: i8 = 32;

/// Where the settings are kept.
pub(super) trait ConfigStore {
    fn topic_config(&self, name: &str) -> Option<TopicConfig>;

    /// Puts what `change` makes of a topic's settings in their place, unless it is only to be
    /// checked. No other change comes in between.
    fn change_topic_config(
        &self,
        name: &str,
        validate_only: bool,
        change: &dyn Fn(&TopicConfig) -> Result<TopicConfig, Refusal>,
    ) -> Result<(), Refusal>;

    fn node_settings(&self, node: i32) -> NodeSettings;

    /// What was set for a node while it ran, or for all nodes where `name` is empty.
    fn node_overrides(&self, name: &str) -> BTreeMap<String, String>;

    /// Puts other settings in the place of these.
    fn set_node_overrides(
        &self,
        name: &str,
        overrides: BTreeMap<String, String>,
    ) -> Result<(), Refusal>;

    /// What was set for a consumer group.
    fn group_overrides(&self, group: &str) -> BTreeMap<String, String>;

    /// Puts other settings in the place of these.
    fn set_group_overrides(
        &self,
        group: &str,
        overrides: BTreeMap<String, String>,
    ) -> Result<(), Refusal>;
}

impl ConfigStore for State {
    fn topic_config(&self, name: &str) -> Option<TopicConfig> {
        self.metadata.topic_config(name)
    }

    fn change_topic_config(
        &self,
        name: &str,
        validate_only: bool,
        change: &dyn Fn(&TopicConfig) -> Result<TopicConfig, Refusal>,
    ) -> Result<(), Refusal> {
        self.metadata.change_topic_config(name, validate_only, change)
    }

    fn node_settings(&self, node: i32) -> NodeSettings {
        self.metadata.node_settings(node)
    }

    fn node_overrides(&self, name: &str) -> BTreeMap<String, String> {
        self.metadata.node_overrides(name)
    }

    fn set_node_overrides(
        &self,
        name: &str,
        overrides: BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        self.metadata.set_node_overrides(name, overrides)
    }

    fn group_overrides(&self, group: &str) -> BTreeMap<String, String> {
        self.metadata.group_overrides().remove(group).unwrap_or_default()
    }

    fn set_group_overrides(
        &self,
        group: &str,
        overrides: BTreeMap<String, String>,
    ) -> Result<(), Refusal> {
        self.metadata.set_group_overrides(group, overrides.clone())?;
        self.configure_group(group, &overrides);
        Ok(())
    }
}

/// The changes to one resource, from either API.
pub(super) struct Alteration<'a> {
    pub(super) resource_type: i8,
    pub(super) name: &'a str,
    pub(super) changes: Vec<Change<'a>>,
    /// Whether what the changes do not name goes back to its default (AlterConfigs).
    pub(super) replaces_all: bool,
}

/// Makes the changes, each resource for itself, and returns an error code and a message for each.
pub(super) fn alter(
    alterations: &[Alteration<'_>],
    validate_only: bool,
    node: i32,
    store: &impl ConfigStore,
) -> Vec<(i16, Option<StrBytes>)> {
    let mut times = BTreeMap::<_, usize>::new();
    for alteration in alterations {
        *times.entry((alteration.resource_type, alteration.name)).or_default() += 1;
    }
    let one = |alteration: &Alteration<'_>| {
        let result = if times[&(alteration.resource_type, alteration.name)] > 1 {
            Err(Refusal::invalid_request("Each resource must appear at most once."))
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

/// Kafka has no message for an operation that does not exist.
fn message_of(error: &Refusal) -> Option<StrBytes> {
    let has_one = error.code != ResponseError::UnknownServerError;
    has_one.then(|| StrBytes::from_string(error.message.clone()))
}

fn alter_one(
    alteration: &Alteration<'_>,
    validate_only: bool,
    node: i32,
    store: &impl ConfigStore,
) -> Result<(), Refusal> {
    check_entries(alteration.changes.iter().map(|change| {
        (change.name, change.value.is_none() && change.operation != Some(Operation::Delete))
    }))?;
    match alteration.resource_type {
        TOPIC => alter_topic(alteration, validate_only, store),
        BROKER => alter_node(alteration, validate_only, node, store),
        GROUP => alter_group(alteration, validate_only, store),
        BROKER_LOGGER if !alteration.replaces_all => alter_logger(alteration, node),
        other => Err(Refusal::invalid_request(format!("Unknown resource type {other}"))),
    }
}

/// Values are checked before the topic is looked for, as in Kafka.
fn alter_topic(
    alteration: &Alteration<'_>,
    validate_only: bool,
    store: &impl ConfigStore,
) -> Result<(), Refusal> {
    let name = alteration.name;
    if name.is_empty() {
        return Err(Refusal::invalid_request("Default topic resources are not allowed."));
    }
    names::validate(name)
        .map_err(|message| Refusal::new(ResponseError::InvalidTopicException, message))?;
    let default = TopicConfig::default();
    let change = |now: &TopicConfig| {
        let start = if alteration.replaces_all { &default } else { now };
        start.changed(&alteration.changes)
    };
    if store.topic_config(name).is_none() {
        change(&default)?;
    }
    store.change_topic_config(name, validate_only, &change)
}

fn alter_node(
    alteration: &Alteration<'_>,
    validate_only: bool,
    node: i32,
    store: &impl ConfigStore,
) -> Result<(), Refusal> {
    let name = alteration.name;
    if !name.is_empty() {
        let id = node_id(name, "Node id")?;
        if id != node {
            let message = format!("Unexpected broker id, expected {node}, but received {id}");
            return Err(Refusal::invalid_request(message));
        }
    }
    let now = store.node_overrides(name);
    let changed = throttles::changed(&now, &alteration.changes, alteration.replaces_all)?;
    if validate_only || changed == now {
        return Ok(());
    }
    store.set_node_overrides(name, changed)
}

/// The group need not be there.
fn alter_group(
    alteration: &Alteration<'_>,
    validate_only: bool,
    store: &impl ConfigStore,
) -> Result<(), Refusal> {
    let group = alteration.name;
    if group.is_empty() {
        return Err(Refusal::invalid_request("Default group resources are not allowed."));
    }
    let now = store.group_overrides(group);
    let changed = groups::changed(&now, &alteration.changes, alteration.replaces_all)?;
    if validate_only || changed == now {
        return Ok(());
    }
    store.set_group_overrides(group, changed)
}

fn alter_logger(alteration: &Alteration<'_>, node: i32) -> Result<(), Refusal> {
    let id = node_id(alteration.name, "Node id")?;
    if id != node {
        let message = format!("Unexpected node id. Expected {node}, but received {id}");
        return Err(Refusal::invalid_request(message));
    }
    match alteration.changes.first() {
        None => Ok(()),
        Some(change) => {
            let message = format!("Logger {} does not exist!", change.name);
            Err(Refusal::invalid_config(message))
        }
    }
}

/// The number of the node that a resource names. `what` is Kafka's word for it, which differs
/// between the APIs.
pub(super) fn node_id(name: &str, what: &str) -> Result<i32, Refusal> {
    name.parse().map_err(|_| {
        Refusal::invalid_request(format!("{what} must be an integer, but it is: {name}"))
    })
}

#[cfg(test)]
pub(super) mod testing {
    //! A store with the topic `airports` on node 1.

    use std::cell::RefCell;

    use super::*;

    pub(crate) struct OneTopic {
        pub(crate) config: RefCell<TopicConfig>,
        pub(crate) node_overrides: RefCell<BTreeMap<String, BTreeMap<String, String>>>,
        pub(crate) group_overrides: RefCell<BTreeMap<String, BTreeMap<String, String>>>,
        /// Whether the disk takes a change.
        pub(crate) is_writable: bool,
    }

    impl Default for OneTopic {
        fn default() -> Self {
            let (node_overrides, group_overrides) = (RefCell::default(), RefCell::default());
            Self { config: RefCell::default(), node_overrides, group_overrides, is_writable: true }
        }
    }

    impl ConfigStore for OneTopic {
        fn topic_config(&self, name: &str) -> Option<TopicConfig> {
            (name == "airports").then(|| self.config.borrow().clone())
        }

        fn change_topic_config(
            &self,
            name: &str,
            validate_only: bool,
            change: &dyn Fn(&TopicConfig) -> Result<TopicConfig, Refusal>,
        ) -> Result<(), Refusal> {
            let now = self.topic_config(name).ok_or_else(|| Refusal::no_such_topic(name))?;
            let changed = change(&now)?;
            if validate_only {
                return Ok(());
            }
            if !self.is_writable {
                return Err(Refusal::new(ResponseError::KafkaStorageError, "no space left"));
            }
            *self.config.borrow_mut() = changed;
            Ok(())
        }

        fn node_overrides(&self, name: &str) -> BTreeMap<String, String> {
            self.node_overrides.borrow().get(name).cloned().unwrap_or_default()
        }

        fn set_node_overrides(
            &self,
            name: &str,
            overrides: BTreeMap<String, String>,
        ) -> Result<(), Refusal> {
            self.node_overrides.borrow_mut().insert(name.to_owned(), overrides);
            Ok(())
        }

        fn group_overrides(&self, group: &str) -> BTreeMap<String, String> {
            self.group_overrides.borrow().get(group).cloned().unwrap_or_default()
        }

        fn set_group_overrides(
            &self,
            group: &str,
            overrides: BTreeMap<String, String>,
        ) -> Result<(), Refusal> {
            self.group_overrides.borrow_mut().insert(group.to_owned(), overrides);
            Ok(())
        }

        fn node_settings(&self, node: i32) -> NodeSettings {
            NodeSettings {
                node_id: node,
                rack: None,
                replica_lag_time_max_ms: 30_000,
                retention_check_interval_ms: 300_000,
                cleaner_backoff_ms: 15_000,
                address: "127.0.0.1:9092".to_owned(),
                log_dir: "/data/kafka".to_owned(),
                num_partitions: 1,
                default_replication_factor: 3,
                auto_create_topics_enable: true,
                offsets_topic_num_partitions: 5,
                offsets_topic_replication_factor: 3,
                offset_metadata_max_bytes: 4096,
                group_initial_rebalance_delay_ms: 0,
                group_min_session_timeout_ms: 6000,
                group_max_session_timeout_ms: 1_800_000,
                socket_request_max_bytes: 104_857_600,
                fetch_max_bytes: 57_671_680,
                producer_id_expiration_ms: 86_400_000,
                transaction_max_timeout_ms: 900_000,
                transaction_state_log_num_partitions: 50,
                transaction_state_log_replication_factor: 3,
                transactional_id_expiration_ms: 604_800_000,
            }
        }
    }
}
