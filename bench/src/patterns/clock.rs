//! The time that a kind of work takes, and the time that it may take.

use std::time::{Duration, Instant};

/// How long the last records may take.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// Counts the time from the first record on: joining a group takes as long as the broker lets it.
#[derive(Debug, Default)]
pub(super) struct Clock(Option<Instant>);

impl Clock {
    pub(super) fn start(&mut self) {
        self.0.get_or_insert_with(Instant::now);
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.0.map(|start| start.elapsed()).unwrap_or_default()
    }
}
