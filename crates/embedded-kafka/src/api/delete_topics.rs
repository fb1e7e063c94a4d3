//! DeleteTopics (key 20, versions 1–6)
//!
//! Deletes topics, and the committed offsets of their partitions.
//!
//! Version notes:
//!
//! - v4: flexible encoding (KIP-482)
//! - v5: error messages (KIP-599)
//! - v6: topics by id (KIP-516)

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use uuid::Uuid;

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::{has_no_time, message, topic_name};
use super::words::{Asked, list};
use crate::metadata::Topic;
use crate::rejection::Rejection;
use crate::wire::shape::{Kind, Shape, field};

/// The first version with error messages (KIP-599).
const ERROR_MESSAGES: i16 = 5;

/// The first version that names topics by their ids, too (KIP-516).
const TOPIC_IDS: i16 = 6;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    4,
    &[
        field(
            "topics",
            Kind::Array(&Kind::Struct(&[
                field("name", Kind::String).since(6),
                field("topic_id", Kind::Uuid).since(6),
            ])),
        )
        .since(6),
        field("topic_names", Kind::Array(&Kind::String)).until(5),
        field("timeout_ms", Kind::Int32),
    ],
);

pub(super) fn handle(
    request: DeleteTopicsRequest,
    version: i16,
    context: &Context,
) -> DeleteTopicsResponse {
    let has_no_time = has_no_time(request.timeout_ms);
    let by_name = request
        .topic_names
        .into_iter()
        .map(|name| DeleteTopicState::default().with_name(Some(name)));
    let asked: Vec<_> = request.topics.into_iter().chain(by_name).collect();
    let named = Named::count(&asked);
    let mut repeated = HashSet::new();
    let mut responses = Vec::with_capacity(asked.len());
    // All are looked up before the first one is deleted, so that each is the topic that the client
    // meant.
    let found: Vec<_> = asked.iter().map(|topic| named.find(topic, context)).collect();
    for (topic, found) in asked.into_iter().zip(found) {
        let is_repeated = named.times(&topic) > 1;
        if is_repeated && !repeated.insert((topic.name.clone(), topic.topic_id)) {
            continue;
        }
        let deleted = found.and_then(|found| {
            if has_no_time {
                return Err(Rejection::new(ResponseError::RequestTimedOut, ""));
            }
            context.state.delete_topic(&found)?;
            Ok(found)
        });
        responses.push(outcome(topic, deleted, version));
    }
    DeleteTopicsResponse::default().with_responses(responses)
}

/// Counts how often a request names each topic. A topic that is named twice is not deleted at all:
/// the client may have meant another one.
struct Named {
    names: HashMap<TopicName, usize>,
    ids: HashMap<Uuid, usize>,
}

impl Named {
    fn count(topics: &[DeleteTopicState]) -> Self {
        let mut named = Self { names: HashMap::new(), ids: HashMap::new() };
        for topic in topics {
            match &topic.name {
                Some(name) => *named.names.entry(name.clone()).or_default() += 1,
                None => *named.ids.entry(topic.topic_id).or_default() += 1,
            }
        }
        named
    }

    fn times(&self, topic: &DeleteTopicState) -> usize {
        let times = match &topic.name {
            Some(name) => self.names.get(name),
            None => self.ids.get(&topic.topic_id),
        };
        times.copied().unwrap_or(0)
    }

    /// Finds the topic that a request names.
    fn find(&self, topic: &DeleteTopicState, context: &Context) -> Result<Arc<Topic>, Rejection> {
        let metadata = &context.state.metadata;
        let reject = |message| Err(Rejection::invalid_request(message));
        match (&topic.name, topic.topic_id.is_nil()) {
            (None, true) => reject("Neither topic name nor id were specified."),
            (Some(_), false) => reject("You may not specify both topic name and topic id."),
            (Some(_), true) if self.times(topic) > 1 => reject("Duplicate topic name."),
            (None, false) if self.times(topic) > 1 => reject("Duplicate topic id."),
            (Some(name), true) => match metadata.topic(name) {
                Some(found) if self.ids.contains_key(&found.id) => {
                    reject("The provided topic name maps to an ID that was already supplied.")
                }
                found => found.ok_or_else(Rejection::unknown_topic),
            },
            (None, false) => match metadata.topic_by_id(topic.topic_id) {
                Some(found) if self.names.contains_key(&topic_name(&found.name)) => {
                    reject("The provided topic name maps to an ID that was already supplied.")
                }
                found => found.ok_or_else(|| {
                    let message = "This server does not host this topic ID.";
                    Rejection::new(ResponseError::UnknownTopicId, message)
                }),
            },
        }
    }
}

fn outcome(
    asked: DeleteTopicState,
    deleted: Result<Arc<Topic>, Rejection>,
    version: i16,
) -> DeletableTopicResult {
    let mut result = DeletableTopicResult::default().with_name(asked.name);
    if version >= TOPIC_IDS {
        result.topic_id = asked.topic_id;
    }
    match deleted {
        Ok(topic) => {
            result.name = Some(topic_name(&topic.name));
            if version >= TOPIC_IDS {
                result.topic_id = topic.id;
            }
        }
        Err(rejection) => {
            result.error_code = rejection.code.code();
            if version >= ERROR_MESSAGES {
                result.error_message = message(rejection.message);
            }
        }
    }
    result
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: DeleteTopicsRequest,
    version: i16,
    code: i16,
) -> DeleteTopicsResponse {
    let named = |name| DeletableTopicResult::default().with_name(name).with_error_code(code);
    let topics = if version < TOPIC_IDS {
        request.topic_names.into_iter().map(|name| named(Some(name))).collect()
    } else {
        let topics = request.topics.into_iter();
        topics.map(|topic| named(topic.name).with_topic_id(topic.topic_id)).collect()
    };
    DeleteTopicsResponse::default().with_responses(topics)
}

/// Describes a request in words.
pub(super) fn describe(request: &DeleteTopicsRequest) -> Asked {
    let by_state = request.topics.iter().filter_map(|topic| topic.name.clone());
    let named = by_state.chain(request.topic_names.iter().cloned());
    Asked::of(list(named.map(|name| name.to_string())))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &DeleteTopicsResponse) -> Outcomes {
    Outcomes::listed(response.responses.iter().map(|it| {
        let id = || it.topic_id.to_string();
        (it.name.as_ref().map_or_else(id, |name| name.to_string()), it.error_code)
    }))
}
