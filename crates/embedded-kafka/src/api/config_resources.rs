//! What the APIs for settings have in common: the kinds of resources, and what may be altered.
//!
//! A node takes all that Kafka lets an administrator change while it runs. What topics inherit, the
//! cleaner's pace, limits of connections and the like hold at once; what has no counterpart in this
//! cluster (log.cleaner.threads, the throttles of replication) is kept and shown. Loggers are none.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;

use crate::config::brokers::Level;
use crate::config::layers::Given;
use crate::config::{
    Change, Inherited, Layers, Operation, TopicConfig, brokers, check_entries, client_metrics,
};
use crate::group::config as groups;
use crate::metadata::names;
use crate::rejection::Rejection;
use crate::state::State;

pub(super) const TOPIC: i8 = 2;
pub(super) const BROKER: i8 = 4;
pub(super) const BROKER_LOGGER: i8 = 8;
pub(super) const CLIENT_METRICS: i8 = 16;
pub(super) const GROUP: i8 = 32;

/// Where the settings are kept.
pub(super) trait ConfigStore {
    /// What a topic has at a node.
    fn topic_config(&self, name: &str, node: i32) -> Option<TopicConfig>;

    /// Puts what `change` makes of a topic's settings in their place, unless it is only to be
    /// checked. No other change comes in between.
    fn change_topic_config(
        &self,
        name: &str,
        validate_only: bool,
        change: &dyn Fn(&TopicConfig) -> Result<TopicConfig, Rejection>,
    ) -> Result<(), Rejection>;

    /// Where a node's settings come from.
    fn layers(&self, node: i32) -> Layers;

    /// Puts what `change` makes of it in the place of what was set while nodes ran, for the node
    /// that is named or, where `name` is empty, for all; unless it is only to be checked. No other
    /// change comes in between.
    fn change_node_overrides(
        &self,
        name: &str,
        validate_only: bool,
        change: &dyn Fn(&Given) -> Result<Given, Rejection>,
    ) -> Result<(), Rejection>;

    /// What was set for a subscription of clients' metrics.
    fn metrics_overrides(&self, subscription: &str) -> Given;

    /// Puts other settings in the place of these.
    fn set_metrics_overrides(&self, subscription: &str, overrides: Given) -> Result<(), Rejection>;

    /// What was set for a consumer group.
    fn group_overrides(&self, group: &str) -> BTreeMap<String, String>;

    /// Puts other settings in the place of these.
    fn set_group_overrides(
        &self,
        group: &str,
        overrides: BTreeMap<String, String>,
    ) -> Result<(), Rejection>;
}

impl ConfigStore for State {
    fn topic_config(&self, name: &str, node: i32) -> Option<TopicConfig> {
        self.metadata.topic_config(name, node)
    }

    fn change_topic_config(
        &self,
        name: &str,
        validate_only: bool,
        change: &dyn Fn(&TopicConfig) -> Result<TopicConfig, Rejection>,
    ) -> Result<(), Rejection> {
        self.metadata.change_topic_config(name, validate_only, change)
    }

    fn layers(&self, node: i32) -> Layers {
        self.metadata.layers(node)
    }

    fn change_node_overrides(
        &self,
        name: &str,
        validate_only: bool,
        change: &dyn Fn(&Given) -> Result<Given, Rejection>,
    ) -> Result<(), Rejection> {
        if self.metadata.change_node_overrides(name, validate_only, change)? {
            self.configure_nodes();
        }
        Ok(())
    }

    fn metrics_overrides(&self, subscription: &str) -> Given {
        self.metadata.metrics_overrides(subscription)
    }

    fn set_metrics_overrides(&self, subscription: &str, overrides: Given) -> Result<(), Rejection> {
        self.metadata.set_metrics_overrides(subscription, overrides)
    }

    fn group_overrides(&self, group: &str) -> BTreeMap<String, String> {
        self.metadata.group_overrides().remove(group).unwrap_or_default()
    }

    fn set_group_overrides(
        &self,
        group: &str,
        overrides: BTreeMap<String, String>,
    ) -> Result<(), Rejection> {
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
    /// The number of the first operation that does not exist.
    pub(super) unknown_operation: Option<i8>,
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

/// Kafka has no message for an operation that does not exist.
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

/// Values are checked before the topic is looked for, as in Kafka.
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

/// The subscription need not be there.
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

/// The group need not be there.
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

/// The number of the node that a resource names. `what` is Kafka's word for it, which differs
/// between the APIs.
pub(super) fn node_id(name: &str, what: &str) -> Result<i32, Rejection> {
    name.parse().map_err(|_| {
        Rejection::invalid_request(format!("{what} must be an integer, but it is: {name}"))
    })
}

#[cfg(test)]
pub(super) mod testing {
    //! A store with the topic `airports` on node 1.

    use std::cell::RefCell;

    use super::*;
    use crate::config::{Settings, started};

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
        fn topic_config(&self, name: &str, _node: i32) -> Option<TopicConfig> {
            (name == "airports").then(|| self.config.borrow().clone())
        }

        fn change_topic_config(
            &self,
            name: &str,
            validate_only: bool,
            change: &dyn Fn(&TopicConfig) -> Result<TopicConfig, Rejection>,
        ) -> Result<(), Rejection> {
            let now = self.topic_config(name, 1).ok_or_else(|| Rejection::no_such_topic(name))?;
            let changed = change(&now)?;
            if validate_only {
                return Ok(());
            }
            if !self.is_writable {
                return Err(Rejection::new(ResponseError::KafkaStorageError, "no space left"));
            }
            *self.config.borrow_mut() = changed;
            Ok(())
        }

        fn layers(&self, node: i32) -> Layers {
            let overrides =
                |name: &str| self.node_overrides.borrow().get(name).cloned().unwrap_or_default();
            let settings = Settings { default_replication_factor: 3, ..Settings::default() };
            let place = started::Place {
                node,
                address: "127.0.0.1:9092".to_owned(),
                log_dir: "/data/kafka".to_owned(),
                rack: None,
                internal_replication_factor: 3,
            };
            let started = started::started(&settings, &place);
            Layers { own: overrides(&node.to_string()), of_all: overrides(""), started }
        }

        fn change_node_overrides(
            &self,
            name: &str,
            validate_only: bool,
            change: &dyn Fn(&Given) -> Result<Given, Rejection>,
        ) -> Result<(), Rejection> {
            let now = self.node_overrides.borrow().get(name).cloned().unwrap_or_default();
            let changed = change(&now)?;
            if !validate_only {
                self.node_overrides.borrow_mut().insert(name.to_owned(), changed);
            }
            Ok(())
        }

        fn metrics_overrides(&self, _subscription: &str) -> Given {
            Given::new()
        }

        fn set_metrics_overrides(&self, _subscription: &str, _: Given) -> Result<(), Rejection> {
            Ok(())
        }

        fn group_overrides(&self, group: &str) -> BTreeMap<String, String> {
            self.group_overrides.borrow().get(group).cloned().unwrap_or_default()
        }

        fn set_group_overrides(
            &self,
            group: &str,
            overrides: BTreeMap<String, String>,
        ) -> Result<(), Rejection> {
            self.group_overrides.borrow_mut().insert(group.to_owned(), overrides);
            Ok(())
        }
    }
}
