//! Opening a log: at once where it was closed in order, after a check where it was not.
//!
//! After a clean shutdown the directory says how far the last segment went, and no batch is read.
//! Otherwise the process was killed: what it had written is there, except that the last write may be
//! torn. The last segment is read from its start with every CRC, cut behind the last valid batch,
//! and its indexes are built again. Earlier segments were complete before a later one began.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use uuid::Uuid;

use crate::time::Timestamp;

use super::batch::{BatchHeader, has_valid_crc};
use super::epochs::LeaderEpochs;
use super::files::{OpenFiles, TEMPORARY_SUFFIX, read_if_there, remove_if_there, replace};
use super::index::{IndexEntry, OffsetEntry, SparseIndex, TimeEntry, read_entry};
use super::producers::Producers;
use super::scan::Scan;
use super::segment::{
    INDEX_SUFFIX, LOG_SUFFIX, SNAPSHOT_SUFFIX, Segment, SegmentSummary, TIME_INDEX_SUFFIX,
    file_name,
};
use super::{Log, LogError, LogSettings, identity};

/// The file that says that the log was closed in order.
const CLEAN_FILE: &str = "clean-shutdown";
/// The file that holds the log start offset, once records were deleted.
const START_OFFSET_FILE: &str = "log-start-offset";

/// What opening a log found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recovery {
    /// Whether the log was closed in order, or never written to.
    pub(crate) was_clean: bool,
    /// Bytes that were cut off behind the last valid batch.
    pub(crate) cut_bytes: u64,
    /// Segments whose indexes were built again.
    pub(crate) rebuilt_indexes: usize,
}

/// How the last segment stood when the log was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CleanMark {
    base_offset: i64,
    end_offset: i64,
    summary: SegmentSummary,
}

/// The offsets that file names in a partition's directory begin with.
#[derive(Default)]
struct Listing {
    logs: BTreeSet<i64>,
    snapshots: BTreeSet<i64>,
}

impl Log {
    /// Opens the log in `directory`, which need not exist, and recovers it where needed.
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
            is_marked_clean: false,
            directory,
        };
        let listing = list(&log.directory)?;
        let mut recovery = Recovery {
            was_clean: true,
            ..Recovery::default()
        };
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
        self.start_offset = load_start_offset(&self.directory)?
            .unwrap_or(bases[0])
            .max(bases[0]);
        for base_offset in &bases {
            self.segments.push(Segment::empty(
                &self.directory,
                *base_offset,
                &self.files,
                now,
            ));
        }
        let mark = CleanMark::load(&self.directory)?;
        recovery.was_clean = self.open_clean(mark, *bases.last().unwrap_or(&0))?;
        for index in 0..self.segments.len() - 1 {
            let is_intact = self.open_sealed(index, recovery.was_clean)?;
            recovery.rebuilt_indexes += usize::from(!is_intact);
        }
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

    /// A log that was cut below its start begins where it ends.
    pub(super) fn keep_start_below_end(&mut self) -> io::Result<()> {
        if self.start_offset > self.end_offset {
            self.save_start_offset(self.end_offset)?;
            self.start_offset = self.end_offset;
        }
        Ok(())
    }

    /// Takes the last segment over as the mark describes it; answers whether that was possible.
    fn open_clean(&mut self, mark: Option<CleanMark>, base_offset: i64) -> io::Result<bool> {
        let Some(mark) = mark.filter(|mark| mark.base_offset == base_offset) else {
            return Ok(false);
        };
        let name = |suffix| self.directory.join(file_name(base_offset, suffix));
        if length_of(&name(LOG_SUFFIX))? != Some(mark.summary.size) {
            return Ok(false);
        }
        let active = self.segments.last_mut().expect("the log has segments");
        let (Some(offsets), Some(times)) = (
            length_of(&name(INDEX_SUFFIX))?,
            length_of(&name(TIME_INDEX_SUFFIX))?,
        ) else {
            return Ok(false);
        };
        let Some((offsets, times)) = load_indexes(active, offsets, times)? else {
            return Ok(false);
        };
        active.restore(mark.summary, offsets, times);
        self.end_offset = mark.end_offset;
        Ok(true)
    }

    /// Takes over a segment that no longer grows; answers whether its indexes were intact.
    ///
    /// After a clean shutdown their sizes are enough, otherwise the last entries are looked at.
    fn open_sealed(&mut self, index: usize, was_clean: bool) -> io::Result<bool> {
        let base_offset = self.segments[index].base_offset();
        let name = |suffix| self.directory.join(file_name(base_offset, suffix));
        let size = length_of(&name(LOG_SUFFIX))?.unwrap_or(0);
        let lengths = (
            length_of(&name(INDEX_SUFFIX))?,
            length_of(&name(TIME_INDEX_SUFFIX))?,
        );
        let next_base = self.segments[index + 1].base_offset();
        let segment = &mut self.segments[index];
        let summary = SegmentSummary {
            size,
            max_timestamp: None,
            first_timestamp: None,
        };
        if let (Some(offsets), Some(times)) = lengths
            && offsets % OffsetEntry::SIZE as u64 == 0
            && times % TimeEntry::SIZE as u64 == 0
        {
            let (offsets, times) = if was_clean {
                let offsets = offsets / OffsetEntry::SIZE as u64;
                let times = times / TimeEntry::SIZE as u64;
                (
                    SparseIndex::from_file(offsets, None),
                    SparseIndex::from_file(times, None),
                )
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
        rebuild(segment, interval, Depth::Headers, None, |_| {})?;
        segment.flush_indexes()?;
        segment.seal();
        Ok(false)
    }

    /// Reads the last segment, up to the batch that holds `end_offset` if one is given, cuts off
    /// what is behind, and brings epochs, producers and the end offset up to date. Answers how many
    /// bytes were cut.
    pub(super) fn rebuild_active(&mut self, end_offset: Option<i64>) -> io::Result<u64> {
        let interval = self.settings.index_interval_bytes;
        let active = self.segments.last_mut().expect("the log has segments");
        let depth = if end_offset.is_some() {
            Depth::Headers
        } else {
            Depth::Crc
        };
        let (epochs, producers) = (&mut self.epochs, &mut self.producers);
        let mut next_offset = active.base_offset();
        let mut has_news = false;
        let before = rebuild(active, interval, depth, end_offset, |header| {
            has_news |= epochs.assign(header.leader_epoch, header.base_offset);
            producers.update(header);
            next_offset = header.last_offset() + 1;
        })?;
        let cut_bytes = before - active.size();
        if cut_bytes > 0 {
            active.cut_file()?;
        }
        self.end_offset = next_offset;
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
        for segment in self.segments[first..]
            .iter()
            .filter(|one| one.base_offset() < offset)
        {
            let view = segment.view(segment.start_for(replay_from.max(segment.base_offset())));
            let file = view.files.log.open()?;
            let mut scan = Scan::headers(file, view.position()?, segment.size());
            while let Some((_, header)) = scan.next()? {
                if header.base_offset >= replay_from && header.last_offset() < offset {
                    self.producers.update(&header);
                }
            }
        }
        Ok(())
    }

    /// Brings the producers to where they were before the batch at `offset`.
    pub(super) fn rewind_producers(&mut self, offset: i64) -> io::Result<()> {
        let snapshots = list(&self.directory)?.snapshots;
        for outdated in snapshots.range(offset + 1..) {
            remove_if_there(&self.directory.join(file_name(*outdated, SNAPSHOT_SUFFIX)))?;
        }
        self.restore_producers(&snapshots, offset)
    }

    /// Must come before every change of the files: from here on a start has to look closely.
    pub(super) fn begin_change(&mut self) -> io::Result<()> {
        if self.is_marked_clean {
            remove_if_there(&self.directory.join(CLEAN_FILE))?;
            self.is_marked_clean = false;
        }
        Ok(())
    }

    /// Closes the log in order, so that the next start reads no batch. It may still be used.
    ///
    /// # Errors
    /// When indexes or snapshot cannot be written. The log is as complete as after a kill then.
    pub(crate) fn close(&mut self) -> Result<(), LogError> {
        if let Some(active) = self.segments.last_mut()
            && !self.is_marked_clean
        {
            active.flush_indexes()?;
            let mark = CleanMark {
                base_offset: active.base_offset(),
                end_offset: self.end_offset,
                summary: active.summary(),
            };
            self.save_producers()?;
            mark.save(&self.directory)?;
            self.is_marked_clean = true;
        }
        for segment in &self.segments {
            segment.close();
        }
        Ok(())
    }

    /// Writes a snapshot at the end of the log and removes those that belong to no segment.
    fn save_producers(&self) -> io::Result<()> {
        self.producers.save(&self.directory, self.end_offset)?;
        for offset in list(&self.directory)?.snapshots {
            let is_base = self
                .segments
                .iter()
                .any(|segment| segment.base_offset() == offset);
            if !is_base && offset != self.end_offset {
                remove_if_there(&self.directory.join(file_name(offset, SNAPSHOT_SUFFIX)))?;
            }
        }
        Ok(())
    }

    pub(super) fn save_start_offset(&self, start_offset: i64) -> io::Result<()> {
        replace(
            &self.directory.join(START_OFFSET_FILE),
            start_offset.to_string().as_bytes(),
        )
    }
}

impl CleanMark {
    fn load(directory: &Path) -> io::Result<Option<Self>> {
        let contents = read_if_there(&directory.join(CLEAN_FILE))?;
        Ok(contents.and_then(|contents| Self::decode(&contents)))
    }

    fn save(&self, directory: &Path) -> io::Result<()> {
        let SegmentSummary {
            size,
            max_timestamp,
            first_timestamp,
        } = self.summary;
        // Nothing has the smallest of all timestamps: it stands for "none".
        let (timestamp, relative_offset) =
            max_timestamp.map_or((i64::MIN, 0), |max| (max.timestamp, max.relative_offset));
        let first = first_timestamp.unwrap_or(i64::MIN);
        let Self {
            base_offset,
            end_offset,
            ..
        } = self;
        let text =
            format!("1 {base_offset} {end_offset} {size} {timestamp} {relative_offset} {first}\n");
        replace(&directory.join(CLEAN_FILE), text.as_bytes())
    }

    fn decode(contents: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(contents).ok()?;
        let numbers: Option<Vec<i64>> = text
            .split_whitespace()
            .map(|word| word.parse().ok())
            .collect();
        let [
            1,
            base_offset,
            end_offset,
            size,
            timestamp,
            relative_offset,
            first,
        ] = numbers?[..]
        else {
            return None;
        };
        let relative_offset = u32::try_from(relative_offset).ok()?;
        let max_timestamp = (timestamp != i64::MIN).then_some(TimeEntry {
            timestamp,
            relative_offset,
        });
        Some(Self {
            base_offset,
            end_offset,
            summary: SegmentSummary {
                size: u64::try_from(size).ok()?,
                max_timestamp,
                first_timestamp: (first != i64::MIN).then_some(first),
            },
        })
    }
}

/// How closely batches are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Headers,
    Crc,
}

/// Builds a segment's indexes from its log file up to the first thing that is no valid batch, or
/// the batch that holds `end_offset`. Answers how long the file is.
fn rebuild(
    segment: &mut Segment,
    index_interval: u64,
    depth: Depth,
    end_offset: Option<i64>,
    mut on_batch: impl FnMut(&BatchHeader),
) -> io::Result<u64> {
    segment.reset()?;
    let file = segment.files().log.open()?;
    let length = file.metadata()?.len();
    let mut scan = match depth {
        Depth::Headers => Scan::headers(file, 0, length),
        Depth::Crc => Scan::batches(file, 0, length),
    };
    let mut next_offset = segment.base_offset();
    while let Some((position, header)) = scan.next()? {
        let relative_end = header.last_offset().saturating_sub(segment.base_offset());
        let is_in_order = header.base_offset >= next_offset
            && header.last_offset_delta >= 0
            && relative_end <= i64::from(i32::MAX);
        let is_behind = end_offset.is_some_and(|end| header.last_offset() >= end);
        if !is_in_order || is_behind {
            break;
        }
        if depth == Depth::Crc && !has_valid_crc(&header, scan.batch(position, &header)?) {
            break;
        }
        next_offset = header.last_offset() + 1;
        segment.note(&header, index_interval);
        segment.flush_full_groups();
        on_batch(&header);
    }
    Ok(length)
}

type Indexes = (SparseIndex<OffsetEntry>, SparseIndex<TimeEntry>);

/// The indexes of a segment whose files have these lengths, `None` if they cannot be right.
fn load_indexes(segment: &Segment, offsets: u64, times: u64) -> io::Result<Option<Indexes>> {
    let offsets = load_index(&segment.files().index, offsets)?;
    let times = load_index(&segment.files().time_index, times)?;
    Ok(offsets.zip(times))
}

fn load_index<E: IndexEntry>(
    file: &Arc<super::files::LogFile>,
    length: u64,
) -> io::Result<Option<SparseIndex<E>>> {
    let entries = length / E::SIZE as u64;
    if length % E::SIZE as u64 != 0 {
        return Ok(None);
    }
    let last = match entries.checked_sub(1) {
        Some(last) => Some(read_entry(&*file.open()?, last)?),
        None => None,
    };
    Ok(Some(SparseIndex::from_file(entries, last)))
}

fn load_start_offset(directory: &Path) -> io::Result<Option<i64>> {
    let contents = read_if_there(&directory.join(START_OFFSET_FILE))?;
    Ok(contents.and_then(|contents| std::str::from_utf8(&contents).ok()?.trim().parse().ok()))
}

fn length_of(path: &Path) -> io::Result<Option<u64>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Lists a partition's files, and removes what a killed process was writing or removing.
fn list(directory: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(listing),
        entries => entries?,
    };
    let mut indexes = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.ends_with(TEMPORARY_SUFFIX) {
            remove_if_there(&directory.join(name))?;
            continue;
        }
        let Some((offset, suffix)) = name.split_once('.') else {
            continue;
        };
        let Ok(offset) = offset.parse::<i64>() else {
            continue;
        };
        match suffix {
            LOG_SUFFIX => _ = listing.logs.insert(offset),
            SNAPSHOT_SUFFIX => _ = listing.snapshots.insert(offset),
            INDEX_SUFFIX | TIME_INDEX_SUFFIX => indexes.push((offset, name.to_owned())),
            _ => {}
        }
    }
    for (offset, name) in indexes {
        if !listing.logs.contains(&offset) {
            remove_if_there(&directory.join(name))?;
        }
    }
    Ok(listing)
}
