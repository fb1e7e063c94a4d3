//! Decides when to commit: after so many records, or after so much time.
//!
//! A commit costs a round trip, so a program commits every so many records. By count alone the last
//! few are never committed when traffic stops: the group shows a lag, and processes them again
//! after a restart. So a commit is also due after some time.

use std::time::{Duration, Instant};

use crate::commit::Committed;

/// Counts records and time since the last commit. It has no client and commits nothing itself.
///
/// ```no_run
/// # use std::{sync::Arc, time::Duration};
/// # use helpers::{CommitEvery, commit_stored_within, store_processed};
/// # use rdkafka::{consumer::StreamConsumer, message::BorrowedMessage};
/// # fn process(message: &BorrowedMessage<'_>) {}
/// # async fn example(consumer: Arc<StreamConsumer>) -> Result<(), Box<dyn std::error::Error>> {
/// let mut commits = CommitEvery::new(1000, Duration::from_secs(5));
/// loop {
///     tokio::select! {
///         polled = consumer.recv() => {
///             let message = polled?;
///             process(&message);
///             store_processed(&*consumer, &message)?;
///             commits.stored();
///         }
///         () = commits.due() => {
///             let committed = commit_stored_within(&consumer, Duration::from_secs(10)).await?;
///             commits.committed(committed);
///         }
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CommitEvery {
    records: usize,
    time: Duration,
    /// How many were stored since the last commit.
    stored: usize,
    /// When the first of these was stored, or when a commit of them was last postponed.
    since: Option<Instant>,
    /// Whether a commit was postponed: it is retried after `time`, whatever the count.
    put_off: bool,
}

impl CommitEvery {
    /// Makes a commit due after `records` records (at least 1), and at the latest when the first
    /// one that is not committed has waited for `time`.
    pub fn new(records: usize, time: Duration) -> Self {
        CommitEvery { records: records.max(1), time, stored: 0, since: None, put_off: false }
    }

    /// Counts a stored record; call it for each one. Returns whether a commit is due.
    pub fn stored(&mut self) -> bool {
        self.stored += 1;
        self.since.get_or_insert_with(Instant::now);
        self.is_due()
    }

    /// Returns whether a commit is due.
    pub fn is_due(&self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    /// Returns how long until a commit is due, or `None` if nothing is uncommitted. A thread that
    /// polls uses it as the longest time to wait for a record.
    pub fn left(&self) -> Option<Duration> {
        let since = self.since?;
        match self.stored >= self.records && !self.put_off {
            true => Some(Duration::ZERO),
            false => Some(self.time.saturating_sub(since.elapsed())),
        }
    }

    /// Waits until a commit is due, forever if nothing is uncommitted. It is cancel safe, so you
    /// can use it in a `select!`.
    pub async fn due(&self) {
        match self.left() {
            // Even a short sleep waits for the timer. If the next record is always available, a
            // `select!` would drop the sleep each time before it ends.
            Some(Duration::ZERO) => {}
            Some(left) => tokio::time::sleep(left).await,
            None => std::future::pending().await,
        }
    }

    /// Records the outcome of a commit. A postponed one is due again after `time`.
    pub fn committed(&mut self, committed: Committed) {
        self.put_off = matches!(committed, Committed::Later(_));
        if self.put_off {
            self.since = Some(Instant::now());
        } else {
            (self.stored, self.since) = (0, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::error::RDKafkaErrorCode;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn a_commit_is_due_after_so_many_records() {
        let mut commits = CommitEvery::new(3, LONG);
        assert_eq!([(); 3].map(|()| commits.stored()), [false, false, true]);
        commits.committed(Committed::Done);
        assert!(!commits.is_due() && commits.left().is_none());
        assert_eq!([(); 3].map(|()| commits.stored()), [false, false, true]);
    }

    #[test]
    fn a_commit_is_due_when_its_time_has_come_however_few_records_wait() {
        let mut commits = CommitEvery::new(1000, Duration::ZERO);
        assert!(!commits.is_due(), "nothing waits");
        assert!(commits.stored());
    }

    #[test]
    fn a_commit_that_was_put_off_is_tried_again_later_and_not_at_once() {
        let mut commits = CommitEvery::new(1, LONG);
        assert!(commits.stored());
        commits.committed(Committed::Later(RDKafkaErrorCode::RebalanceInProgress));
        assert!(!commits.stored(), "a rebalance takes its time");
        assert!(commits.left().is_some(), "what waits is not forgotten");
        let mut commits = CommitEvery::new(1, Duration::ZERO);
        commits.stored();
        commits.committed(Committed::Later(RDKafkaErrorCode::RebalanceInProgress));
        assert!(commits.is_due());
    }

    #[tokio::test]
    async fn a_commit_that_is_due_waits_for_no_timer() {
        let mut commits = CommitEvery::new(1, LONG);
        commits.stored();
        tokio::select! {
            biased;
            () = commits.due() => {}
            () = std::future::ready(()) => panic!("the next record came first"),
        }
    }

    #[tokio::test]
    async fn who_waits_for_it_is_woken_by_time() {
        let mut commits = CommitEvery::new(1000, Duration::from_millis(10));
        let nothing = tokio::time::timeout(Duration::from_millis(30), commits.due()).await;
        nothing.unwrap_err();
        commits.stored();
        commits.due().await;
        assert!(commits.is_due());
    }
}
