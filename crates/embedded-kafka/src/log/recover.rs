//! Opening a log: at once after a clean shutdown, after a check otherwise.
//!
//! After a clean shutdown the directory records the end of the last segment, and no batch is read.
//! Otherwise the process was killed: its writes are there, except that the last one may be torn.
//! Recovery reads the last segment from its start with every CRC, truncates it after the last valid
//! batch, and rebuilds its indexes. Earlier segments were complete before a later one began.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use crate::time::Timestamp;

use super::aborted::AbortedTransactions;
use super::cleaner::{Cleaned, finish_swaps};
use super::directory::{Listing, length_of, list, load_start_offset, save_start_offset};
use super::epochs::LeaderEpochs;
use super::files::{OpenFiles, read_at, remove_if_there};
use super::index::{IndexEntry, OffsetEntry, SparseIndex, TimeEntry};
use super::producers::Producers;
use super::rebuild::{Depth, load_indexes, rebuild};
use super::scan::Scan;
use super::segment::{Segment, SegmentSummary};
use super::shutdown::{CLEAN_FILE, CleanMark};
use super::view::{INDEX_SUFFIX, LOG_SUFFIX, SNAPSHOT_SUFFIX, TIME_INDEX_SUFFIX, file_name};
use super::{Log, LogError, LogSettings, identity};

/// The findings of opening a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recovery {
    /// Tells whether the log was closed in order, or never written to.
    pub(crate) was_clean: bool,
    /// Bytes that were truncated after the last valid batch.
    pub(crate) cut_bytes: u64,
    /// Segments whose indexes were rebuilt.
    pub(crate) rebuilt_indexes: usize,
}

impl Log {
    /// Opens the log in `directory`, which need not exist, and recovers it if needed.
    ///
    /// # Errors
    /// When files cannot be read or written, or belong to another topic.
    pub(crate) fn open(
        directory: PathBuf,
        settings: LogSettings,
        topic_id: Uuid,
        files: &Arc<OpenFiles>,
        now: Timestamp,
    ) -> Result<(Self, Recovery), LogError> {
        identity::check_topic(&directory, topic_id)?;
        let mut log = Self {
            topic_id,
            settings,
            files: Arc::clone(files),
            segments: Vec::new(),
            start_offset: 0,
            end_offset: 0,
            epochs: LeaderEpochs::load(&directory)?,
            producers: Producers::default(),
            aborted: AbortedTransactions::default(),
            is_transaction_index_behind: false,
            is_marked_clean: false,
            cleaned: Cleaned::load(&directory)?,
            directory,
        };
        finish_swaps(&log.directory)?;
        let listing = list(&log.directory)?;
        let mut recovery = Recovery { was_clean: true, ..Recovery::default() };
        if !listing.logs.is_empty() {
            log.open_segments(&listing, &mut recovery, now)?;
        }
        Ok((log, recovery))
    }

    fn open_segments(
        &mut self,
        listing: &Listing,
        recovery: &mut Recovery,
        now: Timestamp,
    ) -> io::Result<()> {
        let bases: Vec<i64> = listing.logs.iter().copied().collect();
        self.start_offset = load_start_offset(&self.directory)?.unwrap_or(bases[0]).max(bases[0]);
        for base_offset in &bases {
            self.segments.push(Segment::empty(&self.directory, *base_offset, &self.files, now));
        }
        if let Some(active) = self.segments.last_mut() {
            active.draw_jitter(&self.settings);
        }
        let mark = CleanMark::load(&self.directory)?;
        recovery.was_clean = self.open_clean(mark, *bases.last().unwrap_or(&0))?;
        for index in 0..self.segments.len() - 1 {
            let is_intact = self.open_sealed(index, recovery.was_clean)?;
            recovery.rebuilt_indexes += usize::from(!is_intact);
        }
        self.restore_gaps()?;
        recovery.rebuilt_indexes += self.restore_aborted(listing, recovery.was_clean)?;
        if recovery.was_clean {
            self.restore_producers(&listing.snapshots, self.end_offset)?;
        } else {
            remove_if_there(&self.directory.join(CLEAN_FILE))?;
            let base_offset = self.segments[self.segments.len() - 1].base_offset();
            self.restore_producers(&listing.snapshots, base_offset)?;
            recovery.cut_bytes = self.rebuild_active(None)?;
            recovery.rebuilt_indexes += 1;
        }
        self.is_marked_clean = recovery.was_clean;
        self.keep_start_below_end()?;
        if self.epochs.truncate_end(self.end_offset) {
            self.epochs.save(&self.directory)?;
        }
        self.drop_segments_below_start()
    }

    /// Moves the start of a log that was truncated below it to the log's end.
    pub(super) fn keep_start_below_end(&mut self) -> io::Result<()> {
        if self.start_offset > self.end_offset {
            save_start_offset(&self.directory, self.end_offset)?;
            self.start_offset = self.end_offset;
        }
        Ok(())
    }

    /// Takes the last segment over as the mark describes it. Returns whether that was possible.
    fn open_clean(&mut self, mark: Option<CleanMark>, base_offset: i64) -> io::Result<bool> {
        let Some(mark) = mark.filter(|mark| mark.base_offset == base_offset) else {
            return Ok(false);
        };
        let name = |suffix| self.directory.join(file_name(base_offset, suffix));
        if length_of(&name(LOG_SUFFIX))? != Some(mark.summary.size) {
            return Ok(false);
        }
        let active = self.segments.last_mut().expect("the log has segments");
        let (Some(offsets), Some(times)) =
            (length_of(&name(INDEX_SUFFIX))?, length_of(&name(TIME_INDEX_SUFFIX))?)
        else {
            return Ok(false);
        };
        let Some((offsets, times)) = load_indexes(active, offsets, times)? else {
            return Ok(false);
        };
        active.restore(mark.summary, offsets, times);
        self.end_offset = mark.end_offset;
        Ok(true)
    }

    /// Takes over a segment that no longer grows. Returns whether its indexes were intact.
    ///
    /// After a clean shutdown their sizes are enough, otherwise the last entries are checked.
    fn open_sealed(&mut self, index: usize, was_clean: bool) -> io::Result<bool> {
        let base_offset = self.segments[index].base_offset();
        let name = |suffix| self.directory.join(file_name(base_offset, suffix));
        let size = length_of(&name(LOG_SUFFIX))?.unwrap_or(0);
        let lengths = (length_of(&name(INDEX_SUFFIX))?, length_of(&name(TIME_INDEX_SUFFIX))?);
        let next_base = self.segments[index + 1].base_offset();
        let segment = &mut self.segments[index];
        let summary = SegmentSummary { size, max_timestamp: None, first_timestamp: None };
        if let (Some(offsets), Some(times)) = lengths
            && offsets.is_multiple_of(OffsetEntry::SIZE as u64)
            && times.is_multiple_of(TimeEntry::SIZE as u64)
        {
            let (offsets, times) = if was_clean {
                let offsets = offsets / OffsetEntry::SIZE as u64;
                let times = times / TimeEntry::SIZE as u64;
                (SparseIndex::from_file(offsets, None), SparseIndex::from_file(times, None))
            } else {
                match load_indexes(segment, offsets, times)? {
                    Some(loaded) => loaded,
                    None => return self.rebuild_sealed(index),
                }
            };
            let relative_end = next_base - base_offset;
            let is_sane = offsets.last().is_none_or(|last| {
                u64::from(last.position) < size && i64::from(last.relative_offset) < relative_end
            }) && times
                .last()
                .is_none_or(|last| i64::from(last.relative_offset) < relative_end);
            if is_sane {
                segment.restore(summary, offsets, times);
                return Ok(true);
            }
        }
        self.rebuild_sealed(index)
    }

    fn rebuild_sealed(&mut self, index: usize) -> io::Result<bool> {
        let interval = self.settings.index_interval_bytes;
        let segment = &mut self.segments[index];
        rebuild(segment, interval, Depth::Headers, None, |_, _| {})?;
        segment.flush_indexes()?;
        segment.seal();
        Ok(false)
    }

    /// Loads the indexes of aborted transactions, and rebuilds those that cannot be right; returns
    /// the number of rebuilt ones. That of the last segment is left to `Log::rebuild_active` after
    /// a kill.
    fn restore_aborted(&mut self, listing: &Listing, was_clean: bool) -> io::Result<usize> {
        let mut rebuilt = 0;
        for index in 0..self.segments.len() {
            let base_offset = self.segments[index].base_offset();
            let next = self.segments.get(index + 1).map(Segment::base_offset);
            let is_known = next.is_some() || was_clean;
            if !is_known || !listing.transaction_indexes.contains(&base_offset) {
                continue;
            }
            let end_offset = next.unwrap_or(self.end_offset);
            if !self.aborted.load(&self.directory, base_offset, end_offset)? {
                self.restore_producers(&listing.snapshots, base_offset)?;
                self.replay(index, base_offset, end_offset)?;
                self.aborted.save(&self.directory, base_offset)?;
                rebuilt += 1;
            }
        }
        Ok(rebuilt)
    }

    /// Reads the last segment, up to the batch that holds `end_offset` if one is given, truncates
    /// the rest, and brings epochs, producers, aborted transactions and the end offset up to date.
    /// Returns the number of bytes that were truncated.
    pub(super) fn rebuild_active(&mut self, end_offset: Option<i64>) -> io::Result<u64> {
        let interval = self.settings.index_interval_bytes;
        let active = self.segments.last_mut().expect("the log has segments");
        let depth = if end_offset.is_some() { Depth::Headers } else { Depth::Crc };
        let base_offset = active.base_offset();
        let (epochs, producers) = (&mut self.epochs, &mut self.producers);
        let aborted = &mut self.aborted;
        aborted.truncate_end(base_offset);
        let mut next_offset = base_offset;
        let mut has_news = false;
        let before = rebuild(active, interval, depth, end_offset, |header, marker| {
            has_news |= epochs.assign(header.leader_epoch, header.base_offset);
            if let Some(transaction) = producers.update(header, marker) {
                aborted.push(transaction);
            }
            next_offset = header.last_offset() + 1;
        })?;
        let cut_bytes = before - active.size();
        if cut_bytes > 0 {
            active.cut_file()?;
        }
        self.end_offset = next_offset;
        self.aborted.save(&self.directory, base_offset)?;
        self.is_transaction_index_behind = false;
        if has_news {
            self.epochs.save(&self.directory)?;
        }
        Ok(cut_bytes)
    }

    /// Loads the newest intact snapshot up to `offset`, and reads the batches from there to it.
    fn restore_producers(&mut self, snapshots: &BTreeSet<i64>, offset: i64) -> io::Result<()> {
        self.producers = Producers::default();
        let mut replay_from = i64::MIN;
        for snapshot in snapshots.range(..=offset).rev() {
            if let Some(producers) = Producers::load(&self.directory, *snapshot)? {
                self.producers = producers;
                replay_from = *snapshot;
                break;
            }
        }
        if replay_from == offset {
            return Ok(());
        }
        let first = self.segment_index(replay_from).unwrap_or(0);
        let known = self.aborted.clone();
        for index in first..self.segments.len() {
            self.replay(index, replay_from, offset)?;
        }
        self.aborted = known;
        Ok(())
    }

    /// Brings producers and aborted transactions up to date with a segment's batches between two
    /// offsets.
    fn replay(&mut self, index: usize, from: i64, to: i64) -> io::Result<()> {
        let segment = &self.segments[index];
        if segment.base_offset() >= to {
            return Ok(());
        }
        let view = segment.view(segment.start_for(from.max(segment.base_offset())));
        let mut scan = Scan::headers(view.log()?, view.position(read_at)?, segment.size());
        while let Some((position, header)) = scan.next()? {
            if header.base_offset >= from && header.last_offset() < to {
                let marker = scan.marker(position, &header)?;
                if let Some(transaction) = self.producers.update(&header, marker) {
                    self.aborted.push(transaction);
                }
            }
        }
        Ok(())
    }

    /// Restores the producers to their state before the batch at `offset`.
    pub(super) fn rewind_producers(&mut self, offset: i64) -> io::Result<()> {
        let snapshots = list(&self.directory)?.snapshots;
        for outdated in snapshots.range(offset + 1..) {
            remove_if_there(&self.directory.join(file_name(*outdated, SNAPSHOT_SUFFIX)))?;
        }
        self.restore_producers(&snapshots, offset)
    }
}
