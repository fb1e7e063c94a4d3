//! Counts the outcomes of the records, each record once.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// The outcomes of the records that were read from an input. Each is in exactly one of `delivered`,
/// `failed`, `skipped`, `not_sent` and `still_queued`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonSummary {
    /// Records whose delivery was reported.
    pub delivered: u64,
    /// Valid records that did not arrive: their failure was reported, or the client rejected every
    /// attempt to queue them. That is final.
    pub failed: u64,
    /// Records that can never be sent: not a JSON object, or larger than `message.max.bytes`.
    pub skipped: u64,
    /// Records that were read but not sent, because the cluster accepted none of those before them
    /// for the whole flush limit after Ctrl-C or SIGTERM, or because of a second signal.
    pub not_sent: u64,
    /// Records without a report at the flush limit.
    pub still_queued: u64,
    /// How many of all these took more than one attempt to queue, each counted once.
    pub retried: u64,
    /// Whether Ctrl-C or SIGTERM ended the send: the input may hold more records.
    pub interrupted: bool,
}

impl JsonSummary {
    /// Returns how many records were read from the input. After an interruption, these are the
    /// first ones.
    pub fn records(&self) -> u64 {
        self.delivered + self.failed + self.skipped + self.not_sent + self.still_queued
    }

    /// Returns whether the whole input was read and every record of it was delivered.
    pub fn all_delivered(&self) -> bool {
        !self.interrupted && self.delivered == self.records()
    }

    /// Adds two summaries.
    pub(super) fn and(self, other: JsonSummary) -> JsonSummary {
        JsonSummary {
            delivered: self.delivered + other.delivered,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
            not_sent: self.not_sent + other.not_sent,
            still_queued: self.still_queued + other.still_queued,
            retried: self.retried + other.retried,
            interrupted: self.interrupted || other.interrupted,
        }
    }
}

impl fmt::Display for JsonSummary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let JsonSummary { delivered, failed, skipped, retried, .. } = self;
        write!(
            out,
            "{delivered} delivered, {failed} failed, {skipped} skipped, {retried} retried"
        )?;
        for (count, what) in [(self.not_sent, "not sent"), (self.still_queued, "still queued")] {
            if count > 0 {
                write!(out, ", {count} {what}")?;
            }
        }
        if self.interrupted {
            write!(out, "; stopped after {} records of the input", self.records())?;
        }
        Ok(())
    }
}

/// The counts of one worker. Its records carry them to their delivery reports, so that several
/// inputs can be sent at once with one producer, and workers do not wait for one another to count.
#[derive(Debug, Default)]
pub(super) struct Counts {
    delivered: AtomicU64,
    failed: AtomicU64,
    queued: AtomicU64,
    skipped: AtomicU64,
    not_sent: AtomicU64,
    retried: AtomicU64,
    /// Returns the bytes of all settled records, for a progress bar.
    settled_bytes: AtomicU64,
}

impl Counts {
    /// Counts a record that the client has queued.
    pub(super) fn queued(&self) {
        self.queued.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the report on a queued record.
    pub(super) fn reported(&self, delivered: bool, bytes: usize) {
        let count = if delivered { &self.delivered } else { &self.failed };
        self.settled_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        count.fetch_add(1, Ordering::Release);
    }

    /// Counts a record that the client rejected in every attempt.
    pub(super) fn refused(&self) {
        self.queued();
        self.reported(false, 0);
    }

    pub(super) fn skipped(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn not_sent(&self) {
        self.not_sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn settled_bytes(&self) -> u64 {
        self.settled_bytes.load(Ordering::Relaxed)
    }

    /// Returns the current counts. They are consistent only after the worker has ended.
    pub(super) fn summary(&self) -> JsonSummary {
        let delivered = self.delivered.load(Ordering::Acquire);
        let failed = self.failed.load(Ordering::Acquire);
        let queued = self.queued.load(Ordering::Relaxed);
        JsonSummary {
            delivered,
            failed,
            skipped: self.skipped.load(Ordering::Relaxed),
            not_sent: self.not_sent.load(Ordering::Relaxed),
            still_queued: queued.saturating_sub(delivered + failed),
            retried: self.retried.load(Ordering::Relaxed),
            interrupted: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_reads_as_a_sentence() {
        let whole = JsonSummary { delivered: 7882, skipped: 2, retried: 5, ..Default::default() };
        assert_eq!(whole.to_string(), "7882 delivered, 0 failed, 2 skipped, 5 retried");
        let stopped =
            JsonSummary { delivered: 10, not_sent: 3, interrupted: true, ..Default::default() };
        assert_eq!(
            stopped.to_string(),
            "10 delivered, 0 failed, 0 skipped, 0 retried, 3 not sent; stopped after 13 records of \
             the input"
        );
    }

    #[test]
    fn no_record_is_counted_twice() {
        let counts = Counts::default();
        for _ in 0..7 {
            counts.queued();
        }
        // One of them took two attempts, and was delivered.
        counts.retried();
        (0..4).for_each(|_| counts.reported(true, 10));
        counts.reported(false, 10);
        counts.refused();
        counts.skipped();
        counts.not_sent();
        let summary = counts.summary();
        let expected = JsonSummary {
            delivered: 4,
            failed: 2,
            skipped: 1,
            not_sent: 1,
            still_queued: 2,
            retried: 1,
            interrupted: false,
        };
        assert_eq!(summary, expected);
        assert_eq!(summary.records(), 10);
        assert!(!summary.all_delivered());
        assert_eq!(summary.and(summary).records(), 20);
    }
}
