//! Limits how often a repeated error is printed.
//!
//! While a cluster is unreachable, `recv` and `poll` return an error for every attempt to connect:
//! up to 19 per second for three brokers. Your program need not react: the client keeps trying by
//! itself.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::error::KafkaError;

use crate::advice::advice;

/// How many different errors are tracked.
const KINDS: usize = 32;

/// Decides which errors to print: each new one at once, and then at most one line per interval,
/// with a count.
///
/// ```no_run
/// # use std::time::Duration;
/// # use helpers::RepeatedErrors;
/// # async fn example(consumer: rdkafka::consumer::StreamConsumer) {
/// let mut errors = RepeatedErrors::new(Duration::from_secs(10));
/// # loop {
/// match consumer.recv().await {
///     Ok(message) => { /* process it */ }
///     Err(error) => if let Some(line) = errors.line(&error) { eprintln!("{line}") },
/// }
/// # }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RepeatedErrors {
    interval: Duration,
    kinds: BTreeMap<String, Kind>,
}

#[derive(Clone, Debug)]
struct Kind {
    printed: Instant,
    /// How many came since then.
    unprinted: usize,
}

impl RepeatedErrors {
    /// Allows one line for each different error per `interval`.
    pub fn new(interval: Duration) -> Self {
        RepeatedErrors { interval, kinds: BTreeMap::new() }
    }

    /// Counts an error; call it for each one. Returns what to print, if anything: the error, and
    /// what to do about it if its own text does not say ([`advice`]).
    pub fn line(&mut self, error: &KafkaError) -> Option<String> {
        let line = match advice(error) {
            Some(advice) => format!("{error}: {advice}"),
            None => error.to_string(),
        };
        self.line_at(line, Instant::now())
    }

    fn line_at(&mut self, error: String, now: Instant) -> Option<String> {
        if let Some(kind) = self.kinds.get_mut(&error) {
            kind.unprinted += 1;
            let quiet = now.duration_since(kind.printed);
            if quiet < self.interval {
                return None;
            }
            let unprinted = std::mem::take(&mut kind.unprinted);
            kind.printed = now;
            return Some(match unprinted {
                1 => error,
                times => format!("{error} ({times} times in {:.0} s)", quiet.as_secs_f32()),
            });
        }
        self.make_room();
        self.kinds.insert(error.clone(), Kind { printed: now, unprinted: 0 });
        Some(error)
    }

    /// Removes the one that was printed longest ago, if there are too many.
    fn make_room(&mut self) {
        if self.kinds.len() < KINDS {
            return;
        }
        let oldest = self.kinds.iter().min_by_key(|(_, kind)| kind.printed);
        if let Some(oldest) = oldest.map(|(error, _)| error.clone()) {
            self.kinds.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_at_once_and_then_counted() {
        let start = Instant::now();
        let mut errors = RepeatedErrors::new(Duration::from_secs(10));
        let mut at = |milliseconds, error: &str| {
            errors.line_at(error.to_owned(), start + Duration::from_millis(milliseconds))
        };
        assert_eq!(at(0, "down").as_deref(), Some("down"));
        assert_eq!(at(1, "denied").as_deref(), Some("denied"), "another one");
        for number in 1..190 {
            assert_eq!(at(number * 50, "down"), None);
        }
        assert_eq!(at(10_000, "down").as_deref(), Some("down (190 times in 10 s)"));
        assert_eq!(at(10_050, "down"), None);
        assert_eq!(at(60_000, "denied").as_deref(), Some("denied"), "once in a while is no repeat");
    }

    #[test]
    fn errors_that_are_all_different_do_not_pile_up() {
        let mut errors = RepeatedErrors::new(Duration::from_secs(10));
        for number in 0..10_000 {
            assert!(errors.line_at(number.to_string(), Instant::now()).is_some());
        }
        assert_eq!(errors.kinds.len(), KINDS);
    }
}
