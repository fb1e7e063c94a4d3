//! The one clock of the cluster. State machines never read it: they are told the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch, as in every Kafka timestamp.
pub(crate) type Timestamp = i64;

/// Wall-clock milliseconds that never go back: a time-out cannot fire early because somebody set
/// the machine's clock.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    /// Since the epoch, and not yet in whole milliseconds: those of a sum are not the sum of those.
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
