//! Distinguishes topics of the same name. A topic that is deleted and created again has the same
//! name but none of its records; Kafka gives each topic an id (KIP-516).
//!
//! rdkafka does not expose this id, so this file calls librdkafka directly.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::ptr;
use std::time::{Duration, Instant};

use rdkafka::bindings as librdkafka;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use crate::topic::Admin;

/// The number of times that a topic must be missing before it counts as deleted: a node that has
/// just started may not know all topics yet.
const MISSING_TIMES: usize = 3;

/// The pause between these checks.
const PAUSE: Duration = Duration::from_millis(100);

/// One topic of a name, from its creation to its deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incarnation {
    /// The two halves of the topic's id; zero if the cluster is too old for topic ids.
    id: (i64, i64),
    /// The first offset of the topic. Compaction does not change it, so it moves only if records
    /// are deleted.
    pub(crate) first_offset: i64,
}

/// The way in which a registry lost the topic that it has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    Deleted,
    Replaced,
    Truncated,
}

impl Loss {
    /// Explains what happened and what to do.
    pub(crate) fn explanation(self, topic: &str) -> String {
        let happened = match self {
            Self::Deleted => format!("the topic {topic} was deleted"),
            Self::Replaced => format!("the topic {topic} was deleted and created again"),
            Self::Truncated => format!("records of the topic {topic} were deleted"),
        };
        format!(
            "{happened} while this registry ran. It still serves the schemas it knows, and \
             rejects writes. Restore the topic from a backup, or register the schemas again after \
             the restart; then restart the registry. Allocated ids are never reused"
        )
    }
}

impl Incarnation {
    /// Returns the topic that has the name now, `None` if there is none.
    pub(crate) fn now(admin: &Admin, topic: &str, limit: Duration) -> KafkaResult<Option<Self>> {
        let Some(id) = topic_id(admin.inner(), topic, limit)? else {
            return Ok(None);
        };
        let (first_offset, _) = admin.inner().fetch_watermarks(topic, 0, limit)?;
        Ok(Some(Self { id, first_offset }))
    }

    /// Waits for the topic to exist: its creation may take a while to reach all nodes.
    pub(crate) fn wait_for(admin: &Admin, topic: &str, limit: Duration) -> KafkaResult<Self> {
        let deadline = Instant::now() + limit;
        loop {
            let found = Self::now(admin, topic, limit);
            match found {
                Ok(Some(found)) => return Ok(found),
                Err(error) if Instant::now() > deadline => return Err(error),
                Ok(None) if Instant::now() > deadline => {
                    return Err(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopic));
                }
                Ok(None) | Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    /// Checks that the topic is still the same one and starts at the same offset.
    ///
    /// # Errors
    ///
    /// If the cluster does not respond.
    pub(crate) fn check(
        &self,
        admin: &Admin,
        topic: &str,
        limit: Duration,
    ) -> KafkaResult<Result<(), Loss>> {
        for attempt in 0..MISSING_TIMES {
            if attempt > 0 {
                std::thread::sleep(PAUSE);
            }
            match Self::now(admin, topic, limit) {
                Ok(Some(now)) if now.id != self.id => return Ok(Err(Loss::Replaced)),
                Ok(Some(now)) if now.first_offset != self.first_offset => {
                    return Ok(Err(Loss::Truncated));
                }
                Ok(Some(_)) => return Ok(Ok(())),
                Ok(None) => {}
                // The topic may be deleted between the two requests of `now`.
                Err(error) if is_unknown(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Err(Loss::Deleted))
    }
}

/// Returns whether an error means that the topic or its partition does not exist.
pub(crate) fn is_unknown(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
        )
    )
}

/// Frees memory of librdkafka at the end of its scope.
struct Owned<T>(*mut T, unsafe extern "C" fn(*mut T));

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: the pointer came from librdkafka together with this function to free it, and
            // no one else holds it.
            unsafe { (self.1)(self.0) }
        }
    }
}

/// Returns the two halves of a topic's id, `None` if the topic does not exist.
fn topic_id<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    limit: Duration,
) -> KafkaResult<Option<(i64, i64)>> {
    let failed = |code| KafkaError::MetadataFetch(code);
    let name = CString::new(topic).map_err(|_| failed(RDKafkaErrorCode::InvalidTopic))?;
    let limit_ms = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX);
    let native = client.native_ptr();
    // SAFETY: `native` lives as long as `client`. Each call gets pointers that came from the calls
    // before it, which `Owned` keeps until the end; librdkafka copies the name.
    unsafe {
        let mut names = [name.as_ptr()];
        let asked = librdkafka::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), 1);
        let asked = Owned(asked, librdkafka::rd_kafka_TopicCollection_destroy);
        let kind = librdkafka::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let options = librdkafka::rd_kafka_AdminOptions_new(native, kind);
        let options = Owned(options, librdkafka::rd_kafka_AdminOptions_destroy);
        librdkafka::rd_kafka_AdminOptions_set_request_timeout(
            options.0,
            limit_ms,
            ptr::null_mut(),
            0,
        );
        let queue = librdkafka::rd_kafka_queue_new(native);
        let queue = Owned(queue, librdkafka::rd_kafka_queue_destroy);
        librdkafka::rd_kafka_DescribeTopics(native, asked.0, options.0, queue.0);
        // The request has its own time limit; librdkafka then responds with an error.
        let event = librdkafka::rd_kafka_queue_poll(queue.0, limit_ms.saturating_add(1_000));
        let event = Owned(event, librdkafka::rd_kafka_event_destroy);
        if event.0.is_null() {
            return Err(failed(RDKafkaErrorCode::OperationTimedOut));
        }
        let code = RDKafkaErrorCode::from(librdkafka::rd_kafka_event_error(event.0));
        if code != RDKafkaErrorCode::NoError {
            return Err(failed(code));
        }
        described(event.0)
    }
}

/// Reads the response of DescribeTopics for one topic.
///
/// # Safety
///
/// `event` is an event of librdkafka that is not freed yet.
unsafe fn described(event: *mut librdkafka::rd_kafka_event_t) -> KafkaResult<Option<(i64, i64)>> {
    let failed = |code| KafkaError::MetadataFetch(code);
    // SAFETY: the event is the caller's, and what is read from it lives as long as it does. Each
    // pointer is looked at before it is followed.
    unsafe {
        let result = librdkafka::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Err(failed(RDKafkaErrorCode::BadMessage));
        }
        let mut count = 0;
        let topics = librdkafka::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        if topics.is_null() || count != 1 {
            return Err(failed(RDKafkaErrorCode::BadMessage));
        }
        let error = librdkafka::rd_kafka_TopicDescription_error(*topics);
        let code = RDKafkaErrorCode::from(librdkafka::rd_kafka_error_code(error));
        match code {
            RDKafkaErrorCode::NoError => {}
            RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic => {
                return Ok(None);
            }
            other => return Err(failed(other)),
        }
        let id = librdkafka::rd_kafka_TopicDescription_topic_id(*topics);
        let most = librdkafka::rd_kafka_Uuid_most_significant_bits(id);
        let least = librdkafka::rd_kafka_Uuid_least_significant_bits(id);
        Ok(Some((most, least)))
    }
}
