//! Builds a consumer with lineage.

use std::time::Duration;

use helpers::config::with_overrides;
use helpers::connection;
use rdkafka::ClientConfig;

use crate::Error;
use crate::batch::{Limits, Reader};
use crate::consumer::Consumer;
use crate::metrics::{BatchMetrics, OnBatch};

const BATCH_SIZE: usize = 100;
const TIMEOUT_MS: u64 = 1000;
/// Prefetching is bounded: librdkafka's defaults are 100,000 messages and 64 MiB. When the queue is
/// full, librdkafka by default checks again after a second, and by then the queue is long empty: a
/// bound without a short backoff limits the consumer to one fetch a second.
const DEFAULTS: [(&str, &str); 3] = [
    ("queued.min.messages", "10000"),
    ("queued.max.messages.kbytes", "16384"),
    ("fetch.queue.backoff.ms", "5"),
];
/// The setting's name, and its former name.
const AUTO_COMMIT: [&str; 2] = ["enable.auto.commit", "auto.commit.enable"];
const AUTO_STORE: &str = "enable.auto.offset.store";

/// Builds a [`Consumer`].
///
/// The defaults are 100 messages in a batch, 1000 ms to wait for them, the settings of
/// [`helpers::ConsumerBuilder`], and a bounded prefetch (`queued.min.messages=10000`,
/// `queued.max.messages.kbytes=16384`, `fetch.queue.backoff.ms=5`).
#[must_use]
pub struct ConsumerBuilder {
    service: String,
    brokers: String,
    topics: Vec<String>,
    group: String,
    limits: Limits,
    overrides: Vec<(String, String)>,
    on_batch: Option<OnBatch>,
}

impl Consumer {
    /// Starts a builder for a consumer of the group `group` for `service`, the name that metrics
    /// show.
    pub fn builder(
        service: impl Into<String>,
        brokers: impl Into<String>,
        topics: &[&str],
        group: impl Into<String>,
    ) -> ConsumerBuilder {
        ConsumerBuilder {
            service: service.into(),
            brokers: brokers.into(),
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            group: group.into(),
            limits: Limits {
                batch_size: BATCH_SIZE,
                timeout: Duration::from_millis(TIMEOUT_MS),
                latest_only: false,
                skip_undecodable: false,
            },
            overrides: Vec::new(),
            on_batch: None,
        }
    }

    /// Builds a consumer with a batch size, in messages, and a time to wait for a batch, in
    /// milliseconds.
    ///
    /// # Errors
    /// Those of [`ConsumerBuilder::build`].
    pub async fn new(
        service: impl Into<String>,
        brokers: impl Into<String>,
        topics: &[&str],
        group: impl Into<String>,
        batch_size: usize,
        timeout_ms: u64,
    ) -> Result<Consumer, Error> {
        let builder = Consumer::builder(service, brokers, topics, group);
        builder.batch_size(batch_size).timeout_ms(timeout_ms).build().await
    }
}

impl ConsumerBuilder {
    /// Sets how many messages a handler gets at most; at least 1.
    pub fn batch_size(mut self, messages: usize) -> Self {
        self.limits.batch_size = messages.max(1);
        self
    }

    /// Sets how long to wait for a batch to fill, in milliseconds.
    pub fn timeout_ms(mut self, timeout_ms: u64) -> Self {
        self.limits.timeout = Duration::from_millis(timeout_ms);
        self
    }

    /// Sets whether a handler gets only the newest message of each id in the batch. The same id in
    /// another topic is a different one: it may name something else there, and there is no order
    /// between topics.
    pub fn latest_only(mut self, latest_only: bool) -> Self {
        self.limits.latest_only = latest_only;
        self
    }

    /// Sets whether a record that is not an envelope is logged and skipped. Otherwise it is an
    /// error, and is read again.
    pub fn skip_undecodable(mut self, skip: bool) -> Self {
        self.limits.skip_undecodable = skip;
        self
    }

    /// Sets any librdkafka setting, over the defaults and over the environment, except two:
    /// auto-commit and auto-store stay off, because a batch is stored and committed after
    /// processing. Setting them only logs a warning.
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let (key, value) = (key.into(), value.into());
        if AUTO_COMMIT.contains(&key.as_str()) || key == AUTO_STORE {
            if value != "false" {
                tracing::warn!(
                    key,
                    value,
                    "auto-commit stays off: batches are committed when done"
                );
            }
            return self;
        }
        self.overrides.push((key, value));
        self
    }

    /// Sets a callback for the time and count of each batch, after its handler.
    pub fn on_batch(mut self, callback: impl Fn(&BatchMetrics) + Send + Sync + 'static) -> Self {
        self.on_batch = Some(Box::new(callback));
        self
    }

    /// Checks that a broker responds, then builds the consumer and subscribes it.
    ///
    /// # Errors
    /// Those of [`helpers::ConsumerBuilder::build`].
    pub async fn build(self) -> Result<Consumer, Error> {
        let config = self.config()?;
        connection::check(&config).await?;
        let reader = Reader::subscribe(&config, &self.topics, self.limits)?;
        Ok(Consumer::over(reader, self.service, self.group, self.on_batch))
    }

    fn config(&self) -> Result<ClientConfig, Error> {
        let mut config = helpers::ConsumerBuilder::new(&self.brokers, &self.group).config()?;
        for (key, value) in DEFAULTS {
            config.set(key, value);
        }
        Ok(with_overrides(config, &self.overrides)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder() -> ConsumerBuilder {
        Consumer::builder("boards", "127.0.0.1:9092", &["delays"], "boards")
    }

    #[test]
    fn the_defaults_are_set_and_can_be_overridden() {
        let config = builder().config().unwrap();
        for (key, value) in DEFAULTS {
            assert_eq!(config.get(key), Some(value));
            let config = builder().set(key, value.replace("1", "2")).config().unwrap();
            assert_eq!(config.get(key), Some(value.replace("1", "2").as_str()));
        }
        assert_eq!(builder().limits.batch_size, 100);
    }

    #[test]
    fn auto_commit_and_auto_store_cannot_be_switched_on() {
        for key in AUTO_COMMIT {
            let config = builder().set(key, "true").config().unwrap();
            assert_eq!(config.get("enable.auto.commit"), Some("false"));
            assert_eq!(config.get("auto.commit.enable"), None);
        }
        let config = builder().set(AUTO_STORE, "true").config().unwrap();
        assert_eq!(config.get("enable.auto.offset.store"), Some("false"));
    }

    #[test]
    fn a_group_without_a_name_is_refused() {
        let builder = Consumer::builder("boards", "127.0.0.1:9092", &["delays"], "");
        let refused = builder.config().unwrap_err();
        assert!(refused.to_string().contains("group.id"), "{refused}");
    }
}
