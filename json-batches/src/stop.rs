//! Stops the work: the first Ctrl-C or SIGTERM ends the reading, the second ends all waits.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The requests to stop, shared by the task that listens and the threads that work.
#[derive(Debug)]
pub(super) struct Stop {
    /// How many requests there were.
    asked: AtomicU8,
    since: Mutex<Option<Instant>>,
    /// How long after the first request what was read may still be sent.
    limit: Duration,
}

impl Stop {
    pub(super) fn new(limit: Duration) -> Self {
        Stop { asked: AtomicU8::new(0), since: Mutex::new(None), limit }
    }

    /// Requests a stop: at Ctrl-C, at SIGTERM, or when the future is dropped.
    pub(super) fn ask(&self) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get_or_insert_with(Instant::now);
        let asked = self.asked.load(Ordering::Relaxed);
        self.asked.store(asked.saturating_add(1), Ordering::Relaxed);
    }

    /// Returns whether to stop reading.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed) > 0
    }

    /// Returns whether to stop waiting.
    pub(super) fn is_pressing(&self) -> bool {
        match self.asked.load(Ordering::Relaxed) {
            0 => false,
            1 => {
                let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
                since.is_some_and(|since| since.elapsed() >= self.limit)
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_time_ends_reading_and_the_second_ends_waiting() {
        let stop = Stop::new(Duration::from_secs(600));
        assert!(!stop.is_asked() && !stop.is_pressing());
        stop.ask();
        assert!(stop.is_asked() && !stop.is_pressing());
        stop.ask();
        assert!(stop.is_pressing());
    }

    #[test]
    fn waiting_ends_when_the_limit_has_passed() {
        let stop = Stop::new(Duration::ZERO);
        assert!(!stop.is_pressing());
        stop.ask();
        assert!(stop.is_pressing());
    }
}
