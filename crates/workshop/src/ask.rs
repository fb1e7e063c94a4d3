//! Checks that a cluster responds: one metadata request with a limit.
//!
//! librdkafka silently retries an address without a listener forever, so a client without this
//! check would hang. A consumer sends the request, because a producer's metadata request may create
//! topics.

use std::sync::Mutex;
use std::time::Duration;

use helpers::config::FROM_ENVIRONMENT;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// How long a cluster may take to respond.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// How long to wait for librdkafka's reasons for a failed request.
const DRAIN: Duration = Duration::from_millis(20);

/// What a cluster responded.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The cluster's id; every Kafka since 0.10.1 has one.
    pub(crate) cluster_id: Option<String>,
    /// How many nodes it has.
    pub(crate) nodes: usize,
}

/// Why there is no response.
#[derive(Debug)]
pub(crate) enum Silence {
    /// librdkafka rejects the settings.
    Settings(KafkaError),
    /// No broker responded in time; this is librdkafka's last error.
    Unanswered(String),
}

/// Returns a client configuration for `servers`, with the security settings of the environment:
/// `KAFKA_SECURITY_PROTOCOL`, `KAFKA_SASL_MECHANISM`, `KAFKA_SASL_USERNAME`, `KAFKA_SASL_PASSWORD`
/// and `KAFKA_SSL_CA_LOCATION`.
pub fn client_config(servers: &str) -> ClientConfig {
    let mut config = plain_config(servers);
    for (variable, setting) in FROM_ENVIRONMENT {
        if let Some(value) = variable_set(variable) {
            config.set(setting, value);
        }
    }
    config
}

/// Returns a client configuration for a cluster of our own, which speaks PLAINTEXT.
pub(crate) fn plain_config(servers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers);
    config
}

/// Returns the value of an environment variable; an empty one counts as not set.
pub(crate) fn variable_set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Sends a metadata request and waits for the response, [`ANSWER_LIMIT`] at most.
pub(crate) async fn ask(config: ClientConfig) -> Result<Answer, Silence> {
    // rdkafka's request blocks its thread.
    tokio::task::spawn_blocking(move || ask_blocking(&config))
        .await
        .unwrap_or_else(|cancelled| Err(Silence::Unanswered(cancelled.to_string())))
}

fn ask_blocking(config: &ClientConfig) -> Result<Answer, Silence> {
    let consumer: BaseConsumer<LastWord> =
        config.create_with_context(LastWord::default()).map_err(Silence::Settings)?;
    match consumer.fetch_metadata(None, ANSWER_LIMIT) {
        Ok(metadata) => Ok(Answer {
            // The metadata above carried it, so this does not wait.
            cluster_id: consumer.client().fetch_cluster_id(Duration::from_secs(1)),
            nodes: metadata.brokers().len(),
        }),
        Err(error) => {
            // The reasons are in the consumer's queue, among log lines.
            while consumer.poll(DRAIN).is_some() {}
            let reason = consumer.client().context().reason();
            Err(Silence::Unanswered(reason.unwrap_or_else(|| error.to_string())))
        }
    }
}

/// Keeps why librdkafka could not connect: the failed request itself says only "timed out".
#[derive(Default)]
struct LastWord {
    reason: Mutex<Option<String>>,
}

impl LastWord {
    fn reason(&self) -> Option<String> {
        self.reason.lock().ok().and_then(|reason| reason.clone())
    }
}

impl ClientContext for LastWord {
    // librdkafka's log says the same once more.
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _message: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        // "All brokers down" follows each real reason and would hide it.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            return;
        }
        if let Ok(mut last) = self.reason.lock() {
            *last = Some(reason.split(" (after ").next().unwrap_or(reason).to_owned());
        }
    }
}

impl ConsumerContext for LastWord {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_where_nobody_listens_is_named_in_the_reason() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let silence = ask(plain_config(&address)).await.unwrap_err();
        let Silence::Unanswered(reason) = silence else { panic!("{silence:?}") };
        assert!(reason.contains(&address) && reason.contains("refused"), "{reason}");
    }

    #[tokio::test]
    async fn settings_that_librdkafka_lacks_are_told_from_silence() {
        let mut config = plain_config("127.0.0.1:1");
        config.set("security.protocol", "carrier_pigeon");
        assert!(matches!(ask(config).await, Err(Silence::Settings(_))));
    }
}
