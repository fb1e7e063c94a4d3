//! The one way in which a request waits: it checks, is woken by a change and checks again, until
//! the check succeeds or the time is up.
//!
//! A [`Watch`] belongs to anything that can change (a partition, a group). The code that changes it
//! calls [`Watch::wake`] after the change, with no lock held; with no waiting request that is one
//! atomic load.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The requests that wait for one thing to change.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The number of entries in `waiting`, so that a wake without waiting requests takes no lock.
    count: AtomicUsize,
    waiting: Mutex<Vec<Weak<Notify>>>,
}

impl Watch {
    /// Lets all waiting requests check again.
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

/// Waits until `check` returns a value, or `deadline` passes (`None` waits as long as it takes).
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
    add_to_each(watches, &waiter);
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

/// Adds the waiter to each watch once: a request may name the same thing any number of times.
fn add_to_each(watches: &[&Watch], waiter: &Arc<Notify>) {
    let mut added = HashSet::new();
    for watch in watches.iter().filter(|watch| added.insert(std::ptr::from_ref(**watch))) {
        watch.add(waiter);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI32;
    use std::time::Duration;

    use super::*;

    /// A number that grows, and the requests that wait until it has a least value.
    #[derive(Default)]
    struct Counter {
        count: AtomicI32,
        changed: Watch,
    }

    impl Counter {
        fn raise(&self) {
            self.count.fetch_add(1, Ordering::SeqCst);
            self.changed.wake();
        }

        fn at_least(&self, wanted: i32) -> Option<i32> {
            Some(self.count.load(Ordering::SeqCst)).filter(|count| *count >= wanted)
        }
    }

    #[tokio::test]
    async fn a_check_that_succeeds_at_once_does_not_wait() {
        let answer = wait_for(&[], Some(Instant::now()), || Some(7)).await;
        assert_eq!(answer, Some(7));
    }

    #[tokio::test]
    async fn a_wait_ends_at_its_deadline_with_a_last_check() {
        let (counter, mut checks) = (Counter::default(), Vec::new());
        let deadline = Instant::now() + Duration::from_millis(10);
        let check = || {
            checks.push(Instant::now());
            counter.at_least(1)
        };
        let answer = wait_for(&[&counter.changed], Some(deadline), check).await;
        assert_eq!(answer, None);
        assert!(checks.last().is_some_and(|last| *last >= deadline), "{checks:?}");
    }

    #[tokio::test]
    async fn a_change_of_any_watched_thing_wakes_the_waiter() {
        let counters = Arc::new([Counter::default(), Counter::default()]);
        let waiting = tokio::spawn({
            let counters = Arc::clone(&counters);
            async move {
                let watches = [&counters[0].changed, &counters[1].changed];
                wait_for(&watches, None, || counters[1].at_least(3)).await
            }
        });
        for _ in 0..3 {
            tokio::task::yield_now().await;
            counters[0].raise();
            counters[1].raise();
        }
        assert_eq!(waiting.await.unwrap(), Some(3));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_change_is_missed_however_close_it_comes_to_the_check() {
        for _ in 0..2_000 {
            let counter = Arc::new(Counter::default());
            let raising = tokio::spawn({
                let counter = Arc::clone(&counter);
                async move { counter.raise() }
            });
            let answer = wait_for(&[&counter.changed], None, || counter.at_least(1)).await;
            assert_eq!(answer, Some(1));
            raising.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_thing_that_is_watched_twice_has_one_waiter() {
        let counter = Counter::default();
        let watches = vec![&counter.changed; 1000];
        let mut checks = 0;
        let answer = wait_for(&watches, None, || {
            checks += 1;
            (checks > 1).then(|| counter.changed.waiting.lock().len())
        });
        assert_eq!(answer.await, Some(1));
    }

    #[tokio::test]
    async fn waiters_that_gave_up_are_removed() {
        let counter = Counter::default();
        for _ in 0..100 {
            let _ = wait_for(&[&counter.changed], Some(Instant::now()), || None::<()>).await;
        }
        assert!(counter.changed.waiting.lock().len() <= 1);
        counter.changed.wake();
        assert_eq!(counter.changed.count.load(Ordering::SeqCst), 0);
    }
}
