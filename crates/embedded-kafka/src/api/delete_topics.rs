//! DeleteTopics: by name, or from version 6 on by id. Committed offsets go with the topic.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use uuid::Uuid;

use super::{Context, has_no_time, message, topic_name};
use crate::rejection::Rejection;
use crate::metadata::Topic;

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
    let mut answered = HashSet::new();
    let mut responses = Vec::with_capacity(asked.len());
    // Everything is looked up before the first topic goes, so that each is the one that was meant.
    let found: Vec<_> = asked.iter().map(|topic| named.find(topic, context)).collect();
    for (topic, found) in asked.into_iter().zip(found) {
        let is_repeated = named.times(&topic) > 1;
        if is_repeated && !answered.insert((topic.name.clone(), topic.topic_id)) {
            continue;
        }
        let deleted = found.and_then(|found| {
            if has_no_time {
                return Err(Rejection::new(ResponseError::RequestTimedOut, ""));
            }
            context.state.delete_topic(&found)?;
            Ok(found)
        });
        responses.push(describe(topic, deleted, version));
    }
    DeleteTopicsResponse::default().with_responses(responses)
}

/// How often a request names what. A topic that is named twice is not deleted at all: whoever does
/// that may have meant another one.
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

    /// The topic that is meant.
    fn find(&self, topic: &DeleteTopicState, context: &Context) -> Result<Arc<Topic>, Rejection> {
        let metadata = &context.state.metadata;
        let refuse = |message| Err(Rejection::invalid_request(message));
        match (&topic.name, topic.topic_id.is_nil()) {
            (None, true) => refuse("Neither topic name nor id were specified."),
            (Some(_), false) => refuse("You may not specify both topic name and topic id."),
            (Some(_), true) if self.times(topic) > 1 => refuse("Duplicate topic name."),
            (None, false) if self.times(topic) > 1 => refuse("Duplicate topic id."),
            (Some(name), true) => match metadata.topic(name) {
                Some(found) if self.ids.contains_key(&found.id) => {
                    refuse("The provided topic name maps to an ID that was already supplied.")
                }
                found => found.ok_or_else(Rejection::unknown_topic),
            },
            (None, false) => match metadata.topic_by_id(topic.topic_id) {
                Some(found) if self.names.contains_key(&topic_name(&found.name)) => {
                    refuse("The provided topic name maps to an ID that was already supplied.")
                }
                found => found.ok_or_else(|| {
                    let message = "This server does not host this topic ID.";
                    Rejection::new(ResponseError::UnknownTopicId, message)
                }),
            },
        }
    }
}

fn describe(
    asked: DeleteTopicState,
    deleted: Result<Arc<Topic>, Rejection>,
    version: i16,
) -> DeletableTopicResult {
    let mut result = DeletableTopicResult::default().with_name(asked.name);
    if version >= 6 {
        result.topic_id = asked.topic_id;
    }
    match deleted {
        Ok(topic) => {
            result.name = Some(topic_name(&topic.name));
            if version >= 6 {
                result.topic_id = topic.id;
            }
        }
        Err(refusal) => {
            result.error_code = refusal.code.code();
            if version >= 5 {
                result.error_message = message(refusal.message);
            }
        }
    }
    result
}
