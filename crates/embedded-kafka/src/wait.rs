//! The one way in which a request waits: check, then be woken by a change and check again, until
//! the check succeeds or the time is up.
//!
//! A [`Watch`] belongs to whatever can change (a partition, a group). Whoever changes it calls
//! [`Watch::wake`] after the change, with no lock held; with nobody waiting that is one atomic load.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The requests that wait for one thing to change.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// How many entries `waiting` has, so that a wake with nobody waiting takes no lock.
    count: AtomicUsize,
    waiting: Mutex<Vec<Weak<Notify>>>,
}

impl Watch {
    /// Lets everybody who waits check again.
    pub(crate) fn wake(&self) {
        // A waiter raises the count before its check locks what it checks, and the caller has
        // released that lock before this load: one of the two sees the other.
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut waiting = self.waiting.lock();
        waiting.retain(|waiter| match waiter.upgrade() {
            Some(waiter) => {
                waiter.notify_one();
                true
            }
            None => false,
        });
        self.count.store(waiting.len(), Ordering::SeqCst);
    }

    fn add(&self, waiter: &Arc<Notify>) {
        let mut waiting = self.waiting.lock();
        waiting.retain(|waiter| waiter.strong_count() > 0);
        waiting.push(Arc::downgrade(waiter));
        self.count.store(waiting.len(), Ordering::SeqCst);
    }
}

/// Waits until `check` answers, or `deadline` passes (`None` waits as long as it takes).
///
/// `check` runs at once, after each wake of one of `watches`, and a last time at the deadline.
pub(crate) async fn wait_for<T>(
    watches: &[&Watch],
    deadline: Option<Instant>,
    mut check: impl FnMut() -> Option<T>,
) -> Option<T> {
    if let Some(answer) = check() {
        return Some(answer);
    }
    let waiter = Arc::new(Notify::new());
    for watch in watches {
        watch.add(&waiter);
    }
    loop {
        // A wake between the check and the await is kept by the Notify, not lost.
        if let Some(answer) = check() {
            return Some(answer);
        }
        match deadline {
            None => waiter.notified().await,
            Some(deadline) => {
                if tokio::time::timeout_at(deadline, waiter.notified()).await.is_err() {
                    return check();
                }
            }
        }
    }
}
