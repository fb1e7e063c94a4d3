//! Store what was processed, commit what is stored, and tell a failure that passes from one that
//! does not.
//!
//! Processing, storing and committing are three steps. [`store_processed`] says "this record is
//! done" and touches memory only, so it costs nothing to call it for each record. A commit sends
//! what is stored to the group's coordinator: [`commit_stored`] where the thread may block,
//! [`commit_stored_within`] where it may not.
//!
//! [`CommitMode::Async`] returns before the coordinator has answered, and in rdkafka 0.39 nobody
//! hears the answer: [`ConsumerContext::commit_callback`] is never called, because librdkafka tells
//! the result only to an `offset_commit_cb`, and rdkafka sets none. librdkafka retries what a moved
//! coordinator refused, and logs what failed for good as a warning (`COMMITFAIL`), no more.
//! So [`commit_stored_within`] waits for the answer instead, on a thread of its own.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;

use crate::Error;
use crate::detached::Detached;

/// What became of a commit that did not fail for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Committed {
    /// The coordinator has it. With [`CommitMode::Async`]: the request is queued.
    Done,
    /// Nothing was stored since the last commit.
    Nothing,
    /// Not this time, for this reason, which passes by itself: a rebalance, a coordinator that moves
    /// or is away. What stays assigned stays stored, and the next commit takes it along. What was
    /// taken away comes again, to the member that has the partition now.
    Later(RDKafkaErrorCode),
}

// ANCHOR: store
/// Says that a record is processed, so that the next commit goes past it. To be called for each
/// partition in the order of its offsets; where records finish in another order,
/// [`ContiguousOffsets`](crate::ContiguousOffsets) says up to where all are done.
///
/// Returns false where the partition is no longer this member's: nothing is stored then, and the
/// record comes again, to the member that has the partition now.
///
/// # Errors
/// [`Error::Kafka`] where librdkafka cannot store it for another reason.
pub fn store_processed<C: ConsumerContext>(
    consumer: &impl Consumer<C>,
    message: &BorrowedMessage<'_>,
) -> Result<bool, Error> {
    is_stored(consumer.store_offset_from_message(message))
}

/// [`store_processed`] for a record that is known by its place alone: every record of the partition
/// up to and including `offset` is done. It is the offset of the record, not the next one.
///
/// A commit of what is stored never goes back: librdkafka sends what is beyond its last commit. To
/// read records again, commit their offset by name, with [`Consumer::commit`].
///
/// # Errors
/// Those of [`store_processed`].
pub fn store_through<C: ConsumerContext>(
    consumer: &impl Consumer<C>,
    topic: &str,
    partition: i32,
    offset: i64,
) -> Result<bool, Error> {
    // rdkafka's `store_offset` adds 1, as a commit needs it. Its `store_offsets` adds nothing.
    is_stored(consumer.store_offset(topic, partition, offset))
}

fn is_stored(result: Result<(), KafkaError>) -> Result<bool, Error> {
    match result {
        Ok(()) => Ok(true),
        Err(KafkaError::StoreOffset(
            RDKafkaErrorCode::State | RDKafkaErrorCode::UnknownPartition,
        )) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
// ANCHOR_END: store

// ANCHOR: commit
/// Commits what is stored, for all partitions of the assignment.
///
/// A commit can fail in everyday life, and that must not end a program: it is
/// [`Committed::Later`] while the group is being rebalanced (`IllegalGeneration`,
/// `RebalanceInProgress`, `UnknownMemberId`, `StaleMemberEpoch`, a lost assignment), and while the
/// coordinator moves, loads or is away.
///
/// [`CommitMode::Sync`] blocks the thread until the coordinator has answered; while there is none,
/// for `session.timeout.ms` (45 s). It is right on a thread that polls by itself, and in a revoke
/// callback there. In a program on an async runtime [`commit_stored_within`] is.
///
/// # Errors
/// [`Error::CommitRejected`] for what does not pass: the group or topic is forbidden, the member is
/// fenced by another one with its `group.instance.id`, the topic is gone, the client has failed.
pub fn commit_stored<C: ConsumerContext>(
    consumer: &impl Consumer<C>,
    mode: CommitMode,
) -> Result<Committed, Error> {
    outcome(consumer.commit_consumer_state(mode))
}
// ANCHOR_END: commit

/// [`commit_stored`] with [`CommitMode::Sync`] that blocks no thread of the runtime, and takes no
/// longer than `limit`: after that it is [`Committed::Later`] with
/// [`RDKafkaErrorCode::OperationTimedOut`], and librdkafka goes on trying meanwhile.
///
/// It waits on a thread of its own and not in tokio's `spawn_blocking`, whose calls a runtime waits
/// for when it ends.
///
/// # Errors
/// Those of [`commit_stored`].
pub async fn commit_stored_within<C: ConsumerContext + 'static>(
    consumer: &Arc<StreamConsumer<C>>,
    limit: Duration,
) -> Result<Committed, Error> {
    let consumer = Arc::clone(consumer);
    let call = Detached::run("commit", move || commit_stored(&*consumer, CommitMode::Sync));
    let late = Committed::Later(RDKafkaErrorCode::OperationTimedOut);
    call.within(limit).await.unwrap_or(Ok(late))
}

/// Sorts the result of any of rdkafka's commits, as [`commit_stored`] does.
///
/// # Errors
/// Those of [`commit_stored`].
pub fn outcome(result: Result<(), KafkaError>) -> Result<Committed, Error> {
    match result {
        Ok(()) => Ok(Committed::Done),
        Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => Ok(Committed::Nothing),
        Err(KafkaError::ConsumerCommit(code)) if passes(code) => Ok(Committed::Later(code)),
        Err(KafkaError::ConsumerCommit(code)) => Err(Error::CommitRejected { code }),
        Err(error) => Err(error.into()),
    }
}

/// Whether a commit that failed with this code may succeed later, by nobody's doing.
fn passes(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    let rebalance = matches!(
        code,
        Code::IllegalGeneration
            | Code::RebalanceInProgress
            | Code::UnknownMemberId
            | Code::StaleMemberEpoch
            | Code::FencedMemberEpoch
            | Code::AssignmentLost
    );
    let coordinator = matches!(
        code,
        Code::NotCoordinator
            | Code::CoordinatorNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::WaitingForCoordinator
            | Code::RequestTimedOut
            | Code::OperationTimedOut
            | Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::DestroyBroker
            | Code::UnstableOffsetCommit
    );
    rebalance || coordinator
}

// ANCHOR: revoke
/// Commits what is stored before partitions are taken away, so that their next reader begins where
/// this one stopped. To be called first in a [`pre_rebalance`](ConsumerContext::pre_rebalance).
///
/// The commit is asynchronous, because a [`StreamConsumer`] calls back on a thread of the runtime.
/// It is in time nevertheless: librdkafka gives partitions back when its commits are answered. What
/// the answer was nobody hears, and where it was a refusal records come again.
pub fn commit_before_revoke<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    rebalance: &Rebalance<'_>,
) {
    // Partitions that are lost belong to another member already.
    if matches!(rebalance, Rebalance::Revoke(_)) && !consumer.assignment_lost() {
        match commit_stored(consumer, CommitMode::Async) {
            Ok(committed) => tracing::debug!(?committed, "partitions are taken away"),
            Err(error) => tracing::warn!(%error, "partitions are taken away"),
        }
    }
}

/// A consumer's context that calls [`commit_before_revoke`] and nothing else:
/// `ConsumerBuilder::new(brokers, group).build_with(CommitOnRevoke)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommitOnRevoke;

impl ClientContext for CommitOnRevoke {}

impl ConsumerContext for CommitOnRevoke {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        commit_before_revoke(consumer, rebalance);
    }
}
// ANCHOR_END: revoke

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: RDKafkaErrorCode) -> Result<Committed, Error> {
        outcome(Err(KafkaError::ConsumerCommit(code)))
    }

    #[test]
    fn what_a_rebalance_refuses_is_for_later() {
        use RDKafkaErrorCode as Code;
        for code in [
            Code::IllegalGeneration,
            Code::RebalanceInProgress,
            Code::UnknownMemberId,
            Code::StaleMemberEpoch,
            Code::AssignmentLost,
            Code::NotCoordinator,
            Code::CoordinatorNotAvailable,
            Code::CoordinatorLoadInProgress,
            Code::WaitingForCoordinator,
            Code::BrokerTransportFailure,
        ] {
            assert_eq!(answered(code).unwrap(), Committed::Later(code));
        }
    }

    #[test]
    fn what_does_not_pass_is_an_error_that_says_what_to_do() {
        use RDKafkaErrorCode as Code;
        for (code, advice) in [
            (Code::GroupAuthorizationFailed, "ACL"),
            (Code::TopicAuthorizationFailed, "ACL"),
            (Code::FencedInstanceId, "group.instance.id"),
            (Code::UnknownTopicOrPartition, "deleted"),
            (Code::Fatal, "build another"),
            (Code::OffsetMetadataTooLarge, "comes again"),
        ] {
            let error = answered(code).unwrap_err();
            assert!(matches!(error, Error::CommitRejected { .. }), "{error}");
            assert!(error.to_string().contains(advice), "{error}");
        }
    }

    #[test]
    fn without_anything_new_there_is_nothing_to_commit() {
        assert_eq!(answered(RDKafkaErrorCode::NoOffset).unwrap(), Committed::Nothing);
        assert_eq!(outcome(Ok(())).unwrap(), Committed::Done);
    }
}
