//! The resources that have settings, and the store that keeps their settings.

use std::collections::BTreeMap;

use crate::config::layers::Given;
use crate::config::{Layers, TopicConfig};
use crate::rejection::Rejection;
use crate::state::State;

pub(super) const TOPIC: i8 = 2;
pub(super) const BROKER: i8 = 4;
pub(super) const BROKER_LOGGER: i8 = 8;
pub(super) const CLIENT_METRICS: i8 = 16;
pub(super) const GROUP: i8 = 32;

/// Keeps the settings.
pub(super) trait ConfigStore {
    /// Returns the settings of a topic at a node.
    fn topic_config(&self, name: &str, node: i32) -> Option<TopicConfig>;

    /// Replaces a topic's settings with the result of `change`, or only checks that it can. No
    /// other change comes in between.
    fn change_topic_config(
        &self,
        name: &str,
        validate_only: bool,
        change: &dyn Fn(&TopicConfig) -> Result<TopicConfig, Rejection>,
    ) -> Result<(), Rejection>;

    /// Returns the layers from which a node's settings come.
    fn layers(&self, node: i32) -> Layers;

    /// Replaces the dynamic settings with the result of `change`, or only checks that it can: those
    /// of the named node, or those of all nodes if `name` is empty. No other change comes in
    /// between.
    fn change_node_overrides(
        &self,
        name: &str,
        validate_only: bool,
        change: &dyn Fn(&Given) -> Result<Given, Rejection>,
    ) -> Result<(), Rejection>;

    /// Returns the settings of a client metrics subscription.
    fn metrics_overrides(&self, subscription: &str) -> Given;

    /// Replaces these settings.
    fn set_metrics_overrides(&self, subscription: &str, overrides: Given) -> Result<(), Rejection>;

    /// Returns the settings of a consumer group.
    fn group_overrides(&self, group: &str) -> BTreeMap<String, String>;

    /// Replaces these settings.
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

/// Parses the id of the node that a resource names. `what` is Kafka's word for it, which differs
/// between the APIs.
pub(super) fn node_id(name: &str, what: &str) -> Result<i32, Rejection> {
    name.parse().map_err(|_| {
        Rejection::invalid_request(format!("{what} must be an integer, but it is: {name}"))
    })
}
