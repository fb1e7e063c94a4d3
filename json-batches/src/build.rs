//! Builds a JSON producer.

use std::time::Duration;

use helpers::DeliveryReport;
use helpers::config::{client_config, client_config_with_auth};
use helpers::connection;
use helpers::producer::producer_config;
use rdkafka::ClientConfig;
use rdkafka::producer::ThreadedProducer;

use crate::reports::{OnDelivery, OnSkipped, Reports};
use crate::{Error, JsonProducer, SkippedRecord};

const CLIENT_ID: &str = "json-producer";
const BATCH_SIZE: usize = 100;
const MAX_WORKERS: usize = 4;
const FLUSH_LIMIT: Duration = Duration::from_secs(60);

impl JsonProducer {
    /// Starts a builder for a producer on the cluster at `brokers`.
    pub fn builder(brokers: impl Into<String>) -> JsonProducerBuilder {
        JsonProducerBuilder {
            brokers: brokers.into(),
            auth: None,
            overrides: vec![("client.id".to_owned(), CLIENT_ID.to_owned())],
            batch_size: BATCH_SIZE,
            max_workers: MAX_WORKERS,
            flush_limit: FLUSH_LIMIT,
            reports: Reports::default(),
        }
    }
}

/// Builds a [`JsonProducer`].
///
/// The defaults are `client.id=json-producer`, and the settings of
/// [`ProducerBuilder`](helpers::ProducerBuilder) (`acks=all`, `enable.idempotence=true`).
#[must_use]
pub struct JsonProducerBuilder {
    brokers: String,
    auth: Option<bool>,
    overrides: Vec<(String, String)>,
    batch_size: usize,
    max_workers: usize,
    flush_limit: Duration,
    reports: Reports,
}

impl JsonProducerBuilder {
    /// Sets whether to authenticate (SASL). By default the environment decides.
    ///
    /// If on, the environment must name the user (`KAFKA_SASL_USERNAME`, `KAFKA_SASL_PASSWORD`),
    /// and may name the mechanism (`KAFKA_SASL_MECHANISM`, else `PLAIN`) and the protocol
    /// (`KAFKA_SECURITY_PROTOCOL`, else `SASL_SSL`). If off, the environment's security settings
    /// are left out.
    pub fn auth(mut self, on: bool) -> Self {
        self.auth = Some(on);
        self
    }

    /// Sets the name that the brokers use for this client in logs and quotas (`client.id`).
    pub fn client_id(self, name: impl Into<String>) -> Self {
        self.set("client.id", name)
    }

    /// Sets any librdkafka setting, over the defaults and over the environment.
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.overrides.push((key.into(), value.into()));
        self
    }

    /// Sets how many records a worker gets at once, 100 by default; at least 1. This is not the
    /// batch that is sent to the broker: librdkafka's `batch.size`, in bytes, and `linger.ms`
    /// determine that.
    pub fn batch_size(mut self, records: usize) -> Self {
        self.batch_size = records.max(1);
        self
    }

    /// Sets how many threads serialize, 4 by default; at least 1.
    pub fn max_workers(mut self, threads: usize) -> Self {
        self.max_workers = threads.max(1);
        self
    }

    /// Sets how long to wait for delivery reports after the last record is queued, 60 s by default.
    pub fn flush_limit(mut self, limit: Duration) -> Self {
        self.flush_limit = limit;
        self
    }

    /// Sets a callback for the report on every record, delivered or failed. It runs on a thread of
    /// the producer; keep it short, because it holds up all other reports.
    pub fn on_delivery(
        mut self,
        callback: impl Fn(&DeliveryReport<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.reports.on_delivery = Some(Box::new(callback) as OnDelivery);
        self
    }

    /// Sets a callback for every record that cannot be sent.
    pub fn on_skipped(mut self, callback: impl Fn(&SkippedRecord) + Send + Sync + 'static) -> Self {
        self.reports.on_skipped = Some(Box::new(callback) as OnSkipped);
        self
    }

    /// Checks that a broker responds, then builds the producer.
    ///
    /// # Errors
    /// [`NoResponse`] within five seconds if no broker responds, [`NoCredentials`] if auth is on
    /// and the environment names no user, [`Setting`] for a setting that librdkafka rejects, and
    /// those of [`client_config`].
    ///
    /// [`NoResponse`]: helpers::Error::NoResponse
    /// [`NoCredentials`]: helpers::Error::NoCredentials
    /// [`Setting`]: helpers::Error::Setting
    pub async fn build(self) -> Result<JsonProducer, Error> {
        let config = self.config()?;
        connection::check(&config).await?;
        let largest_record = config.create_native_config()?.get("message.max.bytes")?;
        let producer: ThreadedProducer<Reports> = config.create_with_context(self.reports)?;
        Ok(JsonProducer {
            producer,
            batch_size: self.batch_size,
            max_workers: self.max_workers,
            flush_limit: self.flush_limit,
            largest_record: largest_record.parse().unwrap_or(usize::MAX),
        })
    }

    fn config(&self) -> Result<ClientConfig, Error> {
        let connection = match self.auth {
            None => client_config(&self.brokers)?,
            Some(auth) => client_config_with_auth(&self.brokers, auth)?,
        };
        Ok(producer_config(connection, &self.overrides)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_has_its_default() {
        let builder = JsonProducer::builder("127.0.0.1:9092");
        assert_eq!((builder.batch_size, builder.max_workers), (100, 4));
        let config = builder.config().unwrap();
        assert_eq!(config.get("client.id"), Some("json-producer"));
        assert_eq!(config.get("acks"), Some("all"));
        assert_eq!(config.get("enable.idempotence"), Some("true"));
    }

    #[test]
    fn what_is_said_wins_over_the_defaults() {
        let builder = JsonProducer::builder("127.0.0.1:9092")
            .client_id("airports")
            .set("acks", "1")
            .set("linger.ms", "50")
            .batch_size(0)
            .max_workers(2);
        assert_eq!((builder.batch_size, builder.max_workers), (1, 2));
        let config = builder.config().unwrap();
        assert_eq!(config.get("client.id"), Some("airports"));
        assert_eq!(config.get("acks"), Some("1"));
        assert_eq!(config.get("enable.idempotence"), None);
        assert_eq!(config.get("linger.ms"), Some("50"));
    }

    #[test]
    fn without_auth_no_login_is_sent_whatever_the_environment_says() {
        let config = JsonProducer::builder("127.0.0.1:9092").auth(false).config().unwrap();
        assert_eq!(config.get("security.protocol"), None);
        assert_eq!(config.get("sasl.username"), None);
    }
}
