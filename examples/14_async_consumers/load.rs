//! What the numbers are taken from: so many records, each with so long to wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

pub(crate) struct Load {
    pub(crate) records: usize,
    pub(crate) wait: Duration,
    begun: OnceLock<Instant>,
    done: AtomicUsize,
    before: Option<Footprint>,
    at_half: OnceLock<Option<Footprint>>,
    elapsed: watch::Sender<Option<Duration>>,
}

impl Load {
    pub(crate) fn new(records: usize, wait: Duration) -> Arc<Load> {
        let (begun, at_half) = (OnceLock::new(), OnceLock::new());
        let (done, elapsed) = (AtomicUsize::new(0), watch::Sender::new(None));
        Arc::new(Load { records, wait, begun, done, before: Footprint::now(), at_half, elapsed })
    }

    /// Counts a record; the first one starts the clock.
    pub(crate) fn begin(&self) {
        self.begun.get_or_init(Instant::now);
    }

    /// Counts a record that is done; the last one stops the clock.
    pub(crate) fn done(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if done == self.records / 2 {
            self.at_half.get_or_init(Footprint::now);
        }
        if done == self.records {
            let elapsed = self.begun.get().map(Instant::elapsed);
            self.elapsed.send_replace(Some(elapsed.unwrap_or_default()));
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.elapsed.borrow().is_some()
    }

    /// Waits until the last record is done.
    pub(crate) async fn over(&self) {
        // An error would mean that the sender was dropped, and it is in `self`.
        let _ = self.elapsed.subscribe().wait_for(Option::is_some).await;
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.elapsed.borrow().unwrap_or_default().as_secs_f64()
    }

    /// How much more memory the process used when half of the records were done, if the system
    /// reports it.
    pub(crate) fn taken(&self) -> Option<Footprint> {
        let (half, before) = (self.at_half.get().copied().flatten()?, self.before?);
        let threads = half.threads.saturating_sub(before.threads);
        Some(Footprint { threads, memory_kib: half.memory_kib.saturating_sub(before.memory_kib) })
    }
}

/// What a process takes from its system.
#[derive(Clone, Copy)]
pub(crate) struct Footprint {
    pub(crate) threads: usize,
    /// What is in memory, and not only reserved.
    pub(crate) memory_kib: usize,
}

impl Footprint {
    /// Linux has a file for it.
    fn now() -> Option<Footprint> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some(Footprint { threads: number("Threads:")?, memory_kib: number("VmRSS:")? })
    }
}
