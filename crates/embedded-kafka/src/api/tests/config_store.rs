//! A store of settings with the topic `airports` on node 1.

use std::cell::RefCell;
use std::collections::BTreeMap;

use kafka_protocol::ResponseError;

use crate::api::config_resources::ConfigStore;
use crate::config::layers::Given;
use crate::config::{Layers, Settings, TopicConfig, started};
use crate::rejection::Rejection;

pub(super) struct OneTopic {
    pub(super) config: RefCell<TopicConfig>,
    pub(super) node_overrides: RefCell<BTreeMap<String, BTreeMap<String, String>>>,
    pub(super) group_overrides: RefCell<BTreeMap<String, BTreeMap<String, String>>>,
    /// Tells whether a write to the disk succeeds.
    pub(super) is_writable: bool,
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
