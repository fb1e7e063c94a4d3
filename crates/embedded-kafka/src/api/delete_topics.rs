//! DeleteTopics: by name, or from version 6 on by id. Committed offsets go with the topic.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse};

use super::{Context, message};

pub(super) fn handle(
    request: DeleteTopicsRequest,
    version: i16,
    context: &Context,
) -> DeleteTopicsResponse {
    let by_name = request
        .topic_names
        .into_iter()
        .map(|name| DeleteTopicState::default().with_name(Some(name)));
    let responses =
        request.topics.into_iter().chain(by_name).map(|topic| delete(topic, version, context));
    DeleteTopicsResponse::default().with_responses(responses.collect())
}

fn delete(topic: DeleteTopicState, version: i16, context: &Context) -> DeletableTopicResult {
    let metadata = &context.state.metadata;
    let by_id = topic.name.is_none();
    let found = match &topic.name {
        Some(name) => metadata.topic(name).ok_or(ResponseError::UnknownTopicOrPartition),
        None => metadata.topic_by_id(topic.topic_id).ok_or(ResponseError::UnknownTopicId),
    };
    let mut result = DeletableTopicResult::default().with_name(topic.name);
    if version >= 6 {
        result.topic_id = topic.topic_id;
    }
    let deleted = found.and_then(|found| {
        metadata.delete_topic(&found.name)?;
        Ok(found)
    });
    match deleted {
        Ok(found) => {
            context.state.groups.forget_topics(&[&found.name], context.now);
            if by_id {
                result.name = Some(super::topic_name(&found.name));
            }
            if version >= 6 {
                result.topic_id = found.id;
            }
        }
        Err(error) => {
            result.error_code = error.code();
            if version >= 5 {
                result.error_message = message(match error {
                    ResponseError::UnknownTopicId => "This server does not host this topic ID.",
                    ResponseError::UnknownTopicOrPartition => {
                        "This server does not host this topic-partition."
                    }
                    _ => "The topic could not be deleted from disk.",
                });
            }
        }
    }
    result
}
