//! Closes a consumer, with a limit on how long that may take.
//!
//! Dropping a consumer closes it: its partitions are revoked, and it leaves the group. It waits for
//! the responses to commits: those of a revoke callback, or auto-commit's last one. While the
//! cluster is unreachable there are none, and a drop takes as long as librdkafka keeps a commit:
//! `session.timeout.ms`, 45 s. That is longer than the grace period of most orchestrators (30 s in
//! Kubernetes), which then kill the process. Without a commit in flight, a drop takes 0.1 s.
//!
//! A drop never ends while a [`TopicPartitionList`] of the consumer's partitions is alive: one that
//! `assignment`, `position` or `committed` returned, or that you passed to `store_offsets` or
//! `pause` (rust-rdkafka#453, librdkafka#3796). Drop such a list first. A local variable declared
//! after the consumer is dropped in time; a later field of the same struct is not, nor is a
//! variable that outlives `drop(consumer)`. [`store_processed`](crate::store_processed) needs no
//! list.
//!
//! [`TopicPartitionList`]: rdkafka::TopicPartitionList

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, ConsumerContext, StreamConsumer};

use crate::Error;
use crate::commit::{Committed, commit_stored};
use crate::detached::Detached;

/// How often to check whether others still use the consumer.
const AGAIN: Duration = Duration::from_millis(5);

/// How a consumer was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Closed {
    /// The consumer has left its group; the value says what happened to the stored offsets.
    Left(Committed),
    /// The cluster did not respond within the limit, or another part of the program still holds the
    /// consumer. A thread keeps trying until the process ends. If it does not succeed, the member
    /// stays in the group until its session expires, and records that were not committed are read
    /// again.
    TimedOut,
}

// ANCHOR: close
/// Commits what is stored, leaves the group and drops the consumer, within `limit`, without
/// blocking a thread of the runtime. A consumer in an [`Arc`] is closed once no other clone is
/// left.
///
/// Records that were fetched but not stored are discarded, and are read again later.
///
/// # Errors
/// Those of [`commit_stored`]; the consumer has left its group even then.
pub async fn close_within<C: ConsumerContext + 'static>(
    consumer: impl Into<Arc<StreamConsumer<C>>>,
    limit: Duration,
) -> Result<Closed, Error> {
    let (consumer, deadline) = (consumer.into(), Instant::now() + limit);
    let call = Detached::run("close", move || {
        let committed = commit_stored(&*consumer, CommitMode::Sync);
        last(consumer, deadline).then_some(committed)
    });
    closed(call.within(limit).await.flatten())
}

/// Does what [`close_within`] does, for a consumer that a thread polls. It blocks that thread.
///
/// # Errors
/// Those of [`close_within`].
pub fn close_polled_within<C: ConsumerContext + 'static>(
    consumer: impl Into<Arc<BaseConsumer<C>>>,
    limit: Duration,
) -> Result<Closed, Error> {
    let (consumer, deadline) = (consumer.into(), Instant::now() + limit);
    let call = Detached::run_for_thread("close", move || {
        let committed = commit_stored(&*consumer, CommitMode::Sync);
        last(consumer, deadline).then_some(committed)
    });
    closed(call.block_within(limit).flatten())
}
// ANCHOR_END: close

/// Drops the consumer once no other clone is left. Returns false if that did not happen in time.
fn last<K>(mut consumer: Arc<K>, deadline: Instant) -> bool {
    loop {
        match Arc::try_unwrap(consumer) {
            Ok(alone) => {
                drop(alone);
                return true;
            }
            Err(shared) if Instant::now() < deadline => consumer = shared,
            Err(_) => return false,
        }
        thread::sleep(AGAIN);
    }
}

fn closed(committed: Option<Result<Committed, Error>>) -> Result<Closed, Error> {
    committed.map_or(Ok(Closed::TimedOut), |committed| committed.map(Closed::Left))
}
