//! What OffsetCommit and TxnOffsetCommit have in common: partitions that do not exist are answered
//! here, and the group is asked for the others.

use kafka_protocol::ResponseError;

use crate::group::OffsetToCommit;

/// One answer for each offset, or one error for all.
pub(super) type Answers = Result<Vec<Result<(), ResponseError>>, ResponseError>;

/// Commits the offsets of partitions that exist (`None` is one that does not), and answers for each
/// in their order. Where no partition exists the group is not asked, and so not created either.
pub(super) fn answer_each(
    offsets: Vec<Option<OffsetToCommit>>,
    commit: impl FnOnce(Vec<OffsetToCommit>) -> Answers,
) -> Vec<Result<(), ResponseError>> {
    let exists = offsets.iter().map(Option::is_some).collect::<Vec<_>>();
    let offsets = offsets.into_iter().flatten().collect::<Vec<_>>();
    let answers = if offsets.is_empty() { Ok(Vec::new()) } else { commit(offsets) };
    let (answers, all) = match answers {
        Ok(answers) => (answers, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    };
    let mut answers = answers.into_iter();
    let answer = |exists| match exists {
        true => answers.next().unwrap_or(all),
        false => Err(ResponseError::UnknownTopicOrPartition),
    };
    exists.into_iter().map(answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::CommittedOffset;

    fn answers(exists: &[bool], answers: Answers) -> Vec<Result<(), ResponseError>> {
        let committed = CommittedOffset {
            offset: 7,
            leader_epoch: -1,
            metadata: String::new(),
            commit_timestamp: 0,
            expire_timestamp: -1,
        };
        let offset = OffsetToCommit { topic: "airports".into(), partition: 0, committed };
        let offsets = exists.iter().map(|exists| exists.then(|| offset.clone())).collect();
        answer_each(offsets, |offsets| {
            assert_eq!(offsets.len(), exists.iter().filter(|exists| **exists).count());
            answers
        })
    }

    const MISSING: Result<(), ResponseError> = Err(ResponseError::UnknownTopicOrPartition);

    #[test]
    fn answers_go_to_the_partitions_that_exist() {
        let too_large = Err(ResponseError::OffsetMetadataTooLarge);
        let found = answers(&[false, true, true], Ok(vec![Ok(()), too_large]));
        assert_eq!(found, [MISSING, Ok(()), too_large]);
    }

    #[test]
    fn an_error_of_the_group_is_the_error_of_every_partition_that_exists() {
        let fenced = ResponseError::FencedInstanceId;
        let found = answers(&[true, false, true], Err(fenced));
        assert_eq!(found, [Err(fenced), MISSING, Err(fenced)]);
    }

    #[test]
    fn the_group_is_not_asked_for_nothing() {
        let found = answer_each(vec![None, None], |_| panic!("there is nothing to commit"));
        assert_eq!(found, [MISSING, MISSING]);
    }
}
