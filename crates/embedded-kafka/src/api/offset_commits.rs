//! The common part of OffsetCommit and TxnOffsetCommit: partitions that do not exist get their
//! error here, and the group commits the others.

use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;

use super::context::Context;
use super::words::list;
use crate::group::{CommittedOffset, OffsetToCommit};

/// One result for each offset, or one error for all.
pub(super) type Results = Result<Vec<Result<(), ResponseError>>, ResponseError>;

/// An offset on the wire, of either API.
pub(super) struct WireOffset {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) leader_epoch: i32,
    pub(super) metadata: Option<StrBytes>,
}

/// Reads the offsets of a request in their order, `None` for partitions that do not exist. They are
/// looked up once: topics may change while the request is handled.
///
/// `expire_timestamp` is -1 if the cluster's settings decide how long an offset is kept.
pub(super) fn offsets_of<'a, Offsets: IntoIterator<Item = WireOffset>>(
    topics: impl IntoIterator<Item = (&'a str, Offsets)>,
    expire_timestamp: i64,
    context: &Context,
) -> Vec<Option<OffsetToCommit>> {
    let mut found = Vec::new();
    for (topic, offsets) in topics {
        for WireOffset { partition, offset, leader_epoch, metadata } in offsets {
            let exists = context.state.metadata.has_partition(topic, partition);
            found.push(exists.then(|| OffsetToCommit {
                topic: topic.to_owned(),
                partition,
                committed: CommittedOffset {
                    offset,
                    leader_epoch,
                    metadata: metadata.as_deref().unwrap_or_default().to_owned(),
                    commit_timestamp: context.now,
                    expire_timestamp,
                },
            }));
        }
    }
    found
}

/// Commits the offsets of partitions that exist (`None` is one that does not), and returns a result
/// for each in their order. If no partition exists, the group is neither called nor created.
pub(super) fn commit_existing(
    offsets: Vec<Option<OffsetToCommit>>,
    commit: impl FnOnce(Vec<OffsetToCommit>) -> Results,
) -> Vec<Result<(), ResponseError>> {
    let exists = offsets.iter().map(Option::is_some).collect::<Vec<_>>();
    let offsets = offsets.into_iter().flatten().collect::<Vec<_>>();
    let results = if offsets.is_empty() { Ok(Vec::new()) } else { commit(offsets) };
    let (results, all) = match results {
        Ok(results) => (results, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    };
    let mut results = results.into_iter();
    let result = |exists| match exists {
        true => results.next().unwrap_or(all),
        false => Err(ResponseError::UnknownTopicOrPartition),
    };
    exists.into_iter().map(result).collect()
}

/// Builds the topics of a response from those of a request, with an error code for each partition
/// in their order.
macro_rules! commit_response {
    ($topics:expr, $codes:expr, $Topic:ident, $Partition:ident) => {{
        let mut codes = $codes;
        let missing = kafka_protocol::ResponseError::UnknownServerError;
        let topics = $topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|partition| {
                $Partition::default()
                    .with_partition_index(partition.partition_index)
                    .with_error_code(codes.next().unwrap_or(missing.code()))
            });
            $Topic::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
        });
        topics.collect()
    }};
}
pub(super) use commit_response;

/// Describes offsets in words, each with its partition.
pub(super) fn offsets_in_words<'a, Offsets: IntoIterator<Item = WireOffset>>(
    topics: impl IntoIterator<Item = (&'a str, Offsets)>,
) -> String {
    list(topics.into_iter().flat_map(|(topic, offsets)| {
        let offsets = offsets.into_iter();
        offsets.map(move |it| format!("{topic}/{}={}", it.partition, it.offset))
    }))
}

/// Reads the offsets of a request's topics, of either API.
macro_rules! wire_offsets {
    ($topics:expr) => {
        $topics.iter().map(|topic| {
            let offsets = topic.partitions.iter().map(|partition| WireOffset {
                partition: partition.partition_index,
                offset: partition.committed_offset,
                leader_epoch: partition.committed_leader_epoch,
                metadata: partition.committed_metadata.clone(),
            });
            (topic.name.as_str(), offsets)
        })
    };
}
pub(super) use wire_offsets;

#[cfg(test)]
mod tests {
    use super::*;

    fn results(exists: &[bool], results: Results) -> Vec<Result<(), ResponseError>> {
        let committed = CommittedOffset {
            offset: 7,
            leader_epoch: -1,
            metadata: String::new(),
            commit_timestamp: 0,
            expire_timestamp: -1,
        };
        let offset = OffsetToCommit { topic: "airports".into(), partition: 0, committed };
        let offsets = exists.iter().map(|exists| exists.then(|| offset.clone())).collect();
        commit_existing(offsets, |offsets| {
            assert_eq!(offsets.len(), exists.iter().filter(|exists| **exists).count());
            results
        })
    }

    const MISSING: Result<(), ResponseError> = Err(ResponseError::UnknownTopicOrPartition);

    #[test]
    fn results_go_to_the_partitions_that_exist() {
        let too_large = Err(ResponseError::OffsetMetadataTooLarge);
        let found = results(&[false, true, true], Ok(vec![Ok(()), too_large]));
        assert_eq!(found, [MISSING, Ok(()), too_large]);
    }

    #[test]
    fn an_error_of_the_group_is_the_error_of_every_partition_that_exists() {
        let fenced = ResponseError::FencedInstanceId;
        let found = results(&[true, false, true], Err(fenced));
        assert_eq!(found, [Err(fenced), MISSING, Err(fenced)]);
    }

    #[test]
    fn the_group_is_not_called_without_partitions() {
        let found = commit_existing(vec![None, None], |_| panic!("there is nothing to commit"));
        assert_eq!(found, [MISSING, MISSING]);
    }
}
