//! When to stop: at the first Ctrl-C or SIGTERM no more is read, and at the second nothing is waited for.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shared by the task that listens and the threads that work.
#[derive(Debug)]
pub(super) struct Stop {
    /// How often it was asked for.
    asked: AtomicU8,
    since: Mutex<Option<Instant>>,
    /// How long after the first time what was read may still be sent.
    limit: Duration,
}

impl Stop {
    pub(super) fn new(limit: Duration) -> Self {
        Stop { asked: AtomicU8::new(0), since: Mutex::new(None), limit }
    }

    /// Ctrl-C or SIGTERM, or nobody waits for the summary any more.
    pub(super) fn ask(&self) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get_or_insert_with(Instant::now);
        let asked = self.asked.load(Ordering::Relaxed);
        self.asked.store(asked.saturating_add(1), Ordering::Relaxed);
    }

    /// Whether no more is to be read.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed) > 0
    }

    /// Whether nothing is to be waited for any more.
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
