//! Errors that come again and again, printed once in a while.
//!
//! While a cluster is away, `recv` and `poll` return an error at every try to connect: up to 19 each
//! second for three brokers. Each is true, and none needs an answer: the client goes on by itself.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::error::KafkaError;

use crate::advice::advice;

/// How many different errors are told apart.
const KINDS: usize = 32;

/// Decides which errors are worth a line: each different one at once, and then no more than one line
/// in each interval, which says how many there were.
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
    told: Instant,
    /// How many came since.
    untold: usize,
}

impl RepeatedErrors {
    /// One line for each different error in each `interval`.
    pub fn new(interval: Duration) -> Self {
        RepeatedErrors { interval, kinds: BTreeMap::new() }
    }

    /// To be called for each error. Returns what to print, if anything: the error, and what to do
    /// about it where its own text does not say ([`advice`]).
    pub fn line(&mut self, error: &KafkaError) -> Option<String> {
        let line = match advice(error) {
            Some(advice) => format!("{error}: {advice}"),
            None => error.to_string(),
        };
        self.line_at(line, Instant::now())
    }

    fn line_at(&mut self, error: String, now: Instant) -> Option<String> {
        if let Some(kind) = self.kinds.get_mut(&error) {
            kind.untold += 1;
            let quiet = now.duration_since(kind.told);
            if quiet < self.interval {
                return None;
            }
            let untold = std::mem::take(&mut kind.untold);
            kind.told = now;
            return Some(match untold {
                1 => error,
                times => format!("{error} ({times} times in {:.0} s)", quiet.as_secs_f32()),
            });
        }
        self.make_room();
        self.kinds.insert(error.clone(), Kind { told: now, untold: 0 });
        Some(error)
    }

    /// Forgets the one that was told longest ago, where there are too many.
    fn make_room(&mut self) {
        if self.kinds.len() < KINDS {
            return;
        }
        let oldest = self.kinds.iter().min_by_key(|(_, kind)| kind.told);
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
