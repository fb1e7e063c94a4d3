//! OffsetCommit (key 8, versions 2–9)
//!
//! Commits offsets of a group.
//!
//! Version notes:
//!
//! - v2: retention time for the whole request
//! - v5: no retention time: the cluster's settings decide (KIP-211)
//! - v6: leader epoch of each offset (KIP-320)
//! - v7: group instance id (KIP-345)
//! - v8: flexible encoding (KIP-482)
//! - v9: member epoch of the consumer protocol; GROUP_ID_NOT_FOUND and STALE_MEMBER_EPOCH
//!   (KIP-848)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

use super::context::Context;
use super::offset_commits::{
    WireOffset, commit_existing, commit_response, offsets_in_words, offsets_of, wire_offsets,
};
use super::outcomes::Outcomes;
use super::wire::code;
use super::words::{Asked, member};
use crate::group::Commit;
use crate::wire::shape::{Kind, Shape, field};

/// The first version whose clients know `GROUP_ID_NOT_FOUND` (KIP-848).
const GROUP_ID_NOT_FOUND: i16 = 9;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    8,
    &[
        field("group_id", Kind::String),
        field("generation_id_or_member_epoch", Kind::Int32),
        field("member_id", Kind::String),
        field("group_instance_id", Kind::String).since(7),
        field("retention_time_ms", Kind::Int64).until(4),
        field(
            "topics",
            Kind::Array(&Kind::Struct(&[
                field("name", Kind::String).until(9),
                field("topic_id", Kind::Uuid).since(10),
                field(
                    "partitions",
                    Kind::Array(&Kind::Struct(&[
                        field("partition_index", Kind::Int32),
                        field("committed_offset", Kind::Int64),
                        field("committed_leader_epoch", Kind::Int32).since(6),
                        field("committed_metadata", Kind::String),
                    ])),
                ),
            ])),
        ),
    ],
);

pub(super) fn handle(
    request: OffsetCommitRequest,
    version: i16,
    context: &Context,
) -> OffsetCommitResponse {
    let expires = match request.retention_time_ms {
        -1 => -1,
        retention => context.now.saturating_add(retention),
    };
    let offsets = offsets_of(wire_offsets!(request.topics), expires, context);
    let results = commit_existing(offsets, |offsets| {
        context.check_group_write(&request.group_id)?;
        let commit = from_wire(&request, version);
        context.state.groups.commit(&request.group_id, &commit, offsets, context.now)
    });
    to_wire(&request, results)
}

fn to_wire(
    request: &OffsetCommitRequest,
    results: Vec<Result<(), ResponseError>>,
) -> OffsetCommitResponse {
    OffsetCommitResponse::default().with_topics(commit_response!(
        request.topics,
        results.iter().map(code),
        OffsetCommitResponseTopic,
        OffsetCommitResponsePartition
    ))
}

fn from_wire(request: &OffsetCommitRequest, version: i16) -> Commit {
    Commit {
        generation: request.generation_id_or_member_epoch,
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.as_ref().map(ToString::to_string),
        understands_unknown_group: version >= GROUP_ID_NOT_FOUND,
    }
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: OffsetCommitRequest,
    _version: i16,
    code: i16,
) -> OffsetCommitResponse {
    OffsetCommitResponse::default().with_topics(commit_response!(
        request.topics,
        std::iter::repeat(code),
        OffsetCommitResponseTopic,
        OffsetCommitResponsePartition
    ))
}

/// Describes a request in words.
pub(super) fn describe(request: &OffsetCommitRequest) -> Asked {
    let offsets = offsets_in_words(wire_offsets!(request.topics));
    // The generation of a classic member, or the epoch of one of the consumer protocol (KIP-848).
    let at = request.generation_id_or_member_epoch;
    let at = (at >= 0).then(|| format!("generation or epoch {at}"));
    Asked::of(format!("group {} {offsets}", request.group_id.as_str())).by(member(
        &request.member_id,
        request.group_instance_id.as_deref(),
        at,
    ))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &OffsetCommitResponse) -> Outcomes {
    Outcomes::partitions(&response.topics, |topic| {
        let partitions = topic.partitions.iter();
        (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
    })
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_protocol::messages::offset_commit_request::{
        OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    };
    use kafka_protocol::protocol::{Decodable, Encodable};

    use super::*;

    #[test]
    fn each_partition_has_its_result_in_every_version() {
        let partition = |index| OffsetCommitRequestPartition::default().with_partition_index(index);
        let topic =
            OffsetCommitRequestTopic::default().with_partitions((0..2).map(partition).collect());
        let request = OffsetCommitRequest::default().with_topics(vec![topic]);
        let results = vec![Ok(()), Err(ResponseError::IllegalGeneration)];
        let response = to_wire(&request, results);
        for version in 2..=9 {
            let mut bytes = BytesMut::new();
            response.encode(&mut bytes, version).unwrap();
            let decoded = OffsetCommitResponse::decode(&mut bytes.freeze(), version).unwrap();
            let partitions = decoded.topics[0].partitions.iter();
            let codes = partitions.map(|it| (it.partition_index, it.error_code));
            assert_eq!(codes.collect::<Vec<_>>(), [(0, 0), (1, 22)]);
        }
    }
}
