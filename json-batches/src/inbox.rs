//! A bounded queue of records for one worker, which takes them in batches.
//!
//! A channel would wake its reader for every record. Here the worker is woken when a batch is
//! complete, or after [`LATEST`], so that a slow input does not wait for a batch to fill.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a record may wait for its batch to fill.
const LATEST: Duration = Duration::from_millis(10);
/// How many batches may wait.
const BATCHES: usize = 4;

/// The records that wait for one worker.
pub(super) struct Inbox<T> {
    batch_size: usize,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

impl<T> Inbox<T> {
    pub(super) fn new(batch_size: usize) -> Self {
        let state = State { waiting: VecDeque::new(), closed: false };
        Inbox { batch_size, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Adds a record. Blocks while several batches wait for the worker. Returns false if the inbox
    /// is closed: the worker has panicked, or the reader was abandoned.
    pub(super) fn put(&self, record: T) -> bool {
        let mut state = self.lock();
        while !state.closed && state.waiting.len() >= self.batch_size * BATCHES {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return false;
        }
        state.waiting.push_back(record);
        if state.waiting.len() == self.batch_size {
            self.changed.notify_all();
        }
        true
    }

    /// Closes the inbox: no record follows.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Returns whether the inbox is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Returns the next records, at most a batch of them; `None` at the end.
    pub(super) fn take(&self) -> Option<Vec<T>> {
        let mut state = self.lock();
        let mut waited = false;
        while !state.closed
            && state.waiting.len() < self.batch_size
            && (state.waiting.is_empty() || !waited)
        {
            let (next, timeout) =
                self.changed.wait_timeout(state, LATEST).unwrap_or_else(PoisonError::into_inner);
            state = next;
            waited = timeout.timed_out();
        }
        let full = state.waiting.len() >= self.batch_size * BATCHES;
        let length = state.waiting.len().min(self.batch_size);
        let batch: Vec<T> = state.waiting.drain(..length).collect();
        drop(state);
        if full {
            self.changed.notify_all();
        }
        (!batch.is_empty()).then_some(batch)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn records_come_out_in_order_and_in_batches() {
        let inbox = Inbox::new(10);
        let taken = thread::scope(|scope| {
            let reader = scope.spawn(|| std::iter::from_fn(|| inbox.take()).collect::<Vec<_>>());
            assert!((0..1005).all(|number| inbox.put(number)));
            inbox.close();
            reader.join().unwrap()
        });
        assert!(taken.iter().all(|batch| batch.len() <= 10));
        assert_eq!(taken.concat(), (0..1005).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_that_does_not_fill_is_handed_over_all_the_same() {
        let inbox = Inbox::new(100);
        assert!(inbox.put("JFK"));
        assert_eq!(inbox.take().unwrap(), ["JFK"]);
    }

    #[test]
    fn a_writer_is_not_held_by_an_inbox_that_is_closed() {
        let inbox = Inbox::new(1);
        thread::scope(|scope| {
            let writer = scope.spawn(|| (0..100).all(|number| inbox.put(number)));
            inbox.close();
            assert!(!writer.join().unwrap(), "an inbox of four batches of one took a hundred");
        });
        assert!(inbox.is_closed());
        while inbox.take().is_some() {}
    }

    #[test]
    fn no_more_than_four_batches_wait() {
        let inbox = Inbox::new(2);
        thread::scope(|scope| {
            scope.spawn(|| assert!((0..100).all(|number| inbox.put(number))));
            let mut next = 0;
            while next < 100 {
                assert!(inbox.lock().waiting.len() <= 8);
                next += inbox.take().unwrap().len();
            }
        });
    }
}
