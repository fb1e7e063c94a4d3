//! Ask a cluster about itself, with a limit and without side effects.
//!
//! A consumer's handle asks, never a producer's or an admin client's: those ask for a named topic
//! with `allow.auto.create.topics`, and the question alone would create it. All calls here block;
//! [`blocking`] keeps them off the async runtime.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataBroker};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::Error;
use crate::config::connection_part;

/// How long a cluster may take to answer all that one call of a helper asks. librdkafka itself
/// retries a dead address for ever.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_millis(4500);

/// Until when everything that a helper asks has to be answered, in however many questions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    started: Instant,
    limit: Duration,
}

impl Deadline {
    /// The one of a helper that is called now.
    pub(crate) fn start() -> Self {
        Self::after(ANSWER_LIMIT)
    }

    pub(crate) fn after(limit: Duration) -> Self {
        Deadline { started: Instant::now(), limit }
    }

    /// How much time is left; zero when it is over.
    pub(crate) fn left(&self) -> Duration {
        self.limit.saturating_sub(self.waited())
    }

    pub(crate) fn waited(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A connection that answers questions about the cluster, all of them before one deadline.
pub(crate) struct MetadataClient {
    consumer: BaseConsumer<LastReason>,
    brokers: String,
    deadline: Deadline,
}

impl MetadataClient {
    /// Opens a client with the connection settings of `config`. Nothing is asked yet.
    pub(crate) fn new(config: &ClientConfig, deadline: Deadline) -> Result<Self, Error> {
        Self::with(config, &[], deadline)
    }

    /// [`MetadataClient::new`] with settings for the questions that depend on who asks.
    pub(crate) fn with(
        config: &ClientConfig,
        settings: &[(&str, &str)],
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let mut connection = impatient(config);
        for (key, value) in settings {
            connection.set(*key, *value);
        }
        let brokers = bootstrap_servers(&connection);
        let consumer = connection.create_with_context(LastReason::default())?;
        Ok(MetadataClient { consumer, brokers, deadline })
    }

    /// The id that the cluster was given when it was made.
    pub(crate) fn cluster_id(&self) -> Result<String, Error> {
        // The answer to this tells the id, and what fails, which the question for the id does not.
        self.metadata(None)?;
        let id = self.consumer.client().fetch_cluster_id(self.deadline.left());
        Ok(id.unwrap_or_default())
    }

    // ANCHOR: ask
    /// Metadata of one topic, or of all. For a topic that does not exist the answer holds an error
    /// of its own; nothing is created.
    pub(crate) fn metadata(&self, topic: Option<&str>) -> Result<Metadata, Error> {
        let answer = self.consumer.fetch_metadata(topic, self.deadline.left());
        answer.map_err(|error| self.no_answer(error))
    }

    /// One end of each of these partitions. ListOffsets takes Kafka's two special offsets, for the
    /// beginning and the end, where it takes timestamps, and asks a leader once for all it leads.
    fn ends(
        &self,
        topic: &str,
        partitions: &[i32],
        end: Offset,
    ) -> Result<TopicPartitionList, KafkaError> {
        let mut asked = TopicPartitionList::new();
        for partition in partitions {
            asked.add_partition_offset(topic, *partition, end)?;
        }
        self.consumer.offsets_for_times(asked, self.deadline.left())
    }
    // ANCHOR_END: ask

    /// The earliest offset that is there and the one after the last that may be read, of
    /// partitions which the same broker leads.
    pub(crate) fn watermarks(
        &self,
        leader: &str,
        topic: &str,
        partitions: &[i32],
    ) -> Result<BTreeMap<i32, (i64, i64)>, Error> {
        let ends = |end| {
            let answer = self.ends(topic, partitions, end).and_then(|list| offsets(&list));
            answer.map_err(|error| match is_silence(&error) {
                true => self.silent(leader, format!("for the offsets of topic {topic}")),
                false => error.into(),
            })
        };
        let (low, high) = (ends(Offset::Beginning)?, ends(Offset::End)?);
        let both = low.into_iter().filter_map(|(id, low)| Some((id, (low, *high.get(&id)?))));
        Ok(both.collect())
    }

    /// What the group of the settings has committed in these partitions.
    pub(crate) fn committed(
        &self,
        group: &str,
        list: TopicPartitionList,
    ) -> Result<TopicPartitionList, Error> {
        let answer = self.consumer.committed_offsets(list, self.deadline.left());
        answer.map_err(|error| match is_silence(&error) {
            true => {
                let coordinator = format!("the coordinator of group {group} at {}", self.brokers);
                self.silent(&coordinator, "for what the group has committed".to_owned())
            }
            false => error.into(),
        })
    }

    /// Whether there is time to ask once more.
    pub(crate) fn is_in_time(&self) -> bool {
        !self.deadline.left().is_zero()
    }

    fn silent(&self, broker: &str, question: String) -> Error {
        Error::BrokerTimedOut {
            broker: broker.to_owned(),
            question,
            waited: self.deadline.waited(),
        }
    }

    fn no_answer(&self, error: KafkaError) -> Error {
        if !matches!(error, KafkaError::MetadataFetch(_)) {
            return error.into();
        }
        // The reason waits in the client's queue until somebody polls.
        for _ in 0..8 {
            let _ = self.consumer.poll(Duration::ZERO);
        }
        let reason = self.consumer.context().reason();
        let waited = self.deadline.waited();
        Error::NoResponse { brokers: self.brokers.clone(), waited, reason }
    }
}

/// The connection settings of `config`, for a client that has to be answered in time.
///
/// librdkafka begins with any of the bootstrap servers, and tries another only when it has waited
/// ten seconds for the first answer of one that is silent (`api.version.request.timeout.ms`).
pub(crate) fn impatient(config: &ClientConfig) -> ClientConfig {
    let mut connection = connection_part(config);
    connection.set("api.version.request.timeout.ms", "2000");
    connection
}

/// Whether an error says that a broker did not answer, or cannot be reached.
pub(crate) fn is_silence(error: &KafkaError) -> bool {
    // rdkafka leaves the code of an admin call out of `rdkafka_error_code`.
    let code = match error {
        KafkaError::AdminOp(code) => Some(*code),
        other => other.rdkafka_error_code(),
    };
    matches!(
        code,
        Some(
            RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::AllBrokersDown
                // The cluster's metadata ceased to name it while it was asked.
                | RDKafkaErrorCode::DestroyBroker
        )
    )
}

/// The offsets of a list of one topic's partitions, or the error of one of them.
fn offsets(list: &TopicPartitionList) -> Result<BTreeMap<i32, i64>, KafkaError> {
    let mut offsets = BTreeMap::new();
    for element in list.elements() {
        element.error()?;
        if let Offset::Offset(offset) = element.offset() {
            offsets.insert(element.partition(), offset);
        }
    }
    Ok(offsets)
}

/// Where a broker says that it listens, as host:port.
pub(crate) fn address(broker: &MetadataBroker) -> String {
    match broker.host().contains(':') {
        true => format!("[{}]:{}", broker.host(), broker.port()),
        false => format!("{}:{}", broker.host(), broker.port()),
    }
}

pub(crate) fn bootstrap_servers(config: &ClientConfig) -> String {
    config.get("bootstrap.servers").unwrap_or_default().to_owned()
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

/// Checks that a broker responds, before a client is built that would wait for one silently.
///
/// # Errors
/// [`Error::NoResponse`] within five seconds where no broker responds, and [`Error::Setting`] for a
/// setting that librdkafka rejects.
pub async fn check(config: &ClientConfig) -> Result<(), Error> {
    let config = config.clone();
    let deadline = Deadline::start();
    blocking(move || MetadataClient::new(&config, deadline)?.metadata(None).map(|_| ())).await
}

/// Runs a blocking call of librdkafka on one of the runtime's threads for such calls.
pub async fn blocking<T, F>(call: F) -> T
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    match tokio::task::spawn_blocking(call).await {
        Ok(result) => result,
        // The call is awaited to its end, so it can only have panicked.
        Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
    }
}
