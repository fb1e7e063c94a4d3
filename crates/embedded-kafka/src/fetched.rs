//! The memory of records that were read for consumers and are not sent yet.
//!
//! A consumer that asks for much and reads its responses slowly, or never, keeps the records in
//! memory. (Kafka sends from the page cache and keeps nothing.) So fetches share one allowance: the
//! more of it is in use, the fewer bytes a single response has. A consumer notices only that it
//! fetches more often. No fetch is ever rejected, or waits for another one to read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// The bytes that all responses together take before each is limited to the minimum.
const SHARED: usize = 128 << 20;

/// The share of the remaining bytes that one fetch may take.
const SHARE: usize = 4;

/// The bytes that a fetch may always return: a batch of the usual largest size.
const LEAST: usize = 1 << 20;

/// The bytes that are in memory for consumers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fetched {
    in_memory: Arc<AtomicUsize>,
}

/// Bytes that count as being in memory, until this is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    bytes: usize,
    of: Fetched,
}

struct CountedRecords {
    records: Bytes,
    _counted: Counted,
}

impl AsRef<[u8]> for CountedRecords {
    fn as_ref(&self) -> &[u8] {
        &self.records
    }
}

impl Fetched {
    /// Reserves up to `wanted` bytes for a fetch that is about to read.
    pub(crate) fn set_aside(&self, wanted: usize) -> Counted {
        let in_memory = self.in_memory.load(Ordering::Relaxed);
        let share = (SHARED.saturating_sub(in_memory) / SHARE).max(LEAST);
        self.count(wanted.min(share))
    }

    /// Counts records for as long as they are in memory.
    pub(crate) fn keep_count(&self, records: Bytes) -> Bytes {
        if records.is_empty() {
            return records;
        }
        let counted = self.count(records.len());
        Bytes::from_owner(CountedRecords { records, _counted: counted })
    }

    fn count(&self, bytes: usize) -> Counted {
        self.in_memory.fetch_add(bytes, Ordering::Relaxed);
        Counted { bytes, of: self.clone() }
    }
}

impl Counted {
    /// Returns how many bytes were reserved.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.of.in_memory.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_is_in_memory_the_less_a_fetch_returns_and_never_nothing() {
        let fetched = Fetched::default();
        assert_eq!(fetched.set_aside(1000).bytes(), 1000);
        assert_eq!(fetched.set_aside(usize::MAX).bytes(), SHARED / SHARE);
        let half = fetched.count(SHARED / 2);
        assert_eq!(fetched.set_aside(usize::MAX).bytes(), SHARED / SHARE / 2);
        let more_than_all = fetched.count(SHARED);
        assert_eq!(fetched.set_aside(usize::MAX).bytes(), LEAST);
        drop((half, more_than_all));
        assert_eq!(fetched.set_aside(usize::MAX).bytes(), SHARED / SHARE);
    }

    #[test]
    fn records_count_until_the_last_reference_is_gone() {
        let fetched = Fetched::default();
        let records = fetched.keep_count(Bytes::from(vec![7; 100]));
        let other = records.slice(10..20);
        drop(records);
        assert_eq!(fetched.in_memory.load(Ordering::Relaxed), 100);
        assert_eq!(other, [7; 10][..]);
        drop(other);
        assert_eq!(fetched.in_memory.load(Ordering::Relaxed), 0);
    }
}
