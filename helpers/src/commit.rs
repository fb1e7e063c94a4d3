//! Stores what was processed, commits what is stored, and separates transient errors from fatal
//! ones.
//!
//! Processing, storing and committing are three steps. [`store_processed`] marks a record as done
//! in memory only, so it costs nothing to call it for each record. A commit sends what is stored to
//! the group's coordinator: [`commit_stored`] where the thread may block, [`commit_stored_within`]
//! where it may not.
//!
//! [`CommitMode::Async`] returns before the coordinator has responded, and in rdkafka 0.39 your
//! program never sees the response: [`ConsumerContext::commit_callback`] is never called, because
//! librdkafka reports the result only to an `offset_commit_cb`, and rdkafka sets none. librdkafka
//! retries what a moved coordinator rejected, and logs a final failure only as a warning
//! (`COMMITFAIL`). So [`commit_stored_within`] waits for the response instead, on a thread of its
//! own.

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

/// The outcome of a commit that did not fail with a fatal error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Committed {
    /// The coordinator has it. With [`CommitMode::Async`]: the request is queued.
    Done,
    /// Nothing was stored since the last commit.
    Nothing,
    /// Not this time, for a transient reason: a rebalance, or a coordinator that moves or is
    /// unreachable. What stays assigned stays stored, and the next commit includes it. The records
    /// of revoked partitions are read again, by the member that has the partition now.
    Later(RDKafkaErrorCode),
}

// ANCHOR: store
/// Marks a record as processed, so that the next commit includes it. Call it in the order of the
/// offsets in each partition; if records finish in another order,
/// [`ContiguousOffsets`](crate::ContiguousOffsets) tells you up to where all are done.
///
/// Returns false if the partition no longer belongs to this member: nothing is stored then, and the
/// member that has the partition now reads the record again.
///
/// # Errors
/// [`Error::Kafka`] if librdkafka cannot store it for another reason.
pub fn store_processed<C: ConsumerContext>(
    consumer: &impl Consumer<C>,
    message: &BorrowedMessage<'_>,
) -> Result<bool, Error> {
    is_stored(consumer.store_offset_from_message(message))
}

/// Does what [`store_processed`] does, for a record that you know by its offset: every record of
/// the partition up to and including `offset` is done. Pass the offset of the record, not the next
/// one.
///
/// A commit of stored offsets never moves backward: librdkafka sends only what is beyond its last
/// commit. To read records again, commit an explicit offset with [`Consumer::commit`].
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
/// A commit can fail in normal operation, and that must not end a program: the outcome is
/// [`Committed::Later`] while the group is being rebalanced (`IllegalGeneration`,
/// `RebalanceInProgress`, `UnknownMemberId`, `StaleMemberEpoch`, a lost assignment), and while the
/// coordinator moves, loads or is unreachable.
///
/// [`CommitMode::Sync`] blocks the thread until the coordinator has responded, for
/// `session.timeout.ms` (45 s) while there is none. Use it on a thread of your own that polls, and
/// in a revoke callback there. On an async runtime, use [`commit_stored_within`].
///
/// # Errors
/// [`Error::CommitRejected`] for fatal errors: no permission for the group or topic, a member
/// fenced by another one with its `group.instance.id`, a deleted topic, a failed client.
pub fn commit_stored<C: ConsumerContext>(
    consumer: &impl Consumer<C>,
    mode: CommitMode,
) -> Result<Committed, Error> {
    outcome(consumer.commit_consumer_state(mode))
}
// ANCHOR_END: commit

/// Does what [`commit_stored`] does with [`CommitMode::Sync`], without blocking a thread of the
/// runtime, and for no longer than `limit`: after that it returns [`Committed::Later`] with
/// [`RDKafkaErrorCode::OperationTimedOut`], and librdkafka keeps trying.
///
/// It waits on a thread of its own and not in tokio's `spawn_blocking`, because a runtime that
/// shuts down waits for those calls.
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

/// Classifies the result of any of rdkafka's commits, as [`commit_stored`] does.
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

/// Returns whether a commit that failed with this code may succeed later by itself.
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
/// Commits what is stored before partitions are revoked, so that their next reader begins where
/// this one stopped. Call it first in a [`pre_rebalance`](ConsumerContext::pre_rebalance).
///
/// The commit is asynchronous, because a [`StreamConsumer`] calls back on a thread of the runtime.
/// It is in time nevertheless: librdkafka gives partitions back only after the responses to its
/// commits. Nothing reports that response, and if the commit was rejected, records are read again.
pub fn commit_before_revoke<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    rebalance: &Rebalance<'_>,
) {
    // Lost partitions already belong to another member.
    if matches!(rebalance, Rebalance::Revoke(_)) && !consumer.assignment_lost() {
        match commit_stored(consumer, CommitMode::Async) {
            Ok(committed) => tracing::debug!(?committed, "partitions are taken away"),
            Err(error) => tracing::warn!(%error, "partitions are taken away"),
        }
    }
}

/// A consumer context that calls [`commit_before_revoke`] and nothing else:
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

    fn responded(code: RDKafkaErrorCode) -> Result<Committed, Error> {
        outcome(Err(KafkaError::ConsumerCommit(code)))
    }

    #[test]
    fn what_a_rebalance_rejects_is_for_later() {
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
            assert_eq!(responded(code).unwrap(), Committed::Later(code));
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
            let error = responded(code).unwrap_err();
            assert!(matches!(error, Error::CommitRejected { .. }), "{error}");
            assert!(error.to_string().contains(advice), "{error}");
        }
    }

    #[test]
    fn without_anything_new_there_is_nothing_to_commit() {
        assert_eq!(responded(RDKafkaErrorCode::NoOffset).unwrap(), Committed::Nothing);
        assert_eq!(outcome(Ok(())).unwrap(), Committed::Done);
    }
}
