//! Topics, partitions, settings and nodes.

pub(crate) mod config;
pub(crate) mod names;

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use parking_lot::Mutex;

/// Topics and nodes.
pub(crate) struct Metadata {
    topics: Mutex<BTreeMap<String, config::TopicConfig>>,
    node: config::NodeSettings,
}

impl Metadata {
    pub(crate) fn topic_config(&self, name: &str) -> Option<config::TopicConfig> {
        self.topics.lock().get(name).cloned()
    }

    pub(crate) fn set_topic_config(
        &self,
        name: &str,
        config: config::TopicConfig,
    ) -> Result<(), ResponseError> {
        match self.topics.lock().get_mut(name) {
            Some(kept) => {
                *kept = config;
                Ok(())
            }
            None => Err(ResponseError::UnknownTopicOrPartition),
        }
    }

    pub(crate) fn node_settings(&self, node_id: i32) -> config::NodeSettings {
        config::NodeSettings {
            node_id,
            ..self.node.clone()
        }
    }
}
