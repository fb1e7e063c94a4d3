//! One segment of a log: a file of batches, and its two sparse indexes.
//!
//! The files are Kafka's, byte by byte: `00000000000000000042.log`, `.index` and `.timeindex`,
//! named by the offset of the first record. Only the last segment of a log grows. [`SegmentFiles`]
//! shares the state that readers need without the log's lock.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::time::Timestamp;

use super::batch::{BatchHeader, HEADER_SIZE, NO_TIMESTAMP};
use super::files::{OpenFiles, remove_if_there};
use super::index::{OffsetEntry, SparseIndex, TimeEntry};
use super::log_settings::LogSettings;
use super::view::{Indexed, SegmentFiles, SegmentView, Start};

/// The number of newest batches that are found without an index.
const NEWEST_BATCHES: usize = 128;

/// One segment of a log.
#[derive(Debug)]
pub(super) struct Segment {
    base_offset: i64,
    size: u64,
    files: Arc<SegmentFiles>,
    offsets: SparseIndex<OffsetEntry>,
    times: SparseIndex<TimeEntry>,
    bytes_since_entry: u64,
    /// The largest timestamp so far and the last offset of the batch that holds it.
    max_timestamp: Option<TimeEntry>,
    /// The largest timestamp of the first batch, from which `segment.ms` counts.
    first_timestamp: Option<Timestamp>,
    created: Timestamp,
    /// The number of ms by which it is closed early (`segment.jitter.ms`).
    jitter: Timestamp,
    /// Base offset and position of the newest batches, which consumers at the end of the log fetch.
    newest: VecDeque<(i64, u32)>,
    /// A failed write may have left bytes after the end.
    has_torn_tail: bool,
    /// The offset after the last record, if compaction has removed the records up to the next
    /// segment.
    compacted_end: Option<i64>,
}

/// The state of a segment that a clean shutdown persists, so that no file is scanned at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentSummary {
    pub(super) size: u64,
    pub(super) max_timestamp: Option<TimeEntry>,
    pub(super) first_timestamp: Option<Timestamp>,
}

impl Segment {
    /// Returns a new, empty segment. Its log file is created, the indexes when they have entries.
    pub(super) fn create(
        directory: &Path,
        base_offset: i64,
        pool: &Arc<OpenFiles>,
        now: Timestamp,
    ) -> io::Result<Self> {
        let segment = Self::empty(directory, base_offset, pool, now);
        segment.files.log.open_or_create()?.set_len(0)?;
        // Remains of a segment that began here before and was not removed whole.
        remove_if_there(&segment.files.transaction_index)?;
        Ok(segment)
    }

    /// Returns a segment with nothing known of its files.
    pub(super) fn empty(
        directory: &Path,
        base_offset: i64,
        pool: &Arc<OpenFiles>,
        now: Timestamp,
    ) -> Self {
        Self {
            base_offset,
            size: 0,
            files: Arc::new(SegmentFiles::new(directory, base_offset, pool)),
            offsets: SparseIndex::empty(),
            times: SparseIndex::empty(),
            bytes_since_entry: 0,
            max_timestamp: None,
            first_timestamp: None,
            created: now,
            jitter: 0,
            newest: VecDeque::new(),
            has_torn_tail: false,
            compacted_end: None,
        }
    }

    /// Takes over the known state of the files without reading them.
    pub(super) fn restore(
        &mut self,
        summary: SegmentSummary,
        offsets: SparseIndex<OffsetEntry>,
        times: SparseIndex<TimeEntry>,
    ) {
        self.size = summary.size;
        self.max_timestamp = summary.max_timestamp;
        self.first_timestamp = summary.first_timestamp;
        self.offsets = offsets;
        self.times = times;
    }

    pub(super) fn summary(&self) -> SegmentSummary {
        SegmentSummary {
            size: self.size,
            max_timestamp: self.max_timestamp,
            first_timestamp: self.first_timestamp,
        }
    }

    pub(super) fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// Returns the bytes of the batches.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn files(&self) -> &Arc<SegmentFiles> {
        &self.files
    }

    /// Draws the number of ms by which the segment is closed early, so that logs that were created
    /// together do not all begin a segment at once.
    pub(super) fn draw_jitter(&mut self, settings: &LogSettings) {
        let (drawn, _) = Uuid::new_v4().as_u64_pair();
        let longest = u64::try_from(settings.segment_jitter_ms).unwrap_or(0);
        self.jitter = drawn.checked_rem(longest).map_or(0, |jitter| jitter as Timestamp);
    }

    /// Returns whether Kafka would start a new segment before it appends `batch`.
    pub(super) fn should_roll(
        &self,
        batch: &BatchHeader,
        last_offset: i64,
        settings: &LogSettings,
        now: Timestamp,
    ) -> bool {
        let relative_offset = last_offset - self.base_offset;
        self.size + batch.size() as u64 > settings.segment_bytes
            || (self.size > 0
                && self.age(batch.max_timestamp, now) > settings.segment_ms - self.jitter)
            || self.offsets.size() + 8 > settings.index_max_bytes
            || self.times.size() + 12 > settings.index_max_bytes
            || relative_offset > i64::from(i32::MAX)
    }

    /// Returns the age of the segment. Kafka counts `segment.ms` in the time of the records, from
    /// the first batch of the segment; by the clock only if that batch has no timestamp.
    fn age(&self, max_timestamp: Timestamp, now: Timestamp) -> Timestamp {
        match self.first_timestamp {
            Some(first) if first > NO_TIMESTAMP => max_timestamp.saturating_sub(first),
            _ => now.saturating_sub(self.created),
        }
    }

    /// Writes a batch whose offset and leader epoch are assigned.
    ///
    /// # Errors
    /// When the file cannot be written. It is cut back to its former end, now or before the next
    /// write, and nothing else changes.
    pub(super) fn append(
        &mut self,
        header: &BatchHeader,
        payload: &[u8],
        settings: &LogSettings,
    ) -> io::Result<()> {
        let file = self.files.log.open()?;
        if self.has_torn_tail {
            file.set_len(self.size)?;
            self.has_torn_tail = false;
        }
        if let Err(error) = write_batch(&mut &*file, &header.to_bytes(), payload) {
            self.has_torn_tail = file.set_len(self.size).is_err();
            return Err(error);
        }
        self.note(header, settings.index_interval_bytes);
        self.flush_full_groups();
        Ok(())
    }

    /// Adds the batch at the end of the file to the indexes.
    pub(super) fn note(&mut self, header: &BatchHeader, index_interval_bytes: u64) {
        let position = self.size as u32;
        let relative_offset = (header.last_offset() - self.base_offset) as u32;
        if position == 0 {
            self.first_timestamp = Some(header.max_timestamp);
        }
        let largest = self.max_timestamp.map_or(NO_TIMESTAMP, |entry| entry.timestamp);
        if header.max_timestamp > largest {
            self.max_timestamp =
                Some(TimeEntry { timestamp: header.max_timestamp, relative_offset });
        }
        if self.bytes_since_entry > index_interval_bytes {
            self.offsets.push(OffsetEntry { relative_offset, position });
            self.note_time();
            self.bytes_since_entry = 0;
        }
        if self.newest.len() == NEWEST_BATCHES {
            self.newest.pop_front();
        }
        self.newest.push_back((header.base_offset, position));
        self.bytes_since_entry += header.size() as u64;
        self.size += header.size() as u64;
    }

    fn note_time(&mut self) {
        if let Some(entry) = self.max_timestamp
            && self.times.last().is_none_or(|last| entry.timestamp > last.timestamp)
        {
            self.times.push(entry);
        }
    }

    /// Writes full groups of index entries. An index that cannot be written stays in memory until
    /// it can, or until the segment must be closed: it is no reason to reject a batch that is in
    /// the log already.
    pub(super) fn flush_full_groups(&mut self) {
        if self.offsets.is_group_full()
            && let Err(error) = self.offsets.flush(&self.files.index)
        {
            tracing::warn!(path = %self.files.index.path().display(), %error, "index not written");
        }
        if self.times.is_group_full()
            && let Err(error) = self.times.flush(&self.files.time_index)
        {
            tracing::warn!(path = %self.files.time_index.path().display(), %error, "index not written");
        }
    }

    /// Writes everything that is only in memory, when the segment is complete or the log is closed.
    pub(super) fn flush_indexes(&mut self) -> io::Result<()> {
        self.note_time();
        self.offsets.flush(&self.files.index)?;
        self.times.flush(&self.files.time_index)
    }

    /// Returns whether compaction has left nothing from `offset` on.
    pub(super) fn ends_before(&self, offset: i64) -> bool {
        self.compacted_end.is_some_and(|end_offset| end_offset <= offset.max(self.base_offset))
    }

    /// Sets the offset after the last record that compaction has left.
    pub(super) fn set_compacted_end(&mut self, end_offset: Option<i64>) {
        self.compacted_end = end_offset;
    }

    /// Drops the state that only a growing segment needs.
    pub(super) fn seal(&mut self) {
        self.newest = VecDeque::new();
    }

    /// Returns the position of the batch that holds `offset`, if it is one of the newest.
    fn newest_batch(&self, offset: i64) -> Option<u64> {
        let behind = self.newest.partition_point(|(base_offset, _)| *base_offset <= offset);
        behind.checked_sub(1).map(|index| u64::from(self.newest[index].1))
    }

    /// Returns a position from which a scan reaches `offset` soon, if the indexes in memory know
    /// one.
    pub(super) fn position_in_memory(&self, offset: i64) -> Option<u64> {
        if let Some(position) = self.newest_batch(offset) {
            return Some(position);
        }
        let entry = self.offsets.search_memory(offset - self.base_offset);
        match entry {
            Some(entry) => Some(u64::from(entry.position)),
            // Nothing is in the file either: the scan starts at the front.
            None => (self.offsets.in_file() == 0).then_some(0),
        }
    }

    /// Returns the start of a scan for the first record whose timestamp is at least `target`.
    pub(super) fn start_for_time(&self, target: Timestamp) -> Start {
        match self.times.search_memory(target.saturating_sub(1)) {
            Some(entry) => self.start_for(self.base_offset + i64::from(entry.relative_offset)),
            None if self.times.in_file() == 0 => Start::Position(0),
            None => Start::Time(target),
        }
    }

    /// Returns the start of a scan for the batch with the largest timestamp.
    pub(super) fn start_for_max(&self) -> Start {
        match self.max_timestamp {
            Some(entry) => self.start_for(self.base_offset + i64::from(entry.relative_offset)),
            // A sealed segment: its index file knows the offset.
            None => Start::Offset(self.base_offset),
        }
    }

    /// Returns the start of a scan for the batch that holds `offset`.
    pub(super) fn start_for(&self, offset: i64) -> Start {
        self.position_in_memory(offset).map_or(Start::Offset(offset), Start::Position)
    }

    /// Returns the state of the segment that a reader needs without the lock.
    pub(super) fn view(&self, start: Start) -> SegmentView {
        let known = Indexed {
            size: self.size,
            offsets_in_file: self.offsets.in_file(),
            times_in_file: self.times.in_file(),
            max_timestamp: self.max_timestamp,
        };
        SegmentView::new(&self.files, self.base_offset, known, start)
    }

    /// Drops everything in and about the files before they are rebuilt.
    pub(super) fn reset(&mut self) -> io::Result<()> {
        self.files.invalidate();
        self.files.index.remove()?;
        self.files.time_index.remove()?;
        self.size = 0;
        self.offsets = SparseIndex::empty();
        self.times = SparseIndex::empty();
        self.bytes_since_entry = 0;
        self.max_timestamp = None;
        self.first_timestamp = None;
        self.newest.clear();
        self.compacted_end = None;
        // The segment may grow again, so its largest timestamp is unknown.
        self.files = Arc::new(self.files.renewed());
        Ok(())
    }

    /// Cuts the file at the end of the last batch.
    pub(super) fn cut_file(&mut self) -> io::Result<()> {
        self.files.log.open()?.set_len(self.size)?;
        self.has_torn_tail = false;
        Ok(())
    }

    /// Closes the descriptors.
    pub(super) fn close(&self) {
        self.files.log.close();
        self.files.index.close();
        self.files.time_index.close();
    }

    /// Returns the bytes of the larger index.
    pub(super) fn index_bytes(&self) -> u64 {
        self.offsets.size().max(self.times.size())
    }

    /// Returns the same segment, complete and closed, whose files were moved.
    pub(super) fn moved_to(mut self, directory: &Path, pool: &Arc<OpenFiles>) -> Self {
        self.files = Arc::new(SegmentFiles::new(directory, self.base_offset, pool));
        self.seal();
        self
    }

    /// Tells the readers that hold views of the files that these are outdated.
    pub(super) fn abandon(&self) {
        self.files.invalidate();
    }

    /// Removes the files, the log first: indexes without a log are removed at the next start.
    pub(super) fn remove(&self) -> io::Result<()> {
        self.files.invalidate();
        self.files.log.remove()?;
        self.files.index.remove()?;
        self.files.time_index.remove()?;
        remove_if_there(&self.files.transaction_index)
    }
}

/// Writes header and payload in one call, so that the batch is not copied together first.
fn write_batch(
    file: &mut impl Write,
    header: &[u8; HEADER_SIZE],
    payload: &[u8],
) -> io::Result<()> {
    let parts = [IoSlice::new(header), IoSlice::new(payload)];
    let written = loop {
        match file.write_vectored(&parts) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    // A disk that has room for a part takes that part and reports its size.
    if written == HEADER_SIZE + payload.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::StorageFull.into())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::super::view::{LOG_SUFFIX, file_name};
    use super::*;

    fn header(base_offset: i64, timestamp: Timestamp, payload: &[u8]) -> BatchHeader {
        let mut header = BatchHeader::new(1, timestamp, timestamp);
        header.set_payload(super::super::compression::Compression::None, payload.len()).unwrap();
        header.base_offset = base_offset;
        header.seal(payload);
        header
    }

    struct HalfFull(Vec<u8>);

    impl Write for HalfFull {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.extend_from_slice(&bytes[..10]);
            Ok(10)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_short_write_is_a_full_disk() {
        let header = header(0, 5, b"payload");
        let error = write_batch(&mut HalfFull(Vec::new()), &header.to_bytes(), b"payload");
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn after_a_failed_write_the_segment_is_as_before_and_takes_the_next_batch() {
        let directory = tempfile::tempdir().unwrap();
        let pool = OpenFiles::new(10);
        let settings = LogSettings::default();
        let mut segment = Segment::create(directory.path(), 0, &pool, 0).unwrap();
        segment.append(&header(0, 5, b"first"), b"first", &settings).unwrap();
        let path = directory.path().join(file_name(0, LOG_SUFFIX));
        let before = std::fs::read(&path).unwrap();

        // A descriptor that cannot be written to, nor cut back; and the bytes of a torn write.
        segment.files.log.replace_with(File::open(&path).unwrap());
        segment.append(&header(1, 6, b"second"), b"second", &settings).unwrap_err();
        assert!(segment.has_torn_tail);
        let torn = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        (&torn).write_all(b"torn").unwrap();
        assert_eq!(segment.size(), before.len() as u64);

        segment.files.log.close();
        segment.append(&header(1, 6, b"second"), b"second", &settings).unwrap();
        let after = std::fs::read(&path).unwrap();
        assert_eq!(after[..before.len()], before);
        assert_eq!(after.len(), before.len() + HEADER_SIZE + 6);
    }

    #[test]
    fn segment_ms_counts_in_the_time_of_the_records() {
        let directory = tempfile::tempdir().unwrap();
        let settings = LogSettings { segment_ms: 100, ..LogSettings::default() };
        let mut segment =
            Segment::create(directory.path(), 0, &OpenFiles::new(10), 1_000_000).unwrap();
        segment.append(&header(0, 500, b"a"), b"a", &settings).unwrap();
        assert!(!segment.should_roll(&header(1, 600, b"b"), 1, &settings, 9_000_000));
        assert!(segment.should_roll(&header(1, 601, b"b"), 1, &settings, 9_000_000));
    }

    #[test]
    fn jitter_closes_each_segment_early_at_a_time_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let settings = LogSettings {
            segment_ms: 1_000_000,
            segment_jitter_ms: 900_000,
            ..LogSettings::default()
        };
        let mut closed_at = std::collections::BTreeSet::new();
        for _ in 0..20 {
            let mut segment = Segment::create(directory.path(), 0, &OpenFiles::new(10), 0).unwrap();
            segment.draw_jitter(&settings);
            segment.append(&header(0, 500, b"a"), b"a", &settings).unwrap();
            let closes =
                |age: i64| segment.should_roll(&header(1, 500 + age, b"b"), 1, &settings, 0);
            let ages: Vec<i64> = (0..=1_000_001).collect();
            closed_at.insert(ages.partition_point(|age| !closes(*age)));
        }
        assert!(closed_at.len() > 10, "{closed_at:?}");
        assert!(closed_at.iter().all(|age| (100_002..=1_000_001).contains(age)), "{closed_at:?}");

        let mut segment = Segment::create(directory.path(), 0, &OpenFiles::new(10), 0).unwrap();
        segment.draw_jitter(&LogSettings::default());
        assert_eq!(segment.jitter, 0);
    }

    #[test]
    fn a_segment_without_timestamps_ages_by_the_clock() {
        let directory = tempfile::tempdir().unwrap();
        let settings = LogSettings { segment_ms: 100, ..LogSettings::default() };
        let mut segment = Segment::create(directory.path(), 0, &OpenFiles::new(10), 1_000).unwrap();
        segment.append(&header(0, -1, b"a"), b"a", &settings).unwrap();
        assert!(!segment.should_roll(&header(1, -1, b"b"), 1, &settings, 1_100));
        assert!(segment.should_roll(&header(1, -1, b"b"), 1, &settings, 1_101));
    }
}
