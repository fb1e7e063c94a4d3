//! Compaction: keeps the last record of each key.
//!
//! Follows Kafka's cleaner. It reads the segments that have not been cleaned yet, to learn the
//! offset of each key's last record. Then it rewrites every segment up to there with the records
//! that are still valid, and the new segment takes the place of the old one. Offsets stay as they
//! are, and so there are gaps. The cleaner never touches the last segment, which grows.
//!
//! A [`Pass`] is created under the log's lock and works without it. It takes the lock again for a
//! moment whenever a new segment takes the place of old ones.

mod cleaned;
mod filter;
mod keys;
mod swap;
mod transactions;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::time::Timestamp;

use super::aborted::AbortedTransactions;
use super::files::{OpenFiles, read_at};
use super::scan::Scan;
use super::segment::Segment;
use super::view::{SegmentView, Start};
use super::{Log, LogSettings};

pub(super) use cleaned::Cleaned;
pub(crate) use swap::CleanedSegment;
pub(super) use swap::finish_swaps;

use filter::{Filter, LastBatch};
use keys::{Keys, check_end};
use transactions::CleanedTransactions;

/// The number of bytes of keys that a pass remembers. With more keys it cleans up to the offset
/// that it reached, and the next pass continues there.
const MOST_KEY_BYTES: usize = 64 << 20;

/// A segment as the cleaner reads it.
#[derive(Debug)]
struct Source {
    base_offset: i64,
    /// The base offset of the next segment.
    end_offset: i64,
    view: SegmentView,
    index_bytes: u64,
}

/// One cleaning of a log.
#[derive(Debug)]
pub(crate) struct Pass {
    directory: PathBuf,
    settings: LogSettings,
    files: Arc<OpenFiles>,
    sources: Vec<Source>,
    first_dirty: i64,
    /// The end of the pass: it touches nothing from this offset on.
    end_offset: i64,
    aborted: AbortedTransactions,
    last_batches: HashMap<i64, LastBatch>,
    now: Timestamp,
    most_key_bytes: usize,
}

impl Log {
    /// Returns the segments to clean below `stable_end`, the offset up to which everything is
    /// replicated and every transaction has ended. `None` if the log is not compacted or nothing is
    /// new.
    pub(crate) fn cleaning(&self, stable_end: i64, now: Timestamp) -> Option<Pass> {
        let first_dirty = self.cleaned.first_dirty.max(self.start_offset);
        let active = self.segments.last()?.base_offset();
        // A segment is cleaned when all of it is stable.
        let end_offset = self.segments[self.segment_index(active.min(stable_end))?].base_offset();
        if !self.settings.compacted || first_dirty >= end_offset {
            return None;
        }
        let sources = self.segments.iter().zip(&self.segments[1..]).map(|(segment, next)| Source {
            base_offset: segment.base_offset(),
            end_offset: next.base_offset(),
            view: segment.view(Start::Position(0)),
            index_bytes: segment.index_bytes(),
        });
        Some(Pass {
            directory: self.directory.clone(),
            settings: self.settings.clone(),
            files: Arc::clone(&self.files),
            sources: sources.collect(),
            first_dirty,
            end_offset,
            aborted: self.aborted.clone(),
            last_batches: LastBatch::of_all(&self.producers),
            now,
            most_key_bytes: MOST_KEY_BYTES,
        })
    }

    /// Persists the offset up to which segments will be cleaned, before the first one is.
    pub(crate) fn begin_cleaning(&mut self, end_offset: i64) -> io::Result<()> {
        let gaps_end = self.cleaned.gaps_end.max(end_offset);
        self.note_cleaned(Cleaned { gaps_end, ..self.cleaned })
    }

    /// Persists that the segments up to `end_offset` are clean.
    pub(crate) fn finish_cleaning(&mut self, end_offset: i64) -> io::Result<()> {
        swap::remove_scratch(&self.directory)?;
        let end_offset = end_offset.min(self.end_offset);
        self.note_cleaned(Cleaned { first_dirty: end_offset, ..self.cleaned })
    }

    fn note_cleaned(&mut self, cleaned: Cleaned) -> io::Result<()> {
        if cleaned != self.cleaned {
            cleaned.save(&self.directory)?;
            self.cleaned = cleaned;
        }
        Ok(())
    }

    /// Marks the log dirty from `end_offset` on, after a truncation.
    pub(super) fn cut_cleaned(&mut self, offset: i64) -> io::Result<()> {
        let first_dirty = self.cleaned.first_dirty.min(offset);
        self.note_cleaned(Cleaned { first_dirty, ..self.cleaned })
    }

    /// Finds the end of the records in the segments that may have gaps.
    pub(super) fn restore_gaps(&mut self) -> io::Result<()> {
        let sealed = self.segments.len().saturating_sub(1);
        for index in 0..sealed {
            let next = self.segments[index + 1].base_offset();
            let segment = &mut self.segments[index];
            if segment.base_offset() >= self.cleaned.gaps_end {
                break;
            }
            let view = segment.view(segment.start_for(next));
            let mut scan = Scan::headers(view.log()?, view.position(read_at)?, segment.size());
            let mut end_offset = segment.base_offset();
            while let Some((_, header)) = scan.next()? {
                end_offset = header.last_offset() + 1;
            }
            segment.set_compacted_end(Some(end_offset));
        }
        Ok(())
    }
}

impl Pass {
    /// Returns whether enough is dirty, or something has been dirty for too long. Sets the offset
    /// up to which records are old enough to be cleaned.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub(crate) fn is_due(&mut self) -> io::Result<bool> {
        self.leave_young()?;
        let size = |sources: &mut dyn Iterator<Item = &Source>| -> u64 {
            sources.map(|source| source.view.size()).sum()
        };
        let clean = size(&mut self.sources.iter().filter(|it| it.end_offset <= self.first_dirty));
        let dirty = size(&mut self.dirty());
        if dirty == 0 || self.end_offset <= self.first_dirty {
            return Ok(false);
        }
        Ok(dirty as f64 / (clean + dirty) as f64 > self.settings.min_dirty_ratio
            || self.is_overdue()?)
    }

    /// Excludes segments with records younger than `min.compaction.lag.ms`.
    fn leave_young(&mut self) -> io::Result<()> {
        let lag = self.settings.min_compaction_lag_ms;
        if lag > 0 {
            let least = self.now.saturating_sub(lag);
            let mut young = None;
            for source in self.dirty() {
                let largest = source.view.max_timestamp()?;
                if largest.is_some_and(|(timestamp, _)| timestamp > least) {
                    young = Some(source.base_offset);
                    break;
                }
            }
            self.end_offset = young.unwrap_or(self.end_offset);
        }
        Ok(())
    }

    /// Returns whether a dirty segment begins with a record older than `max.compaction.lag.ms`.
    fn is_overdue(&self) -> io::Result<bool> {
        let lag = self.settings.max_compaction_lag_ms;
        for source in self.dirty() {
            let mut scan = Scan::headers(source.view.log()?, 0, source.view.size());
            if let Some((_, header)) = scan.next()?
                && header.max_timestamp > 0
                && self.now.saturating_sub(header.max_timestamp) > lag
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the segments to read keys from.
    fn dirty(&self) -> impl Iterator<Item = &Source> {
        let (first, end) = (self.first_dirty, self.end_offset);
        self.sources.iter().filter(move |it| it.end_offset > first && it.base_offset < end)
    }

    /// Reads the keys, and returns the segments to write. `None` if it was stopped.
    ///
    /// # Errors
    /// When a segment cannot be read, or holds bytes that are no batch.
    pub(crate) fn prepare(self, is_stopped: &dyn Fn() -> bool) -> io::Result<Option<Cleaning>> {
        let mut keys = Keys::new(self.first_dirty, self.most_key_bytes);
        let mut transactions = CleanedTransactions::new(&self.aborted, self.end_offset);
        for source in self.dirty() {
            if keys.is_full() {
                break;
            }
            if !keys.read(&source.view, &mut transactions, is_stopped)? {
                return Ok(None);
            }
        }
        if !keys.is_full() {
            keys.finish(self.end_offset);
        }
        let end_offset = keys.end_offset();
        let groups = self.groups(end_offset);
        let transactions = CleanedTransactions::new(&self.aborted, end_offset);
        Ok(Some(Cleaning { keys, transactions, groups, pass: self }))
    }

    /// Groups the segments that begin below `end_offset`: each group has as many as fit into one
    /// new segment.
    fn groups(&self, end_offset: i64) -> VecDeque<Range<usize>> {
        let mut groups = VecDeque::<Range<usize>>::new();
        let (mut bytes, mut index_bytes) = (0, 0);
        let cleaned = self.sources.iter().take_while(|source| source.base_offset < end_offset);
        for (at, source) in cleaned.enumerate() {
            bytes += source.view.size();
            index_bytes += source.index_bytes;
            if let Some(group) = groups.back_mut() {
                let reach = source.end_offset - self.sources[group.start].base_offset;
                if bytes <= self.settings.segment_bytes
                    && index_bytes <= self.settings.index_max_bytes
                    && reach <= i64::from(i32::MAX)
                {
                    group.end = at + 1;
                    continue;
                }
            }
            (bytes, index_bytes) = (source.view.size(), source.index_bytes);
            groups.push_back(at..at + 1);
        }
        groups
    }
}

/// A pass that knows the keys, and writes one segment after the other.
#[derive(Debug)]
pub(crate) struct Cleaning {
    pass: Pass,
    keys: Keys,
    transactions: CleanedTransactions,
    groups: VecDeque<Range<usize>>,
}

impl Cleaning {
    /// Returns the offset that is cleaned up to, once all segments are.
    pub(crate) fn end_offset(&self) -> i64 {
        self.keys.end_offset()
    }

    /// Returns whether no segment is left to be written.
    pub(crate) fn is_done(&self) -> bool {
        self.groups.is_empty()
    }

    /// Writes the next segment, next to those that it will replace. `None` if none is left, or if
    /// it was stopped.
    ///
    /// # Errors
    /// When files cannot be read or written.
    pub(crate) fn next_segment(
        &mut self,
        is_stopped: &dyn Fn() -> bool,
    ) -> io::Result<Option<CleanedSegment>> {
        let Some(group) = self.groups.pop_front() else {
            return Ok(None);
        };
        let Pass { directory, settings, files, now, .. } = &self.pass;
        let sources = &self.pass.sources[group];
        let scratch = swap::scratch(directory)?;
        let mut written = Segment::create(&scratch, sources[0].base_offset, files, *now)?;
        let mut filter = Filter {
            keys: &self.keys,
            transactions: &mut self.transactions,
            last_batches: &self.pass.last_batches,
            delete_retention_ms: settings.delete_retention_ms,
            now: *now,
        };
        let mut end_offset = sources[0].base_offset;
        for source in sources {
            let mut scan = Scan::batches(source.view.log()?, 0, source.view.size());
            while let Some((position, header)) = scan.next()? {
                if is_stopped() {
                    return Ok(None);
                }
                if let Some((header, payload)) =
                    filter.apply(&header, scan.batch(position, &header)?)?
                {
                    written.append(&header, &payload, settings)?;
                    end_offset = header.last_offset() + 1;
                }
            }
            check_end(&scan)?;
        }
        written.flush_indexes()?;
        written.set_compacted_end(Some(end_offset));
        written.close();
        let views = sources.iter().map(|source| source.view.clone()).collect();
        Ok(Some(CleanedSegment::new(written, views)))
    }
}

#[cfg(test)]
mod tests;
