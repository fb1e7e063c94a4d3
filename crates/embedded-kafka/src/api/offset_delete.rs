//! OffsetDelete (key 47, version 0)
//!
//! Deletes a group's committed offsets of topics that it no longer subscribes to (KIP-496).
//!
//! Version notes:
//!
//! - v0: the only version, without flexible encoding

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::context::Context;
use super::outcomes::Outcomes;
use super::wire::code;
use super::words::{Asked, list};
use crate::wire::shape::{Kind, Shape, field};

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::never_flexible(&[
    field("group_id", Kind::String),
    field(
        "topics",
        Kind::Array(&Kind::Struct(&[
            field("name", Kind::String),
            field(
                "partitions",
                Kind::Array(&Kind::Struct(&[field("partition_index", Kind::Int32)])),
            ),
        ])),
    ),
]);

pub(super) fn handle(
    request: OffsetDeleteRequest,
    _version: i16,
    context: &Context,
) -> OffsetDeleteResponse {
    let partitions = partitions_of(&request, context);
    let existing = partitions.iter().flatten().cloned().collect::<Vec<_>>();
    let results = context.check_group_write(&request.group_id).and_then(|()| {
        context.state.groups.delete_offsets(&request.group_id, &existing, context.now)
    });
    let results = match results {
        Ok(results) => results,
        Err(error) => return OffsetDeleteResponse::default().with_error_code(error.code()),
    };
    let mut exists = partitions.iter().map(Option::is_some);
    let mut results = results.into_iter();
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let result = exists.next().unwrap_or(false).then(|| results.next()).flatten();
            let result = result.unwrap_or(Err(ResponseError::UnknownTopicOrPartition));
            OffsetDeleteResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code(&result))
        });
        OffsetDeleteResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    OffsetDeleteResponse::default().with_topics(topics.collect())
}

/// Reads the partitions of the request in their order, `None` for those that do not exist. They are
/// looked up once: topics may change while the request is handled.
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

/// Responds with an error for all that was asked.
pub(super) fn reject(
    _request: OffsetDeleteRequest,
    _version: i16,
    code: i16,
) -> OffsetDeleteResponse {
    OffsetDeleteResponse::default().with_error_code(code)
}

/// Describes a request in words.
pub(super) fn describe(request: &OffsetDeleteRequest) -> Asked {
    let partitions = list(request.topics.iter().flat_map(|topic| {
        let name = topic.name.as_str();
        topic.partitions.iter().map(move |it| format!("{name}/{}", it.partition_index))
    }));
    Asked::of(format!("group {} {partitions}", request.group_id.as_str()))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &OffsetDeleteResponse) -> Outcomes {
    let whole = Outcomes::whole(response.error_code);
    whole.and(Outcomes::partitions(&response.topics, |topic| {
        let partitions = topic.partitions.iter();
        (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
    }))
}
