//! Asks a cluster about itself, with a limit and without side effects.
//!
//! It uses a consumer, never a producer or an admin client: those request a named topic with
//! `allow.auto.create.topics`, and the request alone would create it. All calls here block;
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

/// How long a cluster may take to respond to all requests of one call of a helper. librdkafka
/// itself retries a dead address forever.
pub(crate) const RESPONSE_LIMIT: Duration = Duration::from_millis(4500);

/// The time by which all requests of a helper must have their responses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    started: Instant,
    limit: Duration,
}

impl Deadline {
    /// Returns the deadline of a helper that is called now.
    pub(crate) fn start() -> Self {
        Self::after(RESPONSE_LIMIT)
    }

    pub(crate) fn after(limit: Duration) -> Self {
        Deadline { started: Instant::now(), limit }
    }

    /// Returns how much time is left; zero after the deadline.
    pub(crate) fn left(&self) -> Duration {
        self.limit.saturating_sub(self.waited())
    }

    pub(crate) fn waited(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A client for metadata and offsets, with one deadline for all its requests.
pub(crate) struct MetadataClient {
    consumer: BaseConsumer<LastReason>,
    brokers: String,
    deadline: Deadline,
}

impl MetadataClient {
    /// Opens a client with the connection settings of `config`. It sends no request yet.
    pub(crate) fn new(config: &ClientConfig, deadline: Deadline) -> Result<Self, Error> {
        Self::with(config, &[], deadline)
    }

    /// Does what [`MetadataClient::new`] does, with settings such as `group.id` or
    /// `isolation.level`.
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

    /// Requests the id of the cluster.
    pub(crate) fn cluster_id(&self) -> Result<String, Error> {
        // The metadata response carries the id, and its failure has a reason, which
        // `fetch_cluster_id` lacks.
        self.metadata(None)?;
        let id = self.consumer.client().fetch_cluster_id(self.deadline.left());
        Ok(id.unwrap_or_default())
    }

    // ANCHOR: ask
    /// Requests the metadata of one topic, or of all. For a topic that does not exist the response
    /// holds an error of its own; nothing is created.
    pub(crate) fn metadata(&self, topic: Option<&str>) -> Result<Metadata, Error> {
        let response = self.consumer.fetch_metadata(topic, self.deadline.left());
        response.map_err(|error| self.no_response(error))
    }

    /// Requests the first or the last offset of each of these partitions. ListOffsets takes Kafka's
    /// two special offsets, for the beginning and the end, in place of a timestamp, and each leader
    /// gets one request for all its partitions.
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

    /// Requests the earliest offset and the one after the last readable record, of partitions with
    /// the same leader.
    pub(crate) fn watermarks(
        &self,
        leader: &str,
        topic: &str,
        partitions: &[i32],
    ) -> Result<BTreeMap<i32, (i64, i64)>, Error> {
        let ends = |end| {
            let response = self.ends(topic, partitions, end).and_then(|list| offsets(&list));
            response.map_err(|error| match is_unreachable(&error) {
                true => self.timed_out(leader, format!("for the offsets of topic {topic}")),
                false => error.into(),
            })
        };
        let (low, high) = (ends(Offset::Beginning)?, ends(Offset::End)?);
        let both = low.into_iter().filter_map(|(id, low)| Some((id, (low, *high.get(&id)?))));
        Ok(both.collect())
    }

    /// Requests the offsets that the group has committed in these partitions.
    pub(crate) fn committed(
        &self,
        group: &str,
        list: TopicPartitionList,
    ) -> Result<TopicPartitionList, Error> {
        let response = self.consumer.committed_offsets(list, self.deadline.left());
        response.map_err(|error| match is_unreachable(&error) {
            true => {
                let coordinator = format!("the coordinator of group {group} at {}", self.brokers);
                self.timed_out(&coordinator, "for what the group has committed".to_owned())
            }
            false => error.into(),
        })
    }

    /// Returns whether there is time for another request.
    pub(crate) fn is_in_time(&self) -> bool {
        !self.deadline.left().is_zero()
    }

    fn timed_out(&self, broker: &str, question: String) -> Error {
        Error::BrokerTimedOut {
            broker: broker.to_owned(),
            question,
            waited: self.deadline.waited(),
        }
    }

    fn no_response(&self, error: KafkaError) -> Error {
        if !matches!(error, KafkaError::MetadataFetch(_)) {
            return error.into();
        }
        // The reason stays in the client's queue until a poll.
        for _ in 0..8 {
            let _ = self.consumer.poll(Duration::ZERO);
        }
        let reason = self.consumer.context().reason();
        let waited = self.deadline.waited();
        Error::NoResponse { brokers: self.brokers.clone(), waited, reason }
    }
}

/// Returns the connection settings of `config`, for a client with a deadline.
///
/// librdkafka begins with any of the bootstrap servers, and tries another only after it has waited
/// ten seconds for the first response of one that hangs (`api.version.request.timeout.ms`).
pub(crate) fn impatient(config: &ClientConfig) -> ClientConfig {
    let mut connection = connection_part(config);
    connection.set("api.version.request.timeout.ms", "2000");
    connection
}

/// Returns whether an error means that a broker did not respond, or cannot be reached.
pub(crate) fn is_unreachable(error: &KafkaError) -> bool {
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
                // The cluster's metadata no longer lists the broker.
                | RDKafkaErrorCode::DestroyBroker
        )
    )
}

/// Returns the offsets of a list of one topic's partitions, or the error of one of them.
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

/// Returns the listener that a broker advertises, as host:port.
pub(crate) fn address(broker: &MetadataBroker) -> String {
    match broker.host().contains(':') {
        true => format!("[{}]:{}", broker.host(), broker.port()),
        false => format!("{}:{}", broker.host(), broker.port()),
    }
}

pub(crate) fn bootstrap_servers(config: &ClientConfig) -> String {
    config.get("bootstrap.servers").unwrap_or_default().to_owned()
}

/// Keeps the last error that librdkafka reported about a connection: a failed metadata request says
/// only that it timed out, this says "connection refused" or "authentication failed".
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
        // "All brokers are down" follows the actual reason, and says less.
        if !reason.contains("brokers are down") {
            // The rest is the connection's state and age, which only librdkafka's developers need.
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
        // The call is never canceled, so it can only have panicked.
        Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
    }
}
