//! Stores the offsets of processed records, commits them, and closes the consumer.
//!
//! A stored offset is in memory only. A commit sends it to the group's coordinator and costs a
//! round trip, so one is due every [`RECORDS`] records or [`TIME`], whichever comes first.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use tokio::time::{Instant, sleep_until};

use crate::blocking::{LIMIT, within};

const RECORDS: usize = 1_000;
const TIME: Duration = Duration::from_secs(5);

/// Decides when a commit is due.
#[derive(Default)]
pub struct Commits {
    stored: usize,
    due: Option<Instant>,
}

impl Commits {
    /// Stores the offset of a processed record. Call it in the order of the offsets.
    pub fn store<C: ConsumerContext>(
        &mut self,
        consumer: &StreamConsumer<C>,
        message: &BorrowedMessage<'_>,
    ) -> Result<()> {
        use RDKafkaErrorCode::{State, UnknownPartition};
        match consumer.store_offset_from_message(message) {
            // The partition was revoked in the meantime: its new member processes the record again.
            Err(KafkaError::StoreOffset(State | UnknownPartition)) => return Ok(()),
            stored => stored?,
        }
        self.stored += 1;
        if self.stored == RECORDS {
            self.due = Some(Instant::now());
        }
        self.due.get_or_insert_with(|| Instant::now() + TIME);
        Ok(())
    }

    /// Waits until a commit is due, forever if nothing is stored. It is cancel safe.
    pub async fn due(&self) {
        match self.due {
            // Even a zero sleep yields first, and then an available record would always win.
            Some(due) if due <= Instant::now() => {}
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// Commits the stored offsets. If that fails for a transient reason, a commit is due again
    /// later.
    pub async fn commit<C: ConsumerContext + 'static>(
        &mut self,
        consumer: &Arc<StreamConsumer<C>>,
    ) -> Result<()> {
        (self.stored, self.due) = (0, None);
        let consumer = Arc::clone(consumer);
        let commit = within(LIMIT, move || consumer.commit_consumer_state(CommitMode::Sync)).await;
        if !commit.map_or_else(later, outcome)? {
            self.due = Some(Instant::now() + TIME);
        }
        Ok(())
    }
}

/// Commits the stored offsets and leaves the group, so that the other members need not wait for the
/// session timeout. Records that were fetched but not stored are read again.
pub async fn close<C: ConsumerContext + 'static>(consumer: Arc<StreamConsumer<C>>) -> Result<()> {
    let closed = within(LIMIT, move || {
        let committed = consumer.commit_consumer_state(CommitMode::Sync);
        // This leaves the group, unless a commit that hangs still holds the other clone.
        drop(consumer);
        committed
    });
    let closed = closed.await.map_or_else(later, outcome);
    if let Err(error) = &closed {
        tracing::error!("cannot commit at the end: {error:#}");
    }
    closed.map(|_| ())
}

/// Commits the stored offsets before partitions are revoked. The commit is asynchronous, because
/// this callback runs on a worker of the runtime. librdkafka waits for the response before it gives
/// the partitions back.
pub fn commit_before_revoke<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    rebalance: &Rebalance<'_>,
) {
    // Lost partitions already belong to another member.
    if matches!(rebalance, Rebalance::Revoke(_))
        && !consumer.assignment_lost()
        && let Err(error) = outcome(consumer.commit_consumer_state(CommitMode::Async))
    {
        tracing::error!("cannot commit before partitions are revoked: {error:#}");
    }
}

/// Returns whether the coordinator has the stored offsets. A fatal error is an error.
fn outcome(result: Result<(), KafkaError>) -> Result<bool> {
    match result {
        Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => Ok(true),
        Err(KafkaError::ConsumerCommit(code)) if passes(code) => later(code.into()),
        Err(error) => Err(error).context("the commit was rejected"),
    }
}

fn later(why: anyhow::Error) -> Result<bool> {
    tracing::warn!("not committed yet, retried later: {why:#}");
    Ok(false)
}

/// Returns whether a code is transient: a rebalance, or a coordinator that moves or is unreachable.
fn passes(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::IllegalGeneration
            | Code::RebalanceInProgress
            | Code::UnknownMemberId
            | Code::StaleMemberEpoch
            | Code::FencedMemberEpoch
            | Code::AssignmentLost
            | Code::NotCoordinator
            | Code::CoordinatorNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::WaitingForCoordinator
            | Code::RequestTimedOut
            | Code::OperationTimedOut
            | Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::DestroyBroker
            | Code::UnstableOffsetCommit
    )
}
