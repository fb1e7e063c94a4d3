//! Settings: those of a topic, of a consumer group and of a broker, with their accepted and their
//! current values.
//!
//! Errors carry Apache Kafka's own messages, since users search the web for them.

pub(crate) mod apache;
pub(crate) mod brokers;
mod change;
pub(crate) mod client_metrics;
mod cluster_settings;
pub(crate) mod group_defaults;
mod kinds;
pub(crate) mod layers;
pub(crate) mod properties;
mod requirements;
pub(crate) mod started;
mod topic_config;
mod topic_settings;

pub(crate) use change::{Change, Operation, check_entries};
pub(crate) use cluster_settings::Settings;
pub(crate) use kinds::Kind;
pub(crate) use layers::{HandedDown, Inherited, Layers};
pub(crate) use topic_config::{CleanupPolicy, TopicConfig};
pub(crate) use topic_settings::{TOPIC_SETTINGS, TopicSetting};

#[cfg(test)]
mod tests;
