//! TxnOffsetCommit, versions 0 to 4: how far a group has read, as part of a transaction.
//!
//! The offsets count once the transaction is committed, and as if they had never been sent if it is
//! aborted. Since version 3 the consumer's generation and member id come along, and a consumer that
//! is no longer in the group cannot commit through its producer (KIP-447).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};

use super::offset_answers::{Answers, answer_each};
use super::{Context, code, to_be_aborted, without_fencing};
use crate::group::{Commit, CommittedOffset, OffsetToCommit};
use crate::log::Producer;
use crate::metadata::names::CONSUMER_OFFSETS;

/// The first version whose clients know `TRANSACTION_ABORTABLE` (KIP-890).
const TRANSACTION_ABORTABLE: i16 = 4;

pub(crate) fn handle(
    request: TxnOffsetCommitRequest,
    version: i16,
    context: &Context,
) -> TxnOffsetCommitResponse {
    let offsets = offsets_of(&request, context);
    let answers = answer_each(offsets, |offsets| {
        commit(&request, offsets, context).map_err(|error| {
            if version >= TRANSACTION_ABORTABLE { to_be_aborted(error) } else { error }
        })
    });
    to_wire(&request, answers)
}

fn commit(
    request: &TxnOffsetCommitRequest,
    offsets: Vec<OffsetToCommit>,
    context: &Context,
) -> Answers {
    if !request.group_id.is_empty() && !context.state.metadata.keeps_offsets_of(&request.group_id) {
        return Err(ResponseError::CoordinatorNotAvailable);
    }
    context.check_members_coordinator(&request.group_id)?;
    let producer = Producer { id: *request.producer_id, epoch: request.producer_epoch };
    let (state, group_id) = (&context.state, &request.group_id);
    let partition = state.metadata.offsets_partition(group_id);
    let commit = from_wire(request);
    let write =
        || state.groups.commit_pending(group_id, producer, &commit, offsets, context.now);
    // Offsets that arrive after the transaction has ended would stay pending for ever, and so
    // Kafka asks its coordinator first (KIP-890). Here it is asked and kept from ending the
    // transaction at once.
    let transactions = &state.transactions;
    transactions
        .verified(&request.transactional_id, producer, CONSUMER_OFFSETS, partition, write)
        .map_err(without_fencing)
}

/// Puts the answers beside their partitions, which are in the same order.
fn to_wire(
    request: &TxnOffsetCommitRequest,
    answers: Vec<Result<(), ResponseError>>,
) -> TxnOffsetCommitResponse {
    let mut answers = answers.into_iter();
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let answer = answers.next().unwrap_or(Err(ResponseError::UnknownServerError));
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code(&answer))
        });
        TxnOffsetCommitResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}

/// The offsets of the request in their order, `None` for partitions that do not exist. That is
/// asked once: topics come and go while the request is handled.
fn offsets_of(request: &TxnOffsetCommitRequest, context: &Context) -> Vec<Option<OffsetToCommit>> {
    let mut offsets = Vec::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            let index = partition.partition_index;
            let exists = context.state.metadata.has_partition(&topic.name, index);
            offsets.push(exists.then(|| OffsetToCommit {
                topic: topic.name.to_string(),
                partition: index,
                committed: CommittedOffset {
                    offset: partition.committed_offset,
                    leader_epoch: partition.committed_leader_epoch,
                    metadata: partition.committed_metadata.as_deref().unwrap_or_default().to_owned(),
                    commit_timestamp: context.now,
                    expire_timestamp: -1,
                },
            }));
        }
    }
    offsets
}

/// Before version 3 a request names neither generation nor member, and the codec leaves both as a
/// consumer sends them that assigns its partitions itself.
fn from_wire(request: &TxnOffsetCommitRequest) -> Commit {
    Commit {
        generation: request.generation_id,
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.as_ref().map(ToString::to_string),
        // Kafka answers ILLEGAL_GENERATION in every version.
        understands_unknown_group: false,
    }
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
    fn each_partition_has_its_answer_in_every_version() {
        let partition =
            |index| TxnOffsetCommitRequestPartition::default().with_partition_index(index);
        let topic = TxnOffsetCommitRequestTopic::default()
            .with_partitions((0..2).map(partition).collect());
        let request = TxnOffsetCommitRequest::default().with_topics(vec![topic]);
        let answers = vec![Ok(()), Err(ResponseError::FencedInstanceId)];
        let response = to_wire(&request, answers);
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
