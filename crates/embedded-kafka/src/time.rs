//! The one clock of the cluster. State machines never read it: their callers pass the time in.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch, as in every Kafka timestamp.
pub(crate) type Timestamp = i64;

/// Wall-clock milliseconds that never go back: a timeout cannot fire early because the machine's
/// clock was changed.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    /// The start in full precision: rounding to milliseconds before the sum would give another
    /// result.
    started_at: std::time::Duration,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let started_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_at }
    }

    pub(crate) fn now(&self) -> Timestamp {
        millis(self.started_at + self.started.elapsed())
    }
}

fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
