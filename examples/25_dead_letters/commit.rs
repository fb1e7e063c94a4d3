//! How every consumer of this example commits and closes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use helpers::{Closed, CommitOnRevoke, Committed, close_within, commit_stored_within};
use rdkafka::consumer::{ConsumerContext, StreamConsumer};

/// How long the cluster may take to respond.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);
/// How long to wait before a record is tried again that the cluster did not accept.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

pub(crate) type GroupConsumer<C = CommitOnRevoke> = Arc<StreamConsumer<C>>;

// ANCHOR: commit
/// Commits what is stored. In a rebalance that fails, and passes: the next commit takes it along.
pub(crate) async fn commit(consumer: &GroupConsumer) -> Result<()> {
    if let Committed::Later(why) = commit_stored_within(consumer, LIMIT).await? {
        eprintln!("not committed yet: {why}");
    }
    Ok(())
}

/// Commits what is stored, and leaves the group, however the work ended. A drop here would block a
/// thread of the runtime. The error of the work counts first.
pub(crate) async fn close<C: ConsumerContext + 'static, T>(
    consumer: GroupConsumer<C>,
    worked: Result<T>,
) -> Result<T> {
    let closed = close_within(consumer, LIMIT).await;
    let worked = worked?;
    match closed? {
        Closed::Left(Committed::Done | Committed::Nothing) => {}
        closed => eprintln!("{closed:?}: what is not committed comes again"),
    }
    Ok(worked)
}
// ANCHOR_END: commit
