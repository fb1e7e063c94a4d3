//! Tests of the cleaner with single records and batches.

use std::path::Path;

use uuid::Uuid;

use super::super::super::batch::HEADER_SIZE;
use super::super::super::segment::Segment;
use super::super::super::test_batches::{batch_with, headers};
use super::super::super::{
    BatchBuilder, BatchHeader, Compression, EndTransactionMarker, Log, LogSettings, OpenFiles,
    TimestampType, ValidBatch,
};
use super::super::filter::LastBatch;
use super::super::keys::decompressed;

/// The number of ms that a tombstone is kept.
pub(super) const TOMBSTONES_STAY: i64 = 1_000;

pub(super) fn settings() -> LogSettings {
    LogSettings {
        compacted: true,
        deleted: false,
        segment_bytes: 400,
        index_interval_bytes: 100,
        min_dirty_ratio: 0.0,
        delete_retention_ms: TOMBSTONES_STAY,
        ..LogSettings::default()
    }
}

pub(super) fn open(directory: &Path) -> Log {
    open_with(directory, settings())
}

pub(super) fn open_with(directory: &Path, settings: LogSettings) -> Log {
    let pool = OpenFiles::new(16);
    Log::open(directory.join("flights-0"), settings, Uuid::from_u128(7), &pool, 0).unwrap().0
}

/// Keys with their values; `None` is a tombstone.
pub(super) type KeysAndValues<'a> = &'a [(&'a str, Option<&'a str>)];

pub(super) fn batch(timestamp: i64, records: KeysAndValues<'_>) -> ValidBatch {
    let mut builder = BatchBuilder::new(timestamp);
    for (key, value) in records {
        builder.push(Some(key.as_bytes()), value.map(str::as_bytes));
    }
    builder.build().unwrap()
}

pub(super) fn append(log: &mut Log, timestamp: i64, records: KeysAndValues<'_>) {
    log.append(&batch(timestamp, records), 0, 0).unwrap();
}

/// Begins a new segment, so that everything so far can be cleaned.
pub(super) fn roll(log: &mut Log) {
    if log.segments.last().is_some_and(|active| active.size() > 0) {
        log.begin_change().unwrap();
        log.roll(0).unwrap();
    }
}

/// Cleans the log as a partition does. Returns whether it was due.
pub(super) fn clean(log: &mut Log, now: i64) -> bool {
    let Some(mut pass) = log.cleaning(log.last_stable_offset(), now) else { return false };
    if !pass.is_due().unwrap() {
        return false;
    }
    let mut cleaning = pass.prepare(&|| false).unwrap().unwrap();
    let end_offset = cleaning.end_offset();
    log.begin_cleaning(end_offset).unwrap();
    while let Some(cleaned) = cleaning.next_segment(&|| false).unwrap() {
        assert!(log.swap_in(cleaned).unwrap());
    }
    log.finish_cleaning(end_offset).unwrap();
    true
}

/// Returns the batches from `offset` on, fetch by fetch.
pub(super) fn batches(log: &Log, mut offset: i64) -> Vec<(BatchHeader, Vec<u8>)> {
    let mut all = Vec::new();
    while let Some(slice) = log.locate(offset, log.end_offset(), 150).unwrap() {
        let bytes = slice.read(true).unwrap();
        if bytes.is_empty() {
            break;
        }
        let mut at = 0;
        for header in headers(&bytes) {
            let batch = &bytes[at..at + header.size()];
            at += header.size();
            assert!(header.last_offset() >= offset);
            offset = header.last_offset() + 1;
            all.push((header, batch.to_vec()));
        }
    }
    all
}

/// A record as a reader sees it: offset, timestamp, key, value.
pub(super) type Seen = (i64, i64, String, Option<String>);

pub(super) fn records(log: &Log, offset: i64) -> Vec<Seen> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut seen = Vec::new();
    for (header, batch) in batches(log, offset).iter().filter(|(it, _)| !it.is_control()) {
        let payload = decompressed(header, batch).unwrap();
        for record in super::super::super::Records::new(header, &payload).unwrap() {
            let record = record.unwrap();
            let at = header.base_offset + i64::from(record.offset_delta);
            if at >= offset {
                let timestamp = header.record_timestamp(record.timestamp_delta);
                let value = record.value.map(text);
                seen.push((at, timestamp, text(record.key.unwrap()), value));
            }
        }
    }
    seen
}

fn offsets(log: &Log) -> Vec<i64> {
    records(log, 0).iter().map(|record| record.0).collect()
}

#[test]
fn of_each_key_the_last_record_stays_at_its_offset() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path());
    append(&mut log, 1, &[("JFK", Some("a")), ("LGA", Some("b")), ("JFK", Some("c"))]);
    append(&mut log, 2, &[("LGA", Some("d"))]);
    roll(&mut log);
    // The cleaner reads no key of the last segment.
    append(&mut log, 3, &[("JFK", Some("e"))]);
    assert!(clean(&mut log, 10));
    let expected = [(2, 1, "JFK", "c"), (3, 2, "LGA", "d"), (4, 3, "JFK", "e")];
    let expected: Vec<Seen> =
        expected.map(|(at, time, key, value)| (at, time, key.into(), Some(value.into()))).into();
    assert_eq!(records(&log, 0), expected);
    assert_eq!((log.start_offset(), log.end_offset()), (0, 5));
    assert!(!clean(&mut log, 10), "nothing is new");
}

#[test]
fn small_segments_become_one_and_readers_cross_the_gaps() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path());
    for time in 0..40 {
        append(&mut log, time, &[("JFK", Some("a departure"))]);
    }
    append(&mut log, 40, &[("LGA", Some("a departure"))]);
    roll(&mut log);
    let before = log.segments.len();
    log.set_settings(LogSettings { segment_bytes: 100_000, ..settings() });
    assert!(clean(&mut log, 100));
    assert!(log.segments.len() < before);
    assert_eq!(offsets(&log), [39, 40]);
    for is_clean in [true, false] {
        if is_clean {
            log.close().unwrap();
        }
        drop(log);
        log = open(directory.path());
        for from in 0..=39 {
            assert_eq!(records(&log, from).first().map(|record| record.0), Some(39), "{from}");
            assert!(log.available_bytes(from, 41) > 0);
        }
        assert_eq!((log.start_offset(), log.end_offset()), (0, 41));
        log.begin_change().unwrap();
    }
}

#[test]
fn a_gap_up_to_the_end_holds_nothing_to_wait_for() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path());
    append(&mut log, 1, &[("JFK", None)]);
    roll(&mut log);
    clean(&mut log, 0);
    append(&mut log, 1, &[("LGA", None), ("LGA", None)]);
    roll(&mut log);
    clean(&mut log, 5_000);
    assert_eq!(offsets(&log), [2]);
    append(&mut log, 1, &[("ORD", None)]);
    roll(&mut log);
    clean(&mut log, 50_000);
    assert_eq!(offsets(&log), [3]);
    let end = log.end_offset();
    append(&mut log, 1, &[("SFO", None)]);
    roll(&mut log);
    clean(&mut log, 500_000);
    assert_eq!(offsets(&log), [end]);
    assert_eq!(log.available_bytes(end + 1, log.end_offset()), 0);
}

#[test]
fn a_tombstone_stays_for_a_while_after_it_was_first_cleaned() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path());
    append(&mut log, 50, &[("JFK", Some("a")), ("LGA", Some("b"))]);
    append(&mut log, 60, &[("JFK", None), ("ORD", Some("c"))]);
    roll(&mut log);
    let tombstone = (2, 60, "JFK".to_owned(), None);
    let (mut first, mut dirty) = (None, 70);
    // Each pass needs something new.
    for (now, is_there) in [(10_000, true), (10_999, true), (11_000, false)] {
        assert!(clean(&mut log, now));
        assert_eq!(records(&log, 0).contains(&tombstone), is_there, "at {now}");
        assert_eq!(records(&log, 0)[0].0, 1, "its key's value is removed at once");
        let horizon = batches(&log, 2)[0].0.delete_horizon();
        assert_eq!(*first.get_or_insert(horizon), horizon, "it is set once");
        dirty += 1;
        append(&mut log, dirty, &[("SFO", Some("d"))]);
        roll(&mut log);
    }
    assert_eq!(first, Some(Some(10_000 + TOMBSTONES_STAY)));
}

#[test]
fn a_batch_keeps_its_codec_its_producer_and_its_range() {
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        let directory = tempfile::tempdir().unwrap();
        let mut log = open(directory.path());
        let records = [(5, Some("JFK"), "a"), (7, Some("LGA"), "b"), (9, Some("JFK"), "c")];
        let sent = batch_with(&records, codec, |header| {
            (header.producer_id, header.producer_epoch, header.base_sequence) = (7, 2, 30);
        });
        log.append(&sent, 3, 0).unwrap();
        append(&mut log, 10, &[("JFK", Some("d"))]);
        roll(&mut log);
        assert!(clean(&mut log, 100));
        let (header, batch) = &super::batches::batches(&log, 0)[0];
        assert_eq!(header.compression(), Some(codec));
        assert_eq!((header.base_offset, header.last_offset(), header.record_count), (0, 2, 1));
        assert_eq!((header.producer_id, header.producer_epoch), (7, 2));
        assert_eq!(
            (header.base_sequence, header.last_sequence(), header.leader_epoch),
            (30, 32, 3)
        );
        assert_eq!(header.max_timestamp, 7);
        assert!(batch.len() > HEADER_SIZE);
    }
}

#[test]
fn the_last_batch_of_a_producer_stays_without_its_records() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path());
    for sequence in 0..3 {
        let sent = batch_with(&[(5, Some("JFK"), "a")], Compression::Gzip, |header| {
            (header.producer_id, header.producer_epoch, header.base_sequence) = (7, 0, sequence);
        });
        log.append(&sent, 0, 0).unwrap();
    }
    append(&mut log, 10, &[("JFK", Some("b"))]);
    roll(&mut log);
    assert!(clean(&mut log, 100));
    let left = batches(&log, 0);
    let left: Vec<_> = left.iter().map(|(it, _)| (it.base_offset, it.record_count)).collect();
    assert_eq!(left, [(2, 0), (3, 1)]);
    assert_eq!(log.offset_for_timestamp(0).resolve().unwrap().unwrap().offset, 3);
    // Without any snapshot, the remaining batch holds the state of the producer.
    let before = log.producer_states();
    drop(log);
    for entry in std::fs::read_dir(directory.path().join("flights-0")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "snapshot") {
            std::fs::remove_file(path).unwrap();
        }
    }
    let log = open(directory.path());
    assert_eq!(log.producer_states(), before);
    assert_eq!(LastBatch::of_all(&log.producers).len(), 1);
}

fn transactional(key: &str, sequence: i32) -> ValidBatch {
    let key: &'static str = key.to_owned().leak();
    batch_with(&[(5, Some(key), "a")], Compression::None, |header| {
        header.set_transactional(7, 0);
        header.base_sequence = sequence;
    })
}

fn end(log: &mut Log, commit: bool) {
    let marker = EndTransactionMarker { commit, coordinator_epoch: 0 };
    log.append_marker(7, 0, marker, 0, 5).unwrap();
}

#[test]
fn aborted_records_are_removed_and_their_marker_follows_later() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path());
    append(&mut log, 1, &[("JFK", Some("kept"))]);
    log.append(&transactional("JFK", 0), 0, 0).unwrap();
    end(&mut log, false);
    // The same producer continues, so that no batch of its first transaction is its last.
    log.append(&transactional("LGA", 1), 0, 0).unwrap();
    end(&mut log, true);
    log.append(&transactional("ORD", 2), 0, 0).unwrap();
    end(&mut log, true);
    roll(&mut log);
    assert!(!log.aborted_transactions().is_empty());
    let mut left = Vec::new();
    for (now, key) in [(100, "a"), (200, "b"), (5_000, "c")] {
        assert!(clean(&mut log, now));
        assert_eq!(records(&log, 0)[0].3.as_deref(), Some("kept"));
        left.push(batches(&log, 0).iter().map(|(it, _)| it.base_offset).collect::<Vec<_>>());
        append(&mut log, 1, &[(key, None)]);
        roll(&mut log);
    }
    // The first pass removes the record. A later one sees the marker alone and removes the marker.
    assert_eq!(left[0], [0, 2, 3, 4, 5, 6]);
    assert_eq!(left[1][..6], [0, 2, 3, 4, 5, 6]);
    assert_eq!(left[2][..5], [0, 3, 4, 5, 6]);
    assert!(log.aborted_transactions().is_empty());
}

#[test]
fn nothing_of_an_open_transaction_or_after_it_is_cleaned() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path());
    append(&mut log, 1, &[("JFK", Some("a")), ("JFK", Some("b"))]);
    roll(&mut log);
    log.append(&transactional("JFK", 0), 0, 0).unwrap();
    roll(&mut log);
    append(&mut log, 1, &[("JFK", Some("c"))]);
    roll(&mut log);
    assert!(clean(&mut log, 100));
    assert_eq!(offsets(&log), [1, 2, 3]);
    end(&mut log, true);
    roll(&mut log);
    assert!(clean(&mut log, 100));
    assert_eq!(offsets(&log), [3]);
}

#[test]
fn the_settings_of_a_log_decide_when_it_is_cleaned() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open_with(directory.path(), LogSettings { segment_bytes: 100, ..settings() });
    for time in [1_000, 2_000, 3_000, 4_000] {
        append(&mut log, time, &[("JFK", Some("a"))]);
    }
    roll(&mut log);
    let due = |log: &mut Log, change: &dyn Fn(&mut LogSettings), now: i64| {
        let mut changed = LogSettings { segment_bytes: 100, ..settings() };
        change(&mut changed);
        log.set_settings(changed);
        log.cleaning(log.last_stable_offset(), now).is_some_and(|mut pass| pass.is_due().unwrap())
    };
    assert!(due(&mut log, &|_| {}, 5_000));
    assert!(!due(&mut log, &|it| it.compacted = false, 5_000));
    assert!(!due(&mut log, &|it| it.min_dirty_ratio = 1.0, 5_000));
    let overdue =
        |it: &mut LogSettings| (it.min_dirty_ratio, it.max_compaction_lag_ms) = (1.0, 500);
    assert!(!due(&mut log, &overdue, 1_500));
    assert!(due(&mut log, &overdue, 1_501));
    let young = |it: &mut LogSettings| it.min_compaction_lag_ms = 1_500;
    assert!(!due(&mut log, &young, 2_000));
    assert!(due(&mut log, &young, 3_600));
    // Only the first two are old enough.
    clean(&mut log, 3_600);
    assert_eq!(offsets(&log), [1, 2, 3]);
}

#[test]
fn a_pass_without_room_for_all_keys_continues_in_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path());
    for round in 0..3 {
        for key in ["JFK", "LGA", "ORD", "SFO"] {
            append(&mut log, round, &[(key, Some("a departure"))]);
        }
    }
    roll(&mut log);
    let mut passes = 0;
    while let Some(mut pass) = log.cleaning(log.last_stable_offset(), 0) {
        pass.most_key_bytes = 100;
        let mut cleaning = pass.prepare(&|| false).unwrap().unwrap();
        let end_offset = cleaning.end_offset();
        log.begin_cleaning(end_offset).unwrap();
        while let Some(cleaned) = cleaning.next_segment(&|| false).unwrap() {
            assert!(log.swap_in(cleaned).unwrap());
        }
        log.finish_cleaning(end_offset).unwrap();
        passes += 1;
    }
    assert!(passes > 2, "{passes}");
    assert_eq!(offsets(&log), [8, 9, 10, 11]);
}

#[test]
fn segments_truncated_or_removed_during_a_pass_are_left_alone() {
    for is_cut in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let mut log = open(directory.path());
        for time in 0..20 {
            append(&mut log, time, &[("JFK", Some("a departure"))]);
        }
        let pass = log.cleaning(20, 0).unwrap();
        let mut cleaning = pass.prepare(&|| false).unwrap().unwrap();
        let cleaned = cleaning.next_segment(&|| false).unwrap().unwrap();
        if is_cut {
            log.truncate_to(1).unwrap();
        } else {
            log.delete_records_before(8).unwrap();
        }
        let before = records(&log, log.start_offset());
        assert!(!log.swap_in(cleaned).unwrap());
        assert_eq!(records(&log, log.start_offset()), before);
    }
}

#[test]
fn damage_does_not_count_as_removed_records() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path());
    for time in 0..20 {
        append(&mut log, time, &[("JFK", Some("a departure"))]);
    }
    let path = directory.path().join("flights-0/00000000000000000000.log");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[16] = 9;
    std::fs::write(&path, bytes).unwrap();
    assert!(log.cleaning(20, 0).unwrap().prepare(&|| false).is_err());
}

#[test]
fn append_times_stay() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path());
    log.set_settings(LogSettings { timestamp_type: TimestampType::LogAppendTime, ..settings() });
    let stamped = |records, at| batch(1, records).stamped_on_append(at);
    log.append(&stamped(&[("JFK", Some("a")), ("LGA", None)], 100), 0, 0).unwrap();
    log.append(&stamped(&[("JFK", Some("b"))], 200), 0, 0).unwrap();
    roll(&mut log);
    assert!(clean(&mut log, 300));
    let times: Vec<_> = records(&log, 0).iter().map(|record| (record.0, record.1)).collect();
    assert_eq!(times, [(1, 100), (2, 200)]);
    assert!(log.segments.iter().map(Segment::size).sum::<u64>() > 0);
}
