//! Close a consumer, with a limit on how long that may take.
//!
//! Dropping a consumer closes it: its partitions are revoked, and it leaves the group. It waits for
//! the answers to commits, one in a revoke callback or auto-commit's last. While the cluster is away
//! there are none, and a drop takes as long as librdkafka keeps a commit for later:
//! `session.timeout.ms`, 45 s, more than the grace period of most orchestrators (30 s in
//! Kubernetes), which then kill the process. Without a commit on its way it takes 0.1 s.
//!
//! A drop never ends while a [`TopicPartitionList`] is alive that holds the consumer's partitions:
//! what `assignment`, `position` and `committed` returned, and what was given to `store_offsets` and
//! `pause` (rust-rdkafka#453, librdkafka#3796). Such a list must be dropped first. A local variable
//! that was made after the consumer is, but not a later field of the same struct, nor a variable that
//! lives on beyond `drop(consumer)`. [`store_processed`](crate::store_processed) needs no list.
//!
//! [`TopicPartitionList`]: rdkafka::TopicPartitionList

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, ConsumerContext, StreamConsumer};

use crate::Error;
use crate::commit::{Committed, commit_stored};
use crate::detached::Detached;

/// How often a consumer is looked at that others still use.
const AGAIN: Duration = Duration::from_millis(5);

/// How a consumer was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Closed {
    /// What was stored is committed as it says, and the consumer has left its group.
    Left(Committed),
    /// The cluster did not answer within the limit, or somebody else still holds the consumer. A
    /// thread goes on with it until the process ends. If it does not get there, the group misses the
    /// member when its session ends, and what was not committed comes again.
    TimedOut,
}

// ANCHOR: close
/// Commits what is stored, leaves the group and drops the consumer, within `limit`, and blocks no
/// thread of the runtime meanwhile. A consumer in an [`Arc`] is closed when it is the last one that
/// holds it.
///
/// What was fetched and is not stored is thrown away, and comes again.
///
/// # Errors
/// Those of [`commit_stored`]; the consumer has left its group then too.
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

/// [`close_within`] for a consumer that is polled by a thread. It blocks that thread.
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

/// Drops the consumer when nobody else holds it, and says whether it came to that.
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
