//! TxnOffsetCommit (key 28, versions 0–4)
//!
//! Commits offsets of a group as part of a transaction.
//!
//! The offsets count once the transaction is committed. If it is aborted, it is as if they had
//! never been sent.
//!
//! Version notes:
//!
//! - v2: leader epoch of each offset (KIP-320)
//! - v3: flexible encoding (KIP-482); generation, member id and group instance id, so that a
//!   consumer that has left the group cannot commit through its producer (KIP-447)
//! - v4: TRANSACTION_ABORTABLE (KIP-890)

use kafka_protocol::ResponseError;
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};

use super::context::{Context, named_group};
use super::offset_commits::{
    Results, WireOffset, commit_existing, commit_response, offsets_in_words, offsets_of,
    wire_offsets,
};
use super::outcomes::Outcomes;
use super::wire::{code, to_be_aborted, without_fencing};
use super::words::{Asked, generation, list, member, producer};
use crate::group::{Commit, OffsetToCommit};
use crate::log::Producer;
use crate::metadata::names::CONSUMER_OFFSETS;
use crate::wire::shape::{Kind, Shape, field};

/// The first version whose clients know `TRANSACTION_ABORTABLE` (KIP-890).
const KNOWS_TRANSACTION_ABORTABLE: i16 = 4;

/// The fields of a request.
pub(super) const SHAPE: Shape = Shape::flexible_since(
    3,
    &[
        field("transactional_id", Kind::String),
        field("group_id", Kind::String),
        field("producer_id", Kind::Int64),
        field("producer_epoch", Kind::Int16),
        field("generation_id", Kind::Int32).since(3),
        field("member_id", Kind::String).since(3),
        field("group_instance_id", Kind::String).since(3),
        field(
            "topics",
            Kind::Array(&Kind::Struct(&[
                field("name", Kind::String),
                field(
                    "partitions",
                    Kind::Array(&Kind::Struct(&[
                        field("partition_index", Kind::Int32),
                        field("committed_offset", Kind::Int64),
                        field("committed_leader_epoch", Kind::Int32).since(2),
                        field("committed_metadata", Kind::String),
                    ])),
                ),
            ])),
        ),
    ],
);

pub(super) fn handle(
    request: TxnOffsetCommitRequest,
    version: i16,
    context: &Context,
) -> TxnOffsetCommitResponse {
    let offsets = offsets_of(wire_offsets!(request.topics), -1, context);
    let results = commit_existing(offsets, |offsets| {
        commit(&request, offsets, context).map_err(|error| {
            if version >= KNOWS_TRANSACTION_ABORTABLE { to_be_aborted(error) } else { error }
        })
    });
    to_wire(&request, results)
}

fn commit(
    request: &TxnOffsetCommitRequest,
    offsets: Vec<OffsetToCommit>,
    context: &Context,
) -> Results {
    if !request.group_id.is_empty() && !context.state.metadata.keeps_offsets_of(&request.group_id) {
        return Err(ResponseError::CoordinatorNotAvailable);
    }
    context.check_group_write(named_group(&request.group_id)?)?;
    let producer = Producer { id: *request.producer_id, epoch: request.producer_epoch };
    let (state, group_id) = (&context.state, &request.group_id);
    let partition = state.metadata.offsets_partition(group_id);
    let commit = from_wire(request);
    let write = || state.groups.commit_pending(group_id, producer, &commit, offsets, context.now);
    // Offsets that arrive after the transaction has ended would stay pending forever, so Kafka asks
    // its coordinator first (KIP-890). Here the coordinator cannot end the transaction before the
    // write.
    let transactions = &state.transactions;
    transactions
        .verified(&request.transactional_id, producer, CONSUMER_OFFSETS, partition, write)
        .map_err(without_fencing)
}

fn to_wire(
    request: &TxnOffsetCommitRequest,
    results: Vec<Result<(), ResponseError>>,
) -> TxnOffsetCommitResponse {
    TxnOffsetCommitResponse::default().with_topics(commit_response!(
        request.topics,
        results.iter().map(code),
        TxnOffsetCommitResponseTopic,
        TxnOffsetCommitResponsePartition
    ))
}

/// Reads the member that commits. Before version 3 a request names neither generation nor member,
/// and the codec fills both in like those of a consumer with explicit partitions.
fn from_wire(request: &TxnOffsetCommitRequest) -> Commit {
    Commit {
        generation: request.generation_id,
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.as_ref().map(ToString::to_string),
        // Kafka responds ILLEGAL_GENERATION in every version.
        understands_unknown_group: false,
    }
}

/// Responds with an error for all that was asked.
pub(super) fn reject(
    request: TxnOffsetCommitRequest,
    _version: i16,
    code: i16,
) -> TxnOffsetCommitResponse {
    TxnOffsetCommitResponse::default().with_topics(commit_response!(
        request.topics,
        std::iter::repeat(code),
        TxnOffsetCommitResponseTopic,
        TxnOffsetCommitResponsePartition
    ))
}

/// Describes a request in words.
pub(super) fn describe(request: &TxnOffsetCommitRequest) -> Asked {
    let offsets = offsets_in_words(wire_offsets!(request.topics));
    let (group, at) = (request.group_id.as_str(), request.generation_id);
    let instance = request.group_instance_id.as_deref();
    let member = member(&request.member_id, instance, generation(at));
    let producer = producer(request.producer_id, request.producer_epoch);
    Asked::of(format!("group {group} generation {at} {offsets}"))
        .by(list([member, producer].into_iter().filter(|who| !who.is_empty())))
}

/// Lists the outcomes in a response.
pub(super) fn outcomes(response: &TxnOffsetCommitResponse) -> Outcomes {
    Outcomes::partitions(&response.topics, |topic| {
        let partitions = topic.partitions.iter();
        (topic.name.to_string(), partitions.map(|it| (it.partition_index, it.error_code)))
    })
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use kafka_protocol::messages::txn_offset_commit_request::{
        TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
    };
    use kafka_protocol::protocol::{Decodable, Encodable};

    use super::*;

    #[test]
    fn each_partition_has_its_result_in_every_version() {
        let partition =
            |index| TxnOffsetCommitRequestPartition::default().with_partition_index(index);
        let topic =
            TxnOffsetCommitRequestTopic::default().with_partitions((0..2).map(partition).collect());
        let request = TxnOffsetCommitRequest::default().with_topics(vec![topic]);
        let results = vec![Ok(()), Err(ResponseError::FencedInstanceId)];
        let response = to_wire(&request, results);
        for version in 0..=3 {
            let mut bytes = BytesMut::new();
            response.encode(&mut bytes, version).unwrap();
            let decoded = TxnOffsetCommitResponse::decode(&mut bytes.freeze(), version).unwrap();
            let partitions = decoded.topics[0].partitions.iter();
            let codes = partitions.map(|it| (it.partition_index, it.error_code));
            assert_eq!(codes.collect::<Vec<_>>(), [(0, 0), (1, 82)]);
        }
    }

    #[test]
    fn old_versions_claim_no_membership() {
        for version in 0..=2 {
            let mut bytes = BytesMut::new();
            TxnOffsetCommitRequest::default().encode(&mut bytes, version).unwrap();
            let request = TxnOffsetCommitRequest::decode(&mut bytes.freeze(), version).unwrap();
            let commit = from_wire(&request);
            assert_eq!((commit.generation, commit.member_id.as_str()), (-1, ""));
            assert_eq!(commit.instance_id, None);
        }
    }
}
