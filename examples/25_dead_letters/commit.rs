//! How every consumer of this example commits and closes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use helpers::{Closed, CommitOnRevoke, Committed, close_within, commit_stored_within};
use rdkafka::consumer::StreamConsumer;

/// How long the cluster may take to respond.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

pub(crate) type GroupConsumer = Arc<StreamConsumer<CommitOnRevoke>>;

// ANCHOR: commit
/// Commits what is stored. In a rebalance that fails, and passes: the next commit takes it along.
pub(crate) async fn commit(consumer: &GroupConsumer) -> Result<()> {
    if let Committed::Later(why) = commit_stored_within(consumer, LIMIT).await? {
        eprintln!("not committed yet: {why}");
    }
    Ok(())
}

/// Commits what is stored, and leaves the group.
pub(crate) async fn close(consumer: GroupConsumer) -> Result<()> {
    match close_within(consumer, LIMIT).await? {
        Closed::Left(Committed::Done | Committed::Nothing) => {}
        closed => eprintln!("{closed:?}: what is not committed comes again"),
    }
    Ok(())
}
// ANCHOR_END: commit
