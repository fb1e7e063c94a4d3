//! OffsetDelete, version 0: a group forgets how far it has read in topics that it no longer reads.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::{Context, code};

pub(crate) fn handle(
    request: OffsetDeleteRequest,
    _version: i16,
    context: &Context,
) -> OffsetDeleteResponse {
    let partitions = partitions_of(&request, context);
    let existing = partitions.iter().flatten().cloned().collect::<Vec<_>>();
    let answers = context.check_coordinator(&request.group_id).and_then(|()| {
        context
            .state
            .groups
            .delete_offsets(&request.group_id, &existing, context.now)
    });
    let answers = match answers {
        Ok(answers) => answers,
        Err(error) => return OffsetDeleteResponse::default().with_error_code(error.code()),
    };
    let mut exists = partitions.iter().map(Option::is_some);
    let mut answers = answers.into_iter();
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let answer = exists
                .next()
                .unwrap_or(false)
                .then(|| answers.next())
                .flatten();
            let answer = answer.unwrap_or(Err(ResponseError::UnknownTopicOrPartition));
            OffsetDeleteResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code(&answer))
        });
        OffsetDeleteResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    OffsetDeleteResponse::default().with_topics(topics.collect())
}

/// The partitions of the request in their order, `None` for those that do not exist. That is
/// asked once: topics come and go while the request is handled.
fn partitions_of(request: &OffsetDeleteRequest, context: &Context) -> Vec<Option<(String, i32)>> {
    let mut partitions = Vec::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            let index = partition.partition_index;
            let exists = context.state.metadata.has_partition(&topic.name, index);
            partitions.push(exists.then(|| (topic.name.to_string(), index)));
        }
    }
    partitions
}
