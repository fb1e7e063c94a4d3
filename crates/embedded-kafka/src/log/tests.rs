//! The contract of a log, seen from outside.

use std::path::Path;

use kafka_protocol::ResponseError;
use uuid::Uuid;

use super::read::OffsetOutOfRange;
use super::recover::Recovery;
use super::segment::Segment;
use super::test_batches::{TestRecord, batch, batch_with, headers, to_bytes};
use super::*;

const EVERYTHING: usize = 100 * 1024 * 1024;

impl Log {
    /// Returns the bytes of all segments.
    pub(super) fn size_bytes(&self) -> u64 {
        self.segments.iter().map(Segment::size).sum()
    }
}

fn open(directory: &Path, settings: &LogSettings) -> (Log, Recovery) {
    let pool = OpenFiles::new(16);
    let path = directory.join("flights-0");
    Log::open(path, settings.clone(), Uuid::from_u128(7), &pool, 0).unwrap()
}

fn small_segments() -> LogSettings {
    LogSettings { segment_bytes: 400, index_interval_bytes: 100, ..LogSettings::default() }
}

/// Appends `count` batches of two records each; the timestamps are 1000 times the offset.
fn fill(log: &mut Log, count: i64) {
    for _ in 0..count {
        let first = log.end_offset() * 1_000;
        let records: [TestRecord; 2] =
            [(first, Some("JFK"), "New York"), (first + 1_000, None, "Newark")];
        let codec = if first % 4_000 == 0 { Compression::Lz4 } else { Compression::None };
        let appended = log.append(&batch(&records, codec), 0, 0).unwrap();
        assert_eq!(appended.last_offset + 1, log.end_offset());
    }
}

/// Returns all base offsets from `offset` on, fetch by fetch.
fn read_all(log: &Log, mut offset: i64, max_bytes: usize) -> Vec<i64> {
    let mut bases = Vec::new();
    while let Some(slice) = log.locate(offset, log.end_offset(), max_bytes).unwrap() {
        let bytes = slice.read(true).unwrap();
        let found = headers(&bytes);
        assert!(bytes.len() <= max_bytes || found.len() == 1);
        offset = found.last().unwrap().last_offset() + 1;
        bases.extend(found.iter().map(|header| header.base_offset));
    }
    assert_eq!(offset, log.end_offset());
    bases
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory.join("flights-0")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_partition_without_a_write_has_no_directory() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, recovery) = open(directory.path(), &LogSettings::default());
    assert!(recovery.was_clean);
    assert!(log.locate(0, 0, 100).unwrap().is_none());
    assert!(log.locate(1, 1, 100).is_err());
    assert_eq!(log.offset_for_timestamp(0).resolve().unwrap(), None);
    assert_eq!(log.offset_of_max_timestamp().resolve().unwrap(), None);
    log.close().unwrap();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    log.delete().unwrap();
}

#[test]
fn what_is_appended_is_read_back_as_it_came() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), &LogSettings::default());
    let sent = batch(&[(5, Some("JFK"), "New York")], Compression::Gzip);
    log.append(&sent, 3, 0).unwrap();
    log.append(&sent, 4, 0).unwrap();
    let bytes = log.locate(1, 2, 1_000).unwrap().unwrap().read(false).unwrap();
    let header = headers(&bytes)[0];
    assert_eq!((header.base_offset, header.leader_epoch), (1, 4));
    assert_eq!(bytes[16..], to_bytes(&sent)[16..]);
}

#[test]
fn every_offset_is_found_whatever_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), &small_segments());
    fill(&mut log, 60);
    assert!(log.segments.len() > 10);
    for max_bytes in [1, 100, 250, EVERYTHING] {
        for offset in 0..120 {
            let expected: Vec<i64> = (offset / 2..60).map(|number| number * 2).collect();
            assert_eq!(read_all(&log, offset, max_bytes), expected);
        }
    }
    assert!(log.locate(121, 121, 100).is_err());
    assert!(log.locate(-1, 121, 100).is_err());
}

#[test]
fn a_first_batch_that_is_too_large_comes_only_if_one_has_to() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), &LogSettings::default());
    fill(&mut log, 3);
    let slice = log.locate(2, 6, 10).unwrap().unwrap();
    assert!(slice.read(false).unwrap().is_empty());
    assert_eq!(headers(&slice.read(true).unwrap()).len(), 1);
    assert_eq!(headers(&slice.read_without_waiting(true).unwrap().unwrap()).len(), 1);
}

#[test]
fn nothing_at_or_after_the_high_watermark_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), &LogSettings::default());
    fill(&mut log, 5);
    let bytes = log.locate(0, 6, EVERYTHING).unwrap().unwrap().read(true).unwrap();
    assert_eq!(headers(&bytes).last().unwrap().last_offset(), 5);
    assert!(log.locate(6, 6, EVERYTHING).unwrap().is_none());
}

#[test]
fn available_bytes_are_exact_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), &small_segments());
    fill(&mut log, 30);
    for offset in (log.segments.last().unwrap().base_offset()..60).step_by(2) {
        let bytes = log.locate(offset, 60, EVERYTHING).unwrap().unwrap().read(true).unwrap();
        assert_eq!(log.available_bytes(offset, 60), bytes.len() as u64);
        assert_eq!(log.available_bytes(offset, offset), 0);
    }
    assert_eq!(log.available_bytes(0, 60), log.size_bytes());
}

#[test]
fn descriptors_do_not_grow_with_segments() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), &small_segments());
    fill(&mut log, 200);
    read_all(&log, 0, EVERYTHING);
    assert!(log.segments.len() > 40);
    assert!(log.files.count() <= 16);
    log.files.close_idle();
    log.files.close_idle();
    assert_eq!(log.files.count(), 0);
    assert_eq!(read_all(&log, 0, EVERYTHING).len(), 200);
    fill(&mut log, 1);
}

#[test]
fn a_clean_restart_reads_no_batch() {
    let directory = tempfile::tempdir().unwrap();
    let settings = small_segments();
    let (mut log, _) = open(directory.path(), &settings);
    fill(&mut log, 33);
    log.close().unwrap();
    let before = (log.start_offset(), log.end_offset(), log.size_bytes());
    drop(log);
    // A clean start would not notice damage inside a batch.
    let (mut log, recovery) = open(directory.path(), &settings);
    assert_eq!(recovery, Recovery { was_clean: true, cut_bytes: 0, rebuilt_indexes: 0 });
    assert_eq!((log.start_offset(), log.end_offset(), log.size_bytes()), before);
    assert_eq!(read_all(&log, 0, 300).len(), 33);
    assert!(names(directory.path()).contains(&"clean-shutdown".to_owned()));
    fill(&mut log, 1);
    assert!(!names(directory.path()).contains(&"clean-shutdown".to_owned()));
    drop(log);
    let (log, recovery) = open(directory.path(), &settings);
    assert!(!recovery.was_clean);
    assert_eq!(recovery.cut_bytes, 0);
    assert_eq!(read_all(&log, 0, 300).len(), 34);
}

#[test]
fn a_torn_tail_is_cut_at_the_last_valid_batch() {
    let directory = tempfile::tempdir().unwrap();
    let settings = LogSettings::default();
    let (mut log, _) = open(directory.path(), &settings);
    fill(&mut log, 3);
    let intact = log.size_bytes();
    fill(&mut log, 1);
    let whole = log.size_bytes();
    drop(log);
    let path = directory.path().join("flights-0").join(format!("{:020}.log", 0));
    let bytes = std::fs::read(&path).unwrap();
    for length in intact..whole {
        std::fs::write(&path, &bytes[..length as usize]).unwrap();
        let (mut log, recovery) = open(directory.path(), &settings);
        assert_eq!(recovery.cut_bytes, length - intact);
        assert_eq!((log.end_offset(), log.size_bytes()), (6, intact));
        fill(&mut log, 1);
        assert_eq!(read_all(&log, 0, EVERYTHING), [0, 2, 4, 6]);
    }
    // A whole batch with one wrong bit is no better.
    let mut flipped = bytes.clone();
    flipped[intact as usize + 70] ^= 1;
    std::fs::write(&path, &flipped).unwrap();
    let (log, recovery) = open(directory.path(), &settings);
    assert_eq!((recovery.cut_bytes, log.end_offset()), (whole - intact, 6));
}

#[test]
fn missing_and_wrong_indexes_are_rebuilt() {
    let directory = tempfile::tempdir().unwrap();
    let settings = small_segments();
    let (mut log, _) = open(directory.path(), &settings);
    fill(&mut log, 40);
    log.close().unwrap();
    let sealed: Vec<i64> = log.segments.iter().map(Segment::base_offset).collect();
    drop(log);
    let path =
        |base: i64, suffix| directory.path().join("flights-0").join(format!("{base:020}.{suffix}"));
    std::fs::remove_file(path(sealed[0], "index")).unwrap();
    std::fs::remove_file(path(sealed[1], "timeindex")).unwrap();
    std::fs::write(path(sealed[2], "index"), [1, 2, 3]).unwrap();
    let (log, recovery) = open(directory.path(), &settings);
    assert_eq!((recovery.was_clean, recovery.rebuilt_indexes), (true, 3));
    assert_eq!(read_all(&log, 0, 200).len(), 40);
    drop(log);

    std::fs::remove_file(directory.path().join("flights-0/clean-shutdown")).unwrap();
    std::fs::write(path(sealed[3], "index"), [0xff; 16]).unwrap();
    let (log, recovery) = open(directory.path(), &settings);
    assert_eq!((recovery.was_clean, recovery.rebuilt_indexes), (false, 2));
    assert_eq!(read_all(&log, 0, 200).len(), 40);
}

#[test]
fn timestamps_lead_to_the_exact_record() {
    let directory = tempfile::tempdir().unwrap();
    let settings = small_segments();
    let (mut log, _) = open(directory.path(), &settings);
    fill(&mut log, 40);
    let check = |log: &Log| {
        for target in (0..80_000).step_by(500) {
            let found = log.offset_for_timestamp(target).resolve().unwrap();
            let offset = (target + 999) / 1_000;
            let expected = (offset < 80).then_some((offset, offset * 1_000));
            assert_eq!(found.map(|found| (found.offset, found.timestamp)), expected);
        }
        let latest = log.offset_of_max_timestamp().resolve().unwrap().unwrap();
        assert_eq!((latest.offset, latest.timestamp), (79, 79_000));
    };
    check(&log);
    log.close().unwrap();
    check(&open(directory.path(), &settings).0);
    std::fs::remove_file(directory.path().join("flights-0/clean-shutdown")).unwrap();
    check(&open(directory.path(), &settings).0);
}

#[test]
fn the_largest_timestamp_need_not_be_the_last() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), &small_segments());
    fill(&mut log, 10);
    let records: [TestRecord; 3] = [(1, None, "a"), (900_000, None, "b"), (900_000, None, "c")];
    log.append(&batch(&records, Compression::Zstd), 2, 0).unwrap();
    fill(&mut log, 10);
    let found = log.offset_of_max_timestamp().resolve().unwrap();
    assert_eq!(found, Some(Found { offset: 21, timestamp: 900_000, leader_epoch: 2 }));
    let found = log.offset_for_timestamp(500_000).resolve().unwrap();
    assert_eq!(found.map(|found| found.offset), Some(21));
}

#[test]
fn deleted_records_stay_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let settings = small_segments();
    let (mut log, _) = open(directory.path(), &settings);
    fill(&mut log, 40);
    let before = log.segments.len();
    assert_eq!(log.delete_records_before(31).unwrap(), 31);
    assert!(log.segments.len() < before);
    assert_eq!(log.delete_records_before(5).unwrap(), 31);
    assert!(matches!(
        log.delete_records_before(81),
        Err(DeleteRecordsError::OutOfRange(OffsetOutOfRange { offset: 81, .. }))
    ));
    assert!(log.locate(30, 80, 1).is_err());
    let found = log.offset_for_timestamp(0).resolve().unwrap().unwrap();
    assert_eq!((found.offset, found.timestamp), (31, 31_000));
    drop(log);
    let (mut log, _) = open(directory.path(), &settings);
    assert_eq!((log.start_offset(), log.end_offset()), (31, 80));
    log.delete_records_before(80).unwrap();
    assert_eq!(log.segments.len(), 1);
    log.close().unwrap();
    let (mut log, recovery) = open(directory.path(), &settings);
    assert!(recovery.was_clean);
    assert_eq!((log.start_offset(), log.end_offset()), (80, 80));
    fill(&mut log, 1);
    assert_eq!(read_all(&log, 80, 1), [80]);
}

#[test]
fn a_truncated_log_continues_from_the_cut() {
    let directory = tempfile::tempdir().unwrap();
    let settings = small_segments();
    let (mut log, _) = open(directory.path(), &settings);
    fill(&mut log, 40);
    let slice = log.locate(70, 80, EVERYTHING).unwrap().unwrap();
    log.truncate_to(31).unwrap();
    assert!(matches!(slice.read(true), Err(ReadError::Outdated)));
    assert_eq!(log.end_offset(), 30);
    assert_eq!(read_all(&log, 0, EVERYTHING).len(), 15);
    fill(&mut log, 5);
    assert_eq!(read_all(&log, 0, EVERYTHING).len(), 20);
    log.truncate_to(0).unwrap();
    assert_eq!((log.end_offset(), log.size_bytes()), (0, 0));
    fill(&mut log, 2);
    drop(log);
    let (log, recovery) = open(directory.path(), &settings);
    assert_eq!((recovery.cut_bytes, log.end_offset()), (0, 4));
}

#[test]
fn leader_epochs_follow_the_batches() {
    let directory = tempfile::tempdir().unwrap();
    let settings = small_segments();
    let (mut log, _) = open(directory.path(), &settings);
    let one = batch(&[(1, None, "x")], Compression::None);
    for (epoch, count) in [(0, 3), (2, 4), (5, 2)] {
        for _ in 0..count {
            log.append(&one, epoch, 0).unwrap();
        }
    }
    let check = |log: &Log| {
        assert_eq!(log.latest_epoch(), Some(5));
        assert_eq!(log.end_offset_for_epoch(1), Some((0, 3)));
        assert_eq!(log.end_offset_for_epoch(2), Some((2, 7)));
        assert_eq!(log.end_offset_for_epoch(5), Some((5, 9)));
        assert_eq!(log.end_offset_for_epoch(6), None);
    };
    check(&log);
    drop(log);
    let (mut log, _) = open(directory.path(), &settings);
    check(&log);
    log.truncate_to(5).unwrap();
    assert_eq!(log.latest_epoch(), Some(2));
    log.append(&one, 7, 0).unwrap();
    assert_eq!(log.end_offset_for_epoch(5), Some((2, 5)));
}

fn numbered(sequence: i32) -> ValidBatch {
    batch_with(&[(1, None, "x"), (2, None, "y")], Compression::None, |header| {
        header.producer_id = 9;
        header.producer_epoch = 0;
        header.base_sequence = sequence;
    })
}

#[test]
fn a_batch_sent_again_gets_its_first_offset() {
    let directory = tempfile::tempdir().unwrap();
    let settings = small_segments();
    let (mut log, _) = open(directory.path(), &settings);
    for number in 0..10 {
        log.append(&numbered(number * 2), 0, 0).unwrap();
    }
    let check = |log: &mut Log| {
        let size = log.size_bytes();
        let again = log.append(&numbered(12), 0, 0).unwrap();
        assert!(again.is_duplicate);
        assert_eq!((again.base_offset, again.last_offset), (12, 13));
        assert_eq!(again.log_append_time, Some(2));
        let gap = log.append(&numbered(22), 0, 0).unwrap_err();
        assert_eq!(gap.code(), ResponseError::OutOfOrderSequenceNumber);
        assert_eq!(log.size_bytes(), size);
    };
    check(&mut log);
    drop(log);
    // After a kill: from the snapshot of the last roll and the batches after it.
    let (mut log, _) = open(directory.path(), &settings);
    check(&mut log);
    log.close().unwrap();
    let (mut log, recovery) = open(directory.path(), &settings);
    assert!(recovery.was_clean);
    check(&mut log);
    log.close().unwrap();
    // Without any snapshot: from the batches alone.
    for name in names(directory.path()).iter().filter(|name| name.ends_with(".snapshot")) {
        std::fs::remove_file(directory.path().join("flights-0").join(name)).unwrap();
    }
    let (mut log, _) = open(directory.path(), &settings);
    check(&mut log);
    // The producer may send truncated batches again.
    log.truncate_to(16).unwrap();
    let appended = log.append(&numbered(16), 0, 0).unwrap();
    assert_eq!((appended.base_offset, appended.is_duplicate), (16, false));
}

#[test]
fn the_timer_expires_an_idle_producer() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), &LogSettings::default());
    log.append(&numbered(0), 0, 0).unwrap();
    log.tick(1_000);
    assert!(log.append(&numbered(50), 0, 0).is_err());
    log.tick(24 * 60 * 60 * 1_000 + 2);
    assert!(log.append(&numbered(50), 0, 0).is_ok());
}

#[test]
fn a_failed_append_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), &LogSettings::default());
    fill(&mut log, 2);
    let path = directory.path().join("flights-0").join(format!("{:020}.log", 0));
    let files = std::sync::Arc::clone(log.segments[0].files());
    files.log.replace_with(std::fs::File::open(&path).unwrap());
    let error = log.append(&numbered(0), 3, 0).unwrap_err();
    assert_eq!(error.code(), ResponseError::KafkaStorageError);
    assert_eq!((log.end_offset(), log.latest_epoch()), (4, Some(0)));
    assert_eq!(read_all(&log, 0, EVERYTHING), [0, 2]);
    files.log.close();
    // The producer sends it again, and it is no duplicate.
    let appended = log.append(&numbered(0), 3, 0).unwrap();
    assert_eq!((appended.base_offset, appended.is_duplicate), (4, false));
    assert_eq!(read_all(&log, 0, EVERYTHING), [0, 2, 4]);
}

#[test]
fn a_log_is_deleted_whole_and_readers_find_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), &LogSettings::default());
    fill(&mut log, 2);
    let slice = log.locate(0, 4, 1_000).unwrap().unwrap();
    log.delete().unwrap();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    assert!(matches!(slice.read(true), Err(ReadError::Outdated)));
}

#[test]
fn the_directory_of_a_topic_that_was_created_again_is_not_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), &LogSettings::default());
    fill(&mut log, 1);
    drop(log);
    let error = Log::open(
        directory.path().join("flights-0"),
        LogSettings::default(),
        Uuid::from_u128(8),
        &OpenFiles::new(4),
        0,
    )
    .unwrap_err();
    assert!(matches!(error, LogError::OtherTopic { .. }));
}

#[test]
fn records_of_the_broker_itself_are_appended_too() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(directory.path(), &LogSettings::default());
    let mut builder = BatchBuilder::new(77);
    builder.push(Some(b"group"), Some(b"offset"));
    builder.push(Some(b"group"), None);
    log.append(&builder.build().unwrap(), 0, 0).unwrap();
    let bytes = log.locate(0, 2, 1_000).unwrap().unwrap().read(true).unwrap();
    let header = headers(&bytes)[0];
    let records = Records::new(&header, &bytes[HEADER_SIZE..]).unwrap();
    let values: Vec<_> = records.map(|record| record.unwrap().value).collect();
    assert_eq!(values, [Some(&b"offset"[..]), None]);
}
