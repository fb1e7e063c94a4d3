//! Asking a cluster about itself, with a limit and without side effects.
//!
//! A consumer's handle asks, never a producer's or an admin client's: those ask for a named topic
//! with `allow.auto.create.topics`, and the question alone would create it. All calls here block;
//! [`blocking`] keeps them off the async runtime.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::metadata::Metadata;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::Error;
use crate::config::connection_part;

/// How long a cluster may take to answer. librdkafka itself retries a dead address for ever.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_millis(4500);

/// A connection that answers questions about the cluster.
pub(crate) struct ClusterQuestions {
    consumer: BaseConsumer<LastReason>,
    brokers: String,
}

impl ClusterQuestions {
    /// Opens a client with the connection settings of `config`. Nothing is asked yet.
    pub(crate) fn new(config: &ClientConfig) -> Result<Self, Error> {
        Self::with(config, &[])
    }

    /// [`ClusterQuestions::new`] with settings for the questions that depend on who asks.
    pub(crate) fn with(config: &ClientConfig, settings: &[(&str, &str)]) -> Result<Self, Error> {
        let mut connection = connection_part(config);
        for (key, value) in settings {
            connection.set(*key, *value);
        }
        let brokers = connection.get("bootstrap.servers").unwrap_or_default().to_owned();
        let consumer = connection.create_with_context(LastReason::default())?;
        Ok(ClusterQuestions { consumer, brokers })
    }

    // ANCHOR: ask
    /// Metadata of one topic, or of all. For a topic that does not exist the answer holds an error
    /// of its own; nothing is created.
    pub(crate) fn metadata(&self, topic: Option<&str>) -> Result<Metadata, Error> {
        let asked = Instant::now();
        let answer = self.consumer.fetch_metadata(topic, ANSWER_LIMIT);
        answer.map_err(|error| self.no_answer(error, asked.elapsed()))
    }

    /// The earliest offset that is there, and the one after the last that may be read.
    pub(crate) fn watermarks(&self, topic: &str, partition: i32) -> Result<(i64, i64), Error> {
        Ok(self.consumer.fetch_watermarks(topic, partition, ANSWER_LIMIT)?)
    }
    // ANCHOR_END: ask

    /// What the group of the settings has committed in these partitions.
    pub(crate) fn committed(&self, list: TopicPartitionList) -> Result<TopicPartitionList, Error> {
        Ok(self.consumer.committed_offsets(list, ANSWER_LIMIT)?)
    }

    fn no_answer(&self, error: KafkaError, waited: Duration) -> Error {
        if !matches!(error, KafkaError::MetadataFetch(_)) {
            return error.into();
        }
        // The reason waits in the client's queue until somebody polls.
        for _ in 0..8 {
            let _ = self.consumer.poll(Duration::ZERO);
        }
        let reason = self.consumer.context().reason();
        Error::NoAnswer { brokers: self.brokers.clone(), waited, reason }
    }
}

/// Keeps the last thing that librdkafka said about a connection: a failed metadata request says
/// only that time ran out, this says "connection refused" or "authentication failed".
#[derive(Default)]
struct LastReason(Mutex<Option<String>>);

impl LastReason {
    fn reason(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for LastReason {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka");
        // "All brokers are down" follows the reason for it, and says less.
        if !reason.contains("brokers are down") {
            // What follows is the connection's state and age, for those who know librdkafka.
            let reason = reason.split(" (after ").next().unwrap_or(reason).to_owned();
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        }
    }
}

impl ConsumerContext for LastReason {}

/// Checks that a broker answers, before a client is built that would wait for it without a word.
pub(crate) async fn check(config: &ClientConfig) -> Result<(), Error> {
    let config = config.clone();
    blocking(move || ClusterQuestions::new(&config)?.metadata(None).map(|_| ())).await
}

/// Runs a blocking call of librdkafka on a thread that may wait.
pub(crate) async fn blocking<T, F>(call: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(call).await {
        Ok(result) => result,
        // The call is awaited to its end, so it can only have panicked.
        Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
    }
}
